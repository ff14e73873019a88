package worker

import (
	"context"
	"time"

	"aiperf/clock"
)

// timers waits with the runtime's own timers, a millisecond late at worst: what is used
// when the precise alarm is switched off.
type timers struct{}

// WaitUntil returns at due, or with an error when ctx ends.
func (timers) WaitUntil(ctx context.Context, due clock.MonoNS) error {
	t := time.NewTimer(due.Sub(clock.Now()))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close has nothing to end.
func (timers) Close() {}
