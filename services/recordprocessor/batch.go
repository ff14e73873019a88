package recordprocessor

import (
	"time"

	"aiperf/messages"
)

// A batch leaves when it has maxBatch records, or maxDelay after its first.
const (
	maxBatch = 64
	maxDelay = 2 * time.Millisecond
)

// batch gathers records and keeps their memory for the next ones: what was handed to
// send is valid until it returns.
type batch struct {
	out    messages.MetricRecords
	values []messages.MetricValue
}

// add processes a raw result into the batch.
func (b *batch) add(e *engine, raw *messages.RequestRecord) {
	var rec messages.MetricRecord
	rec, b.values = e.process(raw, b.values)
	e.writeDown(raw, &rec)
	b.out.Records = append(b.out.Records, rec)
}

func (b *batch) len() int { return len(b.out.Records) }

func (b *batch) full() bool { return len(b.out.Records) >= maxBatch }

// send hands the records over, if there are any, and empties the batch.
func (b *batch) send(send func(messages.Message) error) error {
	if len(b.out.Records) == 0 {
		return nil
	}
	err := send(&b.out)
	clear(b.out.Records) // so that nothing is kept alive by a batch that is not full again
	clear(b.values)
	b.out.Records, b.values = b.out.Records[:0], b.values[:0]
	return err
}
