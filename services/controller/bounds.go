package controller

import (
	"time"

	"aiperf/clock"
)

// bounds are the limits of the controller's own waits; those that users can set stand
// in the run document.
type bounds struct {
	relay    time.Duration // final scrapes and file ends of other services
	tell     time.Duration // news that need no work
	others   time.Duration // results beside the profile's, after it
	export   time.Duration // files of a run that was not cancelled
	shutdown time.Duration // acknowledgements of the last command
	leave    time.Duration // producers' way out, before their consumers are told to go
	progress time.Duration // between two words about a long start-up

	// Of a cancelled run, by when, after the cancel:
	drain    time.Duration // credits in flight have returned
	results  time.Duration // results have come by themselves
	urged    time.Duration // results have come because they were asked for
	exported time.Duration // files are written
}

// usual are the bounds of every run. The launcher kills what is left of a cancelled
// run after 15 s.
var usual = bounds{
	relay: 60 * time.Second, tell: 5 * time.Second, others: 10 * time.Second, export: 5 * time.Minute,
	shutdown: 2 * time.Second, leave: 500 * time.Millisecond, progress: 5 * time.Second,
	drain: 10500 * time.Millisecond, results: 11500 * time.Millisecond, urged: 14 * time.Second, exported: 14700 * time.Millisecond,
}

// leastExport is what a cancelled run has for its files when its time is over.
const leastExport = 500 * time.Millisecond

// left is what is left until so long after the cancel.
func (c *Controller) left(bound time.Duration) time.Duration {
	return max(0, bound-clock.Now().Sub(c.cancelNS))
}
