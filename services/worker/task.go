package worker

import (
	"context"
	"sync/atomic"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/plugins/transports"
)

// A task is one credit at work:
//
//	state    begin    drop
//	waiting  started  dropped   the request was not taken up: no record
//	started  –        started   the exchange is aborted: a cancelled record
//	dropped  dropped  dropped
type task struct {
	credit   messages.Credit
	received clock.MonoNS
	ctx      context.Context // ends with the credit's cancel; carried here because cancels come from outside
	cancel   context.CancelCauseFunc
	state    atomic.Int32
	// queued: there were more credits at work than the transport can carry, so this one
	// waited without a goroutine.
	queued bool
}

const (
	waiting int32 = iota
	started
	dropped
)

// begin takes the request up; false when the credit was cancelled before.
func (t *task) begin() bool { return t.state.CompareAndSwap(waiting, started) }

// drop cancels the credit.
func (t *task) drop() {
	t.state.CompareAndSwap(waiting, dropped)
	t.cancel(transports.ErrCancelled)
}

// due is the instant to send at, 0 for at once. A credit that was issued late is due
// when it was issued, not when it was scheduled.
func (t *task) due() clock.MonoNS {
	if at := max(t.credit.ScheduledNS, t.credit.IssuedAtNS); at > 0 && t.credit.ScheduledNS > 0 {
		return clock.MonoOf(at)
	}
	return 0
}
