package records

import (
	"math"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
)

// onRecords books a batch and accumulates what is new.
//
// hot: once per batch of up to 64 requests. BenchmarkLedgerTake.
func (l *ledger) onRecords(m *messages.MetricRecords) {
	now := l.out.now()
	fresh := 0
	for i := range m.Records {
		if !l.admit(&m.Records[i], now) {
			continue
		}
		if fresh != i {
			m.Records[fresh] = m.Records[i]
		}
		fresh++
	}
	l.heardNS = now
	l.accumulate(m.Records[:fresh])
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
		p.substitute(*r)
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

// accumulate puts booked records into columns and files and shows them to watchers.
func (l *ledger) accumulate(records []messages.MetricRecord) {
	if len(records) == 0 {
		return
	}
	for i := range records {
		r := &records[i]
		m := &r.Metadata
		l.values = l.values[:0]
		for _, v := range r.Metrics {
			if isFinite(v) {
				l.values = append(l.values, metrics.Value(v))
			}
		}
		l.store.Append(metrics.Row{
			Phase: m.BenchmarkPhase, PhaseIndex: m.PhaseIndex, StartNS: m.RequestStartNS, EndNS: m.RequestEndNS,
			GenStartNS: m.GenStartNS, CreditIssuedNS: m.CreditIssuedNS,
			Failed: r.Error != nil && !m.WasCancelled, Cancelled: m.WasCancelled,
		}, l.values)
		l.streams.record(r)
		if r.Error != nil && !m.WasCancelled {
			if p, err := l.books.at(m.PhaseIndex); err == nil {
				p.errors.add(r.Error)
			}
		}
	}
	l.live.rows += int64(len(records))
	if l.run.RecoverReason == "" { // watchers of the first run have seen them
		l.out.publish(&messages.MetricRecords{Records: records})
	}
}

func isFinite(v messages.MetricValue) bool {
	for _, x := range v.List {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return !math.IsNaN(v.Number) && !math.IsInf(v.Number, 0)
}
