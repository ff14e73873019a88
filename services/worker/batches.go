package worker

import (
	"context"
	"time"

	"aiperf/messages"
)

// run sends a lane's batches until the outbox is closed and the lane is empty.
func (o *outbox) run(ctx context.Context, l *lane) {
	var message messages.RawResults
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		batch := o.await(l, timer)
		if batch == nil {
			return
		}
		message.Records = message.Records[:0]
		for _, it := range batch {
			message.Records = append(message.Records, it.record)
		}
		err := l.push.Send(ctx, "", &message)
		clear(message.Records)
		if err != nil { // the processor will not come back, or the drain is given up
			o.mu.Lock()
			l.gone = true
			o.spread(batch, l)
			o.mu.Unlock()
			return
		}
		for _, it := range batch {
			o.recycle(it)
		}
	}
}

// await returns the next batch, nil at the end.
func (o *outbox) await(l *lane, timer *time.Timer) []*item {
	for {
		n, size, closed := o.waiting(l)
		if n == 0 {
			if closed {
				return nil
			}
			<-l.bell
			continue
		}
		if n < maxBatch && size < maxBatchBytes && !closed {
			o.gather(l, timer)
		}
		if batch := o.take(l); batch != nil {
			return batch
		}
	}
}

// gather waits for company, until the batch is full or its oldest record has waited
// long enough.
func (o *outbox) gather(l *lane, timer *time.Timer) {
	timer.Reset(maxBatchWait)
	for {
		select {
		case <-timer.C:
			return
		case <-l.bell:
			if n, size, closed := o.waiting(l); n == 0 || n >= maxBatch || size >= maxBatchBytes || closed {
				return
			}
		}
	}
}

func (o *outbox) waiting(l *lane) (n, size int, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, it := range l.queue[:min(len(l.queue), maxBatch)] {
		size += it.size
	}
	return len(l.queue), size, o.closed || l.gone
}

// take removes a batch from the front of the queue.
func (o *outbox) take(l *lane) []*item {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, size := 0, 0
	for n < len(l.queue) && n < maxBatch && (n == 0 || size+l.queue[n].size <= maxBatchBytes) {
		size += l.queue[n].size
		n++
	}
	if n == 0 {
		return nil
	}
	batch := append([]*item(nil), l.queue[:n]...)
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	wasFull := len(l.queue) >= maxBacklog
	l.queue = l.queue[:rest]
	if wasFull {
		o.tellRoom()
	}
	return batch
}
