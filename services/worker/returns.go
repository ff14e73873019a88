package worker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"aiperf/messages"
)

// maxReturns bounds the returns that wait for the socket, and one message of them. A
// sender that finds the queue full waits, and the wait is counted.
const maxReturns = 4096

// returnQueue sends credit returns without delay: a message carries what piled up while
// the one before was handed over. One goroutine sends; close waits for it.
type returnQueue struct {
	push  pusher
	queue chan messages.CreditReturn
	waits atomic.Int64
	lost  atomic.Int64
	ctx   context.Context
	stop  context.CancelFunc
	done  sync.WaitGroup
}

func newReturnQueue(push pusher) *returnQueue {
	q := &returnQueue{push: push, queue: make(chan messages.CreditReturn, maxReturns)}
	q.ctx, q.stop = context.WithCancel(context.Background())
	q.done.Go(q.run)
	return q
}

// put queues the return of a credit.
func (q *returnQueue) put(r messages.CreditReturn) {
	select {
	case q.queue <- r:
		return
	default:
	}
	q.waits.Add(1)
	select {
	case q.queue <- r:
	case <-q.ctx.Done():
		q.lost.Add(1)
	}
}

func (q *returnQueue) run() {
	var m messages.CreditReturns
	for r := range q.queue {
		m.Returns = append(m.Returns[:0], r)
		for len(m.Returns) < maxReturns && len(q.queue) > 0 {
			m.Returns = append(m.Returns, <-q.queue)
		}
		if err := q.push.Send(q.ctx, "", &m); err != nil {
			q.lost.Add(int64(len(m.Returns)))
		}
	}
}

// close sends what is queued until ctx ends. Nobody may call put any more. Returns that
// could not be sent are an error.
func (q *returnQueue) close(ctx context.Context) error {
	unbind := context.AfterFunc(ctx, q.stop)
	defer unbind()
	close(q.queue)
	q.done.Wait()
	q.stop()
	if n := q.lost.Load(); n > 0 {
		return messages.NewError("CreditReturnBacklogDropped", fmt.Sprintf("%d credit returns could not be sent", n))
	}
	return nil
}
