package timing

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"aiperf/clock"
)

// event is something that happened, told to the engine on its own goroutine.
type event func(e *engine, now clock.MonoNS)

// inboxSize bounds the events that wait. When it is full, the sockets are not read,
// and the workers' returns wait on their side.
const inboxSize = 1024

// maxPanics bounds how often a broken plugin may interrupt the engine before the
// run is given up without finishing its phase.
const maxPanics = 3

// loop is the one goroutine that owns an engine: it takes events, lets the engine do
// what is due, and sleeps until the next instant or event.
type loop struct {
	engine  *engine
	now     func() clock.MonoNS
	inbox   chan event
	sleeper *sleeper

	finished     chan struct{} // closed when the last phase has ended
	finishedOnce sync.Once
	panics       int
}

func newLoop(e *engine, now func() clock.MonoNS, w waiter) *loop {
	return &loop{engine: e, now: now, inbox: make(chan event, inboxSize), sleeper: newSleeper(w), finished: make(chan struct{})}
}

// post hands an event to the loop; it waits while the inbox is full.
func (l *loop) post(ctx context.Context, ev event) error {
	select {
	case l.inbox <- ev:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ask hands over an event and waits until the loop has dealt with it.
func (l *loop) ask(ctx context.Context, fn func(e *engine, now clock.MonoNS) error) error {
	answer := make(chan error, 1)
	err := l.post(ctx, func(e *engine, now clock.MonoNS) { answer <- fn(e, now) })
	if err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run is the goroutine; it ends with its context.
func (l *loop) run(ctx context.Context) {
	var sleeping sync.WaitGroup
	sleeping.Go(func() { l.sleeper.run(ctx) })
	defer sleeping.Wait()
	for ctx.Err() == nil {
		wake := l.advance()
		if wake <= l.now() {
			l.takeWaiting() // there is more to issue; returns have their turn first
			continue
		}
		if wake != never {
			l.sleeper.wakeAt(wake)
		}
		select {
		case ev := <-l.inbox:
			l.deliver(ev)
			l.takeWaiting() // one pass serves all that is there
		case <-l.sleeper.fired:
			l.takeWaiting() // what came before an instant counts before it, should we be late
		case <-ctx.Done():
		}
	}
}

// takeWaiting delivers what is in the inbox, at most one filling of it.
func (l *loop) takeWaiting() {
	for range inboxSize {
		select {
		case ev := <-l.inbox:
			l.deliver(ev)
		default:
			return
		}
	}
}

func (l *loop) deliver(ev event) {
	l.guard(func() { ev(l.engine, l.now()) })
}

func (l *loop) advance() (wake clock.MonoNS) {
	l.guard(func() { wake = l.engine.advance(l.now()) })
	if l.engine.done {
		l.finishedOnce.Do(func() { close(l.finished) })
	}
	return wake
}

// guard keeps a panic, such as that of a plugin, from ending the process: the phase
// fails with it and is finished in order.
func (l *loop) guard(step func()) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		l.panics++
		err := fmt.Errorf("panic in timing: %v", p)
		l.engine.log.Error("panic in timing", "panic", p, "stack", string(debug.Stack()))
		if l.panics > maxPanics {
			l.engine.abandon(err)
			return
		}
		l.guard(func() { l.engine.fail(l.now(), err) })
	}()
	step()
}
