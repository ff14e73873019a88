package timing

import "aiperf/messages"

// dispatch puts a credit into its worker's batch.
func (e *engine) dispatch(w *worker, c *messages.Credit) {
	if len(w.outbox) == 0 {
		e.dirty = append(e.dirty, w)
	}
	w.outbox = append(w.outbox, *c)
}

// record puts an error record into the batch for the records manager.
func (e *engine) record(r messages.MetricRecord) { e.lost = append(e.lost, r) }

// flush sends what the pass has produced, one batch per worker.
func (e *engine) flush() {
	for _, w := range e.dirty {
		e.sink.credits(w.id, w.outbox)
		clear(w.outbox)
		w.outbox = w.outbox[:0]
	}
	e.dirty = e.dirty[:0]
	e.flushRecords()
}

// recordBatch bounds a batch of error records.
const recordBatch = 64

func (e *engine) flushRecords() {
	for len(e.lost) > 0 {
		n := min(recordBatch, len(e.lost))
		e.sink.sendRecords(&messages.MetricRecords{Records: e.lost[:n:n]})
		e.lost = e.lost[n:]
	}
	e.lost = nil
}

func (e *engine) publish(m messages.Message) { e.sink.publish(m) }

// toAll sends a phase border to the records manager, behind the records it follows,
// and publishes it.
func (e *engine) toAll(m messages.Message) {
	e.flushRecords()
	e.sink.sendRecords(m)
	e.sink.publish(m)
}
