package records

import (
	"fmt"
	"strings"

	"aiperf/clock"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/metrics"
)

// profile makes the result of the run. Whatever goes wrong in it is itself part of a
// result: no metrics, incomplete, a fatal error.
func (l *ledger) profile() *exporters.Profile {
	p := &exporters.Profile{}
	l.streams.close()
	err := guarded(func() error {
		l.summarise(p)
		return nil
	})
	if err == nil {
		return p
	}
	l.log.Error("make results", "err", err)
	l.fault(true, "ResultsError", err)
	broken := &exporters.Profile{WasCancelled: l.end.cancelled, IncompleteReason: "the results could not be made: " + err.Error()}
	l.count(broken, l.books.results())
	broken.Errors = append(l.faults, l.streams.failed...)
	broken.Quality.Judge(metrics.Conditions{IncompleteReason: broken.IncompleteReason})
	return broken
}

func (l *ledger) summarise(p *exporters.Profile) {
	phases := l.books.results()
	p.Records = l.store.Summarise(l.selection(messages.PhaseProfiling, phases, l.selected(phases)))
	if warmups := l.books.kind(messages.PhaseWarmup); len(warmups) > 0 {
		p.WarmupRecords = l.store.Summarise(l.selection(messages.PhaseWarmup, warmups, nil))
	}
	if err := l.store.Err(); err != nil {
		l.fault(false, "StoreError", err)
	}
	p.StartNS, _ = l.span(phases)
	p.EndNS = lastEnd(phases)
	l.count(p, phases)
	p.WasCancelled = l.end.cancelled
	p.IncompleteReason = l.incomplete()
	p.IsComplete = p.IncompleteReason == ""
	errors := errorGroups{}
	for _, ph := range phases {
		errors.mergeAll(ph.errors)
	}
	for i := range l.streams.failed {
		errors.add(&l.streams.failed[i])
	}
	p.ErrorSummary = errors.summary()
	p.Errors = append(l.faults, l.streams.failed...)
	for _, ph := range phases {
		if ph.branches != nil {
			if p.BranchStats == nil {
				p.BranchStats = &messages.BranchStats{}
			}
			p.BranchStats.Add(ph.branches)
		}
		addCut(p, ph)
	}
	p.LoadSeries, p.TTFTByTurn = l.load.Series(), l.turns.Latencies()
	l.judge(p, phases)
	p.Phases = l.phaseResults(p)
}

// addCut adds the sessions that ended before their last turn.
func addCut(r *exporters.Profile, p *phase) {
	n := int64(len(p.cut))
	if n == messages.MaxCutSessions {
		n = max(n, p.stats.CancelledSessions) // not all are named
	}
	r.SessionsCut += n
	r.CutSessions = append(r.CutSessions, p.cut[:min(len(p.cut), messages.MaxCutSessions-len(r.CutSessions))]...)
}

// selection picks the records of phases. Time-weighted figures cover the phases from
// their start to their end, in which nothing may have been under way at first or last.
func (l *ledger) selection(kind string, phases []*phase, indexes []int) metrics.Selection {
	start, end := l.span(phases)
	return metrics.Selection{Phase: kind, PhaseIndexes: indexes, StartNS: start, EndNS: end}
}

// selected is nil when every profiling phase counts, so that records of a phase whose
// notices were lost do too.
func (l *ledger) selected(results []*phase) []int {
	if len(results) == len(l.books.kind(messages.PhaseProfiling)) {
		return nil
	}
	indexes := make([]int, 0, len(results))
	for _, p := range results {
		indexes = append(indexes, p.stats.PhaseIndex)
	}
	return indexes
}

// lastEnd is the end of the last request.
func lastEnd(phases []*phase) clock.WallNS {
	var end clock.WallNS
	for _, p := range phases {
		end = max(end, p.window.lastEnd)
	}
	if end != 0 {
		return end
	}
	for _, p := range phases { // no request was started
		end = max(end, p.stats.RequestsEndNS, p.stats.StartNS)
	}
	return end
}

// count fills in how many requests there were. Each credit is in exactly one of the
// counts of the books; one of which nothing was ever heard is lost.
func (l *ledger) count(r *exporters.Profile, phases []*phase) {
	c := &r.Quality.Credits
	bounded := true
	var expected int64
	for _, p := range phases {
		c.Issued += p.sent()
		c.Completed += p.counts[completed]
		c.Failed += p.counts[failed]
		c.Cancelled += p.counts[cancelled] + p.counts[unsent]
		c.Lost += p.counts[lost] + p.missing()
		r.SuccessfulRequestCount += p.counts[completed]
		r.ErrorRequestCount += p.counts[failed] + p.counts[lost]
		r.CancelledRequestCount += p.counts[cancelled]
		r.Completed += p.received()
		r.Quality.RecordsExpected += p.sent() - p.counts[unsent]
		r.Quality.RecordsReceived += p.received()
		if n := p.stats.TotalExpectedRequests; n != nil {
			expected += *n
		} else {
			bounded = false
		}
	}
	if bounded && len(phases) > 0 {
		r.TotalExpected = &expected
	}
}

// incomplete says why the result does not cover the whole run; empty = it does.
func (l *ledger) incomplete() string {
	return joinReasons(append(l.ended(), l.losses(l.books.ordered)...))
}

func joinReasons(reasons []string) string { return strings.Join(reasons, "; ") }

// ended says what ended the run before its time.
func (l *ledger) ended() (reasons []string) {
	if l.end.reason != "" {
		reasons = append(reasons, l.end.reason)
	}
	if e := l.creditsEnd.Error; e != nil {
		reasons = append(reasons, "the load could not be sent as planned: "+e.Error())
	}
	return reasons
}

// losses says what is missing of phases.
func (l *ledger) losses(phases []*phase) (reasons []string) {
	var gone, missing int64
	for _, p := range phases {
		gone += p.counts[lost]
		missing += p.missing()
	}
	if gone > 0 {
		text := fmt.Sprintf("%d credit(s) were lost", gone)
		if names := l.deaths.creditsLost(); len(names) > 0 {
			text += " with processes that died: " + strings.Join(names, ", ")
		}
		reasons = append(reasons, text)
	}
	if missing > 0 && !l.end.stalled {
		reasons = append(reasons, fmt.Sprintf("%d record(s) did not arrive", missing))
	}
	return reasons
}
