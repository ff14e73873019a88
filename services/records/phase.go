package records

import (
	"fmt"
	"sort"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
)

// outcome is how one credit ended. The marks are one byte per credit id.
type outcome uint8

const (
	none      outcome = iota // nothing is known yet
	unsent                   // cancelled before its request was started: no record
	completed                // a valid record
	failed                   // an error record
	cancelled                // a record of a cancelled request
	lost                     // its worker or its record processor died
	outcomes
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

// phase is the books of one concrete phase: a mark for each credit id.
type phase struct {
	stats    messages.PhaseStats
	config   messages.PhaseConfig
	complete bool // the notice of its end has arrived
	closed   bool // every credit is accounted for
	marks    []outcome
	counts   [outcomes]int64
	// substitutes are records made for credits of dead workers. A real record of the
	// same id wins as long as it arrives before they are applied.
	substitutes map[int64]messages.MetricRecord
	highest     int64 // highest id of marks and substitutes; −1 = none
	workers     map[string]messages.WorkerStats
	errors      errorGroups
	live        *metrics.Live
	load        metrics.LoadCounter // where the run has several phases; the same for turns
	turns       metrics.TurnCounter
	branches    *messages.BranchStats // nil without branching conversations
	cut         []messages.CutSession // sessions that a lost worker took along

	heardNS   clock.WallNS // last arrival of a record or notice
	endNS     clock.WallNS // last booking
	window    window
	kernel    int64 // records stamped by the kernel
	stamped   int64 // records that say who stamped them
	events    int64 // of all streams
	coalesced int64 // of these, those that share their stamp
	shown     int64 // received() when the progress was last published
}

// window is where a phase's real requests lie on the time line; 0 = none yet.
type window struct {
	firstStart, lastStart clock.WallNS
	lastEnd               clock.WallNS
	lastScheduled         clock.WallNS // open loop only
	started               int64
}

func (w *window) add(m *messages.RecordMetadata) {
	if m.RequestStartNS == 0 {
		return
	}
	w.started++
	if w.firstStart == 0 || m.RequestStartNS < w.firstStart {
		w.firstStart = m.RequestStartNS
	}
	w.lastStart = max(w.lastStart, m.RequestStartNS)
	w.lastEnd = max(w.lastEnd, m.RequestEndNS)
	w.lastScheduled = max(w.lastScheduled, m.ScheduledNS)
}

// mark notes a credit's fate and tells whether it is the first one. A record wins
// over the word that there would be none.
func (p *phase) mark(id int64, o outcome) bool {
	for int64(len(p.marks)) <= id {
		p.marks = append(p.marks, none)
	}
	switch old := p.marks[id]; {
	case old == none:
	case old == unsent && o != unsent:
		p.counts[unsent]--
	default:
		return false
	}
	p.marks[id] = o
	p.counts[o]++
	p.highest = max(p.highest, id)
	return true
}

// marked tells whether a credit's fate is known.
func (p *phase) marked(id int64) bool {
	return id < int64(len(p.marks)) && p.marks[id] != none
}

// admit refuses ids that no timing manager gives out.
func (p *phase) admit(id int64) error {
	if id < 0 || id > p.highest+maxIDJump || id >= maxCreditIDs {
		return fmt.Errorf("phase %d: credit id %d is out of range (highest so far %d)", p.stats.PhaseIndex, id, p.highest)
	}
	return nil
}

// take books a record. It tells whether the record is the credit's first.
func (p *phase) take(r *messages.MetricRecord) bool {
	id, o := r.Metadata.SessionNum, outcomeOf(r)
	if !p.mark(id, o) {
		return false
	}
	delete(p.substitutes, id)
	w := p.workers[r.Metadata.WorkerID]
	switch o {
	case completed:
		w.SuccessRecords++
	case failed, lost:
		w.ErrorRecords++
	}
	p.workers[r.Metadata.WorkerID] = w
	if o == lost {
		return true // its stamps are not those of a request
	}
	p.window.add(&r.Metadata)
	p.events += r.Metadata.EventCount
	p.coalesced += r.Metadata.CoalescedEvents
	if r.Metadata.StampSource != "" {
		p.stamped++
		if r.Metadata.StampSource == "kernel" {
			p.kernel++
		}
	}
	return true
}

// substitute keeps a record for a credit whose worker died.
func (p *phase) substitute(r messages.MetricRecord) {
	id := r.Metadata.SessionNum
	if p.marked(id) {
		return
	}
	p.substitutes[id] = r
	p.highest = max(p.highest, id)
}

// finish notes the phase's end as the timing manager reports it. Of the ids that it
// says have no record, those that have one keep it.
func (p *phase) finish(m *messages.CreditPhaseComplete) {
	p.stats, p.complete, p.cut, p.branches = m.Stats, true, m.CutSessions, m.BranchStats
	limit := p.sent()
	for _, span := range m.NoRecord {
		for id := max(span[0], 0); id <= span[1] && id < limit; id++ {
			if _, standIn := p.substitutes[id]; !standIn && !p.marked(id) {
				p.mark(id, unsent)
			}
		}
	}
}

// sent is how many credits the phase issued, as far as it is known: an id that was
// seen has been issued, whatever the counters say, and none is far from those seen.
func (p *phase) sent() int64 {
	n := p.stats.RequestsSent
	if p.stats.FinalRequestsSent != nil {
		n = *p.stats.FinalRequestsSent
	}
	return min(max(n, p.highest+1), p.highest+1+maxIDJump)
}

// missing counts the credits of which nothing is known: no record, no substitute
// and no word that there will be none.
func (p *phase) missing() int64 {
	return p.sent() - p.received() - p.counts[unsent] - int64(len(p.substitutes))
}

// missingIDs lists them.
func (p *phase) missingIDs() []int64 {
	ids := make([]int64, 0, p.missing())
	for id := range p.sent() {
		if _, standIn := p.substitutes[id]; !standIn && !p.marked(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// received is how many records are booked.
func (p *phase) received() int64 {
	return p.counts[completed] + p.counts[failed] + p.counts[cancelled] + p.counts[lost]
}

// takeSubstitutes empties the substitutes, in order of their ids.
func (p *phase) takeSubstitutes() []messages.MetricRecord {
	out := make([]messages.MetricRecord, 0, len(p.substitutes))
	for _, r := range p.substitutes {
		out = append(out, r)
	}
	clear(p.substitutes)
	sort.Slice(out, func(i, j int) bool { return out[i].Metadata.SessionNum < out[j].Metadata.SessionNum })
	return out
}

// inResults tells whether the phase's requests belong to the profiling results.
func (p *phase) inResults() bool {
	return p.stats.Phase == messages.PhaseProfiling && !p.config.ExcludeFromResults
}

// progress is the phase as watchers see it.
func (p *phase) progress() messages.RecordStats {
	return messages.RecordStats{
		PhaseStats: p.stats, RecordsEndNS: p.endNS,
		SuccessRecords: p.counts[completed], ErrorRecords: p.counts[failed] + p.counts[lost], CancelledRecords: p.counts[cancelled],
	}
}
