package timing

import (
	"context"
	"sync"

	"aiperf/clock"
)

// waiter waits for absolute instants of the monotonic clock.
type waiter interface {
	WaitUntil(ctx context.Context, due clock.MonoNS) error
}

// sleeper turns a wait for an instant into a channel that a select can read. It
// keeps one instant: an earlier one takes its place, a later one does not, because
// whoever is woken asks again.
//
// One goroutine waits; run is its body, ended by its context.
type sleeper struct {
	wait  waiter
	fired chan struct{} // a wake is due; holds one
	kick  chan struct{} // an instant was set while there was none; holds one

	mu     sync.Mutex
	due    clock.MonoNS       // never = none is set
	cancel context.CancelFunc // of the wait that goes on; nil when there is none
}

func newSleeper(w waiter) *sleeper {
	return &sleeper{wait: w, fired: make(chan struct{}, 1), kick: make(chan struct{}, 1), due: never}
}

// wakeAt asks for a wake at an instant, or before it.
func (s *sleeper) wakeAt(due clock.MonoNS) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if due >= s.due {
		return
	}
	s.due = due
	if s.cancel != nil {
		s.cancel() // it waits for a later instant
		return
	}
	signal(s.kick)
}

func (s *sleeper) run(ctx context.Context) {
	for ctx.Err() == nil {
		due, wait := s.next(ctx)
		if due == never {
			select {
			case <-s.kick:
			case <-ctx.Done():
			}
			continue
		}
		err := s.wait.WaitUntil(wait, due)
		s.over(due, err == nil)
	}
}

// next reads what to wait for, and lets wakeAt interrupt it.
func (s *sleeper) next(ctx context.Context) (due clock.MonoNS, wait context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due == never {
		return never, nil
	}
	wait, s.cancel = context.WithCancel(ctx)
	return s.due, wait
}

// over ends a wait; one that was interrupted leaves the earlier instant standing.
func (s *sleeper) over(due clock.MonoNS, reached bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel()
	s.cancel = nil
	if !reached {
		return
	}
	if s.due == due {
		s.due = never
	}
	signal(s.fired)
}

// signal fills a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is known already
	}
}
