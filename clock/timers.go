package clock

import (
	"context"
	"time"
)

// Timers waits with Go's own timers, a millisecond late at worst: what is used when
// the precise alarm is switched off. The zero value is ready.
type Timers struct{}

// WaitUntil returns at due, or when ctx ends (with its error).
func (Timers) WaitUntil(ctx context.Context, due MonoNS) error {
	t := time.NewTimer(due.Sub(Now()))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Approach is WaitUntil: there is nothing to gain.
func (t Timers) Approach(ctx context.Context, due MonoNS) error { return t.WaitUntil(ctx, due) }

// Reach has nothing left to wait for.
func (Timers) Reach(MonoNS) {}

// Close has nothing to end; an Alarm has.
func (Timers) Close() {}
