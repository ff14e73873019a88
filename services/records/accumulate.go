package records

import (
	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
)

// onRecords books a batch and accumulates what is new.
//
// hot: once per batch of up to 64 requests. BenchmarkLedger.
func (l *ledger) onRecords(e messages.Envelope) error {
	reader := l.reader()
	records, err := reader.Read(e)
	if err != nil {
		return err
	}
	now := l.out.now()
	fresh := 0
	for i := range records {
		if !l.admit(&records[i], now) {
			continue
		}
		if fresh != i {
			records[fresh] = records[i]
		}
		fresh++
	}
	l.heardNS = now
	l.enter(records[:fresh])
	switch {
	case fresh == 0:
	case fresh < len(records):
		l.publishRecords(&messages.MetricRecords{Records: records[:fresh]})
	default:
		l.publishRecords(reader.Encoded())
	}
	l.streams.batch(records[:fresh], func() { l.giveBack(reader) })
	return nil
}

// spareReaders is how many batches' memory is kept for the next ones.
const spareReaders = streamQueue + 2

// reader is memory for one batch; it is given back when the files have the records.
func (l *ledger) reader() *messages.RecordReader {
	select {
	case r := <-l.readers:
		return r
	default:
		return new(messages.RecordReader)
	}
}

func (l *ledger) giveBack(r *messages.RecordReader) {
	select {
	case l.readers <- r:
	default: // enough
	}
}

// admit books one record and tells whether it counts: malformed ones and repeats do
// not, and a dead worker's substitute not yet.
func (l *ledger) admit(r *messages.MetricRecord, now clock.WallNS) bool {
	p, err := l.books.of(&r.Metadata)
	if err != nil {
		if l.refused++; l.refused == 1 {
			l.log.Warn("record refused; further ones are counted", "from", r.Metadata.RecordProcessorID, "err", err)
		}
		return false
	}
	p.heardNS = now
	if r.Error != nil && r.Error.Type == workerLost {
		p.substitute(r.Clone())
		return false
	}
	if !p.take(r) {
		if l.repeats++; l.repeats == 1 {
			l.log.Warn("second record of a credit; further ones are counted", "phase", p.stats.PhaseName, "credit", r.Metadata.SessionNum)
		}
		return false
	}
	p.endNS = now
	return true
}

// accumulate puts records of our own into columns and files and shows them to watchers.
func (l *ledger) accumulate(records []messages.MetricRecord) {
	if len(records) == 0 {
		return
	}
	l.enter(records)
	l.publishRecords(&messages.MetricRecords{Records: records})
	l.streams.batch(records, func() {})
}

// enter puts booked records into the columns.
func (l *ledger) enter(records []messages.MetricRecord) {
	for i := range records {
		r := &records[i]
		m := &r.Metadata
		l.values = l.values[:0]
		for _, v := range r.Metrics {
			l.values = append(l.values, metrics.Value(v))
		}
		row := metrics.Row{
			Phase: m.BenchmarkPhase, PhaseIndex: m.PhaseIndex, StartNS: m.RequestStartNS, EndNS: m.RequestEndNS,
			GenStartNS: m.GenStartNS, CreditIssuedNS: m.CreditIssuedNS,
			Failed: r.Error != nil && !m.WasCancelled, Cancelled: m.WasCancelled,
		}
		l.store.Append(row, l.values)
		p, err := l.books.at(m.PhaseIndex)
		if err != nil {
			continue // a phase that is booked is there
		}
		p.live.Add(row, l.values)
		if p.inResults() {
			draw(r, &l.load, &l.turns)
		}
		if l.severalPhases() {
			draw(r, &p.load, &p.turns)
		}
		if row.Failed {
			p.errors.add(r.Error)
		}
	}
	l.live.rows += int64(len(records))
}

// draw puts a record into the load over time, and into its turn's figures.
func draw(r *messages.MetricRecord, load *metrics.LoadCounter, turns *metrics.TurnCounter) {
	m := &r.Metadata
	due := m.ScheduledNS
	if due == 0 {
		due = m.CreditIssuedNS
	}
	load.Add(metrics.LoadEvent{
		DueNS: due, StartNS: m.RequestStartNS, EndNS: m.RequestEndNS, Failed: r.Error != nil && !m.WasCancelled, Cancelled: m.WasCancelled,
	})
	for i := range r.Metrics {
		if r.Metrics[i].Tag == metrics.TTFTTag {
			turns.Add(m.TurnIndex, r.Metrics[i].Number)
			return
		}
	}
}

// publishRecords shows records to watchers. After a crash, those of the first run have
// seen them.
func (l *ledger) publishRecords(m messages.Message) {
	if l.run.RecoverReason == "" {
		l.out.publish(m)
	}
}
