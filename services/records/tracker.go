package records

import (
	"sort"

	"aiperf/clock"
	"aiperf/messages"
)

// outcome is how one credit ended. The marks are one byte per credit id.
type outcome uint8

const (
	none      outcome = iota // no record yet
	completed                // a valid record
	failed                   // an error record
	cancelled                // cancelled, with a record or without
	lost                     // its worker or its record processor died
)

// Error types of records that stand for a credit whose own record died.
const (
	workerLost    = "WorkerLost"
	processorLost = "RecordProcessorLost"
)

// outcomeOf reads a record's fate.
func outcomeOf(r *messages.MetricRecord) outcome {
	switch {
	case r.Metadata.WasCancelled:
		return cancelled
	case r.Error == nil:
		return completed
	case r.Error.Type == workerLost, r.Error.Type == processorLost:
		return lost
	default:
		return failed
	}
}

// phase is the books of one concrete phase.
type phase struct {
	stats    messages.PhaseStats
	config   messages.PhaseConfig
	complete bool // the phase-complete notice has arrived
	marks    []outcome
	counts   [lost + 1]int64
	// substitutes are records made for credits of dead workers; a real record of the
	// same id wins as long as it arrives before they are applied.
	substitutes map[int64]messages.MetricRecord
	workers     map[string]messages.WorkerStats
	lastNS      clock.WallNS // wall time of the last record's arrival
	endedNS     clock.WallNS // when the books were closed
}

// mark notes a record and tells whether it is the first of its credit.
func (p *phase) mark(id int64, o outcome) bool {
	if id < 0 {
		return false
	}
	for int64(len(p.marks)) <= id {
		p.marks = append(p.marks, none)
	}
	if p.marks[id] != none {
		return false
	}
	p.marks[id] = o
	p.counts[o]++
	return true
}

// take books a real record. It tells whether the record is new.
func (p *phase) take(r *messages.MetricRecord) bool {
	o := outcomeOf(r)
	if !p.mark(r.Metadata.SessionNum, o) {
		return false
	}
	delete(p.substitutes, r.Metadata.SessionNum)
	w := p.workers[r.Metadata.WorkerID]
	if o == completed {
		w.SuccessRecords++
	} else {
		w.ErrorRecords++
	}
	p.workers[r.Metadata.WorkerID] = w
	return true
}

// substitute keeps a record for a credit whose worker died.
func (p *phase) substitute(r messages.MetricRecord) {
	id := r.Metadata.SessionNum
	if id < int64(len(p.marks)) && id >= 0 && p.marks[id] != none {
		return
	}
	p.substitutes[id] = r
}

// finish notes the phase's end as the timing manager reports it.
func (p *phase) finish(m *messages.CreditPhaseComplete) {
	p.stats, p.complete = m.Stats, true
	for _, span := range m.NoRecord {
		for id := span[0]; id <= span[1] && id < p.sent(); id++ {
			p.mark(id, cancelled)
		}
	}
}

// sent is how many credits the phase issued, as far as it is known.
func (p *phase) sent() int64 {
	if p.stats.FinalRequestsSent != nil {
		return *p.stats.FinalRequestsSent
	}
	return max(p.stats.RequestsSent, int64(len(p.marks)))
}

// missing lists the ids that have neither a record nor a substitute.
func (p *phase) missing() []int64 {
	var ids []int64
	for id := range p.sent() {
		if id < int64(len(p.marks)) && p.marks[id] != none {
			continue
		}
		if _, ok := p.substitutes[id]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// received is how many records are booked.
func (p *phase) received() int64 {
	return p.counts[completed] + p.counts[failed] + p.counts[cancelled] + p.counts[lost]
}

// tracker holds all phases, by index. Its owner is the ledger.
type tracker struct{ phases map[int]*phase }

func newTracker() *tracker { return &tracker{phases: map[int]*phase{}} }

// at returns the phase of an index, made on first sight: a record may overtake the
// notice of its phase's start.
func (t *tracker) at(index int) *phase {
	p := t.phases[index]
	if p == nil {
		p = &phase{substitutes: map[int64]messages.MetricRecord{}, workers: map[string]messages.WorkerStats{}}
		p.stats.PhaseIndex = index
		t.phases[index] = p
	}
	return p
}

// of is at, for the phase that a record names.
func (t *tracker) of(m *messages.RecordMetadata) *phase {
	p := t.at(m.PhaseIndex)
	if p.stats.Phase == "" {
		p.stats.Phase, p.stats.PhaseKind, p.stats.PhaseName = m.BenchmarkPhase, m.BenchmarkPhase, m.PhaseName
	}
	return p
}

// sorted lists the phases in order of their index.
func (t *tracker) sorted() []*phase {
	out := make([]*phase, 0, len(t.phases))
	for _, p := range t.phases {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].stats.PhaseIndex < out[j].stats.PhaseIndex })
	return out
}

// kind lists the phases of a kind.
func (t *tracker) kind(kind string) []*phase {
	var out []*phase
	for _, p := range t.sorted() {
		if p.stats.Phase == kind {
			out = append(out, p)
		}
	}
	return out
}
