package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

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

// hangUp makes the transport's report that the request is sent end the exchange so long
// after it; the alarm keeps the instant. A credit that is cancelled, or done, before
// then is left alone. The goroutine belongs to running, as that of the task does.
func (t *task) hangUp(running *sync.WaitGroup, alarm alarm) func(clock.MonoNS) {
	after := time.Duration(*t.credit.CancelAfterNS)
	return func(sent clock.MonoNS) {
		if after <= 0 {
			t.cancel(transports.Disconnect(after))
			return
		}
		due := sent.Add(after)
		running.Go(func() {
			if alarm.Approach(t.ctx, due) != nil {
				return
			}
			alarm.Reach(due)
			t.cancel(transports.Disconnect(after))
		})
	}
}

// due is the instant to send at, 0 for at once. A credit that was issued late is due
// when it was issued, not when it was scheduled.
func (t *task) due() clock.MonoNS {
	if at := max(t.credit.ScheduledNS, t.credit.IssuedAtNS); at > 0 && t.credit.ScheduledNS > 0 {
		return clock.MonoOf(at)
	}
	return 0
}
