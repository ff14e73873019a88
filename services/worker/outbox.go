package worker

import (
	"context"
	"errors"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"aiperf/clock"
	"aiperf/messages"
)

// Batches of records. A record waits at most maxBatchWait for company.
const (
	maxBatch      = 64
	maxBatchBytes = 4 << 20
	maxBatchWait  = 2 * time.Millisecond
)

// maxBacklog is how many records may wait for one record processor. Beyond it another
// one is chosen; when all are full the sender waits, and the wait is counted.
const maxBacklog = 256

// restartPause is how long a processor that is being restarted is passed over. It is
// longer than the launcher's longest back-off.
const restartPause = 3 * time.Second

// errNoProcessor means that there will be no record processor any more.
var errNoProcessor = errors.New("there is no record processor left")

// pusher is the way to one record processor.
type pusher interface {
	Send(ctx context.Context, to string, m messages.Message) error
}

// outbox spreads records over record processors: the one with the shortest backlog
// gets the next, equals take turns. Each has a goroutine that sends its batches;
// close waits for them.
type outbox struct {
	recycle func(*item)
	ctx     context.Context // ends when even the drain is given up
	giveUp  context.CancelFunc
	senders sync.WaitGroup
	waits   atomic.Int64

	mu     sync.Mutex
	lanes  []*lane // in the order of their ids
	next   int     // where the search for the shortest backlog begins
	room   chan struct{}
	closed bool
}

// lane is one record processor. Its fields belong to the outbox's lock.
type lane struct {
	id     string
	push   pusher
	queue  []*item
	bell   chan struct{} // capacity 1: there is something to do
	avoid  clock.MonoNS  // not chosen before, while others live
	gone   bool
	cancel context.CancelFunc // ends a send to a processor that will not come back
}

func newOutbox(recycle func(*item)) *outbox {
	o := &outbox{recycle: recycle, room: make(chan struct{})}
	o.ctx, o.giveUp = context.WithCancel(context.Background())
	return o
}

// add begins to send to a processor.
func (o *outbox) add(id string, push pusher) {
	ctx, cancel := context.WithCancel(o.ctx)
	l := &lane{id: id, push: push, bell: make(chan struct{}, 1), cancel: cancel}
	o.mu.Lock()
	o.lanes = append(o.lanes, l)
	sort.Slice(o.lanes, func(i, j int) bool { return o.lanes[i].id < o.lanes[j].id })
	o.mu.Unlock()
	o.senders.Go(func() {
		defer cancel()
		o.run(ctx, l)
	})
}

// Put hands a record over; it waits while every processor's backlog is full. It names
// the processor that was chosen.
func (o *outbox) Put(it *item) (processorID string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	waited := false
	for {
		l, left := o.choose(maxBacklog)
		if !left || o.ctx.Err() != nil {
			return "", errNoProcessor
		}
		if l != nil {
			o.enqueue(l, it)
			return l.id, nil
		}
		if !waited {
			waited = true
			o.waits.Add(1)
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-o.ctx.Done():
		}
		o.mu.Lock()
	}
}

// choose finds the shortest backlog below most among the processors that are up, or,
// when none is, among those being restarted. left is false when none will come back.
func (o *outbox) choose(most int) (best *lane, left bool) {
	now := clock.Now()
	for _, wanted := range []bool{true, false} { // up, then being restarted
		any := false
		for i := range o.lanes {
			l := o.lanes[(o.next+i)%len(o.lanes)]
			if l.gone || (l.avoid <= now) != wanted {
				continue
			}
			any, left = true, true
			if len(l.queue) < most && (best == nil || len(l.queue) < len(best.queue)) {
				best = l
			}
		}
		if any {
			break
		}
	}
	o.next++
	return best, left
}

func (o *outbox) enqueue(l *lane, it *item) {
	l.queue = append(l.queue, it)
	ring(l.bell)
}

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default: // rings already
	}
}

// down takes a processor out that has died. Records that wait for it go to the others;
// what was on its way is accounted for by the records manager.
func (o *outbox) down(id string, restarting bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lanes {
		if l.id != id || l.gone {
			continue
		}
		l.avoid = clock.Now().Add(restartPause)
		l.gone = !restarting
		if l.gone {
			l.cancel()
		}
		queue := l.queue
		l.queue = nil
		o.spread(queue, l)
		ring(l.bell)
		o.tellRoom()
	}
}

// spread hands records of a lane to others, above the bound if need be: they have been
// accepted. Without another processor they stay.
func (o *outbox) spread(queue []*item, from *lane) {
	for _, it := range queue {
		l, left := o.choose(1 << 30)
		if !left {
			l = from // the last processor is gone; close counts what stays
		}
		o.enqueue(l, it)
	}
}

// up ends the pause of a processor that is back.
func (o *outbox) up(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lanes {
		if l.id == id {
			l.avoid = 0
		}
	}
	o.tellRoom()
}

func (o *outbox) tellRoom() {
	close(o.room)
	o.room = make(chan struct{})
}

// close lets everything that is queued go out, until ctx ends, and ends the senders.
// It tells how many records were left behind.
func (o *outbox) close(ctx context.Context) (left int) {
	o.mu.Lock()
	o.closed = true
	for _, l := range o.lanes {
		ring(l.bell)
	}
	o.mu.Unlock()
	stop := context.AfterFunc(ctx, o.giveUp)
	defer stop()
	o.senders.Wait()
	o.giveUp()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lanes {
		left += len(l.queue)
	}
	return left
}
