package clock

import (
	"container/heap"
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Alarm wakes goroutines at absolute instants of the monotonic clock. Go's own
// timers are rounded to a millisecond when the process is otherwise idle; one
// thread of Alarm sleeps in the kernel's high-resolution clock instead, and
// serves any number of waiters. Handing over to a waiter takes time of its own, tens of
// microseconds on an idle machine. Who cannot afford that waits in two steps: Approach
// wakes it that much ahead, and Reach spins for the rest. How much is learned: most
// waiters are to be ready in time.
//
// One goroutine, started by NewAlarm and ended by Close, owns the sleeping. The
// heap has as many entries as there are waiters.
type Alarm struct {
	mu     sync.Mutex
	queue  waiters
	wake   *waker
	next   int64 // deadline slept for; never when none
	closed bool
	done   chan struct{}
	ahead  atomic.Int64 // ns that waiters are woken before their instant
}

// The lead moves by these steps after each wait, up when the waiter was ready too late,
// down when it was in time: about four of five are in time. It is bounded, because its
// rest is spent spinning; on a machine that hands over more slowly nobody spins.
const (
	leadUp   = 2 * time.Microsecond
	leadDown = leadUp / 4
	maxLead  = 100 * time.Microsecond
)

type waiter struct {
	due   MonoNS
	ch    chan struct{}
	index int
}

const never = int64(1<<63 - 1)

// NewAlarm starts an alarm. Close ends it.
func NewAlarm() (*Alarm, error) {
	w, err := newWaker()
	if err != nil {
		return nil, err
	}
	a := &Alarm{wake: w, next: never, done: make(chan struct{})}
	go a.run()
	return a, nil
}

// WaitUntil returns at due, or when ctx ends (with its error). An instant that
// has passed returns at once.
func (a *Alarm) WaitUntil(ctx context.Context, due MonoNS) error {
	if due <= Now() {
		return ctx.Err()
	}
	w := &waiter{due: due, ch: make(chan struct{})}
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return context.Canceled
	}
	heap.Push(&a.queue, w)
	if int64(due) < a.next {
		a.wake.wake() // under the lock: Close may give the descriptor back after it
	}
	a.mu.Unlock()
	select {
	case <-w.ch:
		return nil
	case <-ctx.Done():
		a.mu.Lock()
		if w.index >= 0 {
			heap.Remove(&a.queue, w.index)
		}
		a.mu.Unlock()
		return ctx.Err()
	}
}

// Approach returns a little before due, or when ctx ends (with its error). What is left
// is for last preparations, and for Reach.
func (a *Alarm) Approach(ctx context.Context, due MonoNS) error {
	return a.WaitUntil(ctx, due.Add(-time.Duration(a.ahead.Load())))
}

// Reach returns at due for who has approached it. It spins, for maxLead at most.
func (a *Alarm) Reach(due MonoNS) {
	now := Now()
	a.learn(now <= due)
	for now < due && due.Sub(now) <= maxLead { // more is left when the wait ended early
		now = Now()
	}
}

// learn moves the lead after a wait.
func (a *Alarm) learn(inTime bool) {
	step := int64(leadUp)
	if inTime {
		step = -int64(leadDown)
	}
	a.ahead.Store(min(max(a.ahead.Load()+step, 0), int64(maxLead))) // of waiters at the same time one counts
}

func (a *Alarm) run() {
	defer close(a.done)
	runtime.LockOSThread() // the timer slack below is a property of the thread
	setTimerSlack()
	for {
		a.mu.Lock()
		if a.closed {
			for _, w := range a.queue {
				w.index = -1
				close(w.ch)
			}
			a.queue = nil
			a.mu.Unlock()
			return
		}
		now := Now()
		for len(a.queue) > 0 && a.queue[0].due <= now {
			w := heap.Pop(&a.queue).(*waiter)
			close(w.ch)
		}
		timeout := time.Duration(-1)
		a.next = never
		if len(a.queue) > 0 {
			a.next = int64(a.queue[0].due)
			timeout = a.queue[0].due.Sub(now)
		}
		a.mu.Unlock()
		a.wake.sleep(timeout)
	}
}

// Close wakes every waiter and ends the alarm's goroutine. It may be called twice.
func (a *Alarm) Close() {
	a.mu.Lock()
	already := a.closed
	a.closed = true
	a.mu.Unlock()
	if !already {
		a.wake.wake()
	}
	<-a.done
	if !already {
		a.wake.close()
	}
}

// waiters is a min-heap by deadline.
type waiters []*waiter

func (q waiters) Len() int           { return len(q) }
func (q waiters) Less(i, j int) bool { return q[i].due < q[j].due }
func (q waiters) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *waiters) Push(x any) {
	w := x.(*waiter)
	w.index = len(*q)
	*q = append(*q, w)
}
func (q *waiters) Pop() any {
	old := *q
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	w.index = -1
	return w
}
