package timing

import (
	"time"

	"aiperf/clock"
	"aiperf/plugins/arrivals"
)

// schedule turns an arrival pattern into a line of ticks: the instants at which one
// request each is due. The line is absolute, so no lateness adds up.
//
// A tick that is looked at too late moves the line: all later ticks keep their
// distances to it.
//
//	shift += now − target      when target < now − catchUp
type schedule struct {
	pattern arrivals.Pattern
	start   clock.MonoNS
	catchUp time.Duration // lateness that is made up for by sending at once

	shift     time.Duration // of the line, since the start
	moment    time.Duration // of the next tick, from the start, without the shift
	reanchors int64
}

func newSchedule(pattern arrivals.Pattern, start clock.MonoNS, catchUp time.Duration) *schedule {
	return &schedule{pattern: pattern, start: start, catchUp: catchUp, moment: max(0, pattern.Next())}
}

// peek is the instant of the next tick, as the line lies.
func (s *schedule) peek() clock.MonoNS { return s.start.Add(s.moment + s.shift) }

// take returns the next tick's instant and goes on to the one after it. It tells
// whether the line was moved for it.
func (s *schedule) take(now clock.MonoNS) (target clock.MonoNS, moved bool) {
	target = s.peek()
	if late := now.Sub(target); late > s.catchUp {
		s.shift += late
		s.reanchors++
		target, moved = now, true
	}
	s.moment = max(s.moment, s.pattern.Next())
	return target, moved
}
