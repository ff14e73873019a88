//go:build !linux

package clock

import "time"

// waker without ppoll: Go's timers, which are as precise as the platform makes them.
type waker struct{ ch chan struct{} }

func newWaker() (*waker, error) { return &waker{ch: make(chan struct{}, 1)}, nil }

func (w *waker) wake() {
	select {
	case w.ch <- struct{}{}:
	default: // a wake is pending already
	}
}

func (w *waker) sleep(d time.Duration) {
	if d < 0 {
		<-w.ch
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.ch:
	case <-t.C:
	}
}

func (w *waker) close() {}

func setTimerSlack() {}
