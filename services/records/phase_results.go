package records

import (
	"aiperf/clock"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/metrics"
)

// phaseResults are the phases of the run one by one, nil when only one ran. whole is the
// result of the run, of which a kind with a single phase has the figures already.
func (l *ledger) phaseResults(whole *exporters.Profile) []exporters.PhaseResult {
	var ran []*phase
	for _, p := range l.books.ordered {
		if p.ran() {
			ran = append(ran, p)
		}
	}
	if len(ran) < 2 {
		return nil
	}
	out := make([]exporters.PhaseResult, len(ran))
	for i, p := range ran {
		out[i] = exporters.PhaseResult{
			Index: p.stats.PhaseIndex, ProfilingIndex: p.stats.ProfilingIndex, Name: p.stats.PhaseName, Kind: p.stats.Phase,
			Profile: l.phaseProfile(p, whole, i == len(ran)-1),
		}
		l.phaseTelemetry(&out[i], p)
	}
	return out
}

// ran tells whether the phase has begun.
func (p *phase) ran() bool { return p.stats.StartNS != 0 || p.received() > 0 }

// phaseProfile is what the requests of one phase came to.
func (l *ledger) phaseProfile(p *phase, whole *exporters.Profile, last bool) exporters.Profile {
	own := []*phase{p}
	r := exporters.Profile{Records: l.phaseRecords(p, whole), EndNS: lastEnd(own), ErrorSummary: p.errors.summary(), BranchStats: p.branches}
	r.StartNS, _ = l.span(own)
	l.count(&r, own)
	r.WasCancelled = p.stats.WasCancelled || l.end.cancelled && !p.closed
	r.IncompleteReason = l.phaseIncomplete(p, last)
	r.IsComplete = r.IncompleteReason == ""
	addCut(&r, p)
	r.LoadSeries, r.TTFTByTurn = p.load.Series(), p.turns.Latencies()
	l.judge(&r, own)
	return r
}

// phaseRecords are the metrics of one phase, made only if they are not there yet.
func (l *ledger) phaseRecords(p *phase, whole *exporters.Profile) []metrics.Result {
	switch results, warmups := l.books.results(), l.books.kind(messages.PhaseWarmup); {
	case len(results) == 1 && results[0] == p:
		return whole.Records
	case len(warmups) == 1 && warmups[0] == p:
		return whole.WarmupRecords
	}
	return l.store.Summarise(l.selection(p.stats.Phase, []*phase{p}, []int{p.stats.PhaseIndex}))
}

// phaseIncomplete says why a phase's figures do not cover what it was asked to do; empty =
// they do. What ended the run early has ended its last phase, and those that were open.
func (l *ledger) phaseIncomplete(p *phase, last bool) string {
	var reasons []string
	aborted := l.creditsEnd.Error != nil && p.counts[cancelled]+p.counts[unsent] > 0 && !p.stats.GracePeriodTimeoutTriggered
	if !p.complete || p.stats.WasCancelled || last || aborted {
		reasons = l.ended()
	}
	return joinReasons(append(reasons, l.losses([]*phase{p})...))
}

// phaseTelemetry adds what the GPUs did in a phase.
func (l *ledger) phaseTelemetry(r *exporters.PhaseResult, p *phase) {
	if l.gpu == nil || len(l.gpu.sources) == 0 {
		return // there are none
	}
	start, end := l.span([]*phase{p})
	end = max(end, p.stats.BaselineEndNS)
	if _, all := l.span(l.books.ordered); end == all { // the last scrape comes behind the load
		end += clock.WallNS(l.run.Environment.GPU.FinalScrapeGraceNS)
	}
	if t := l.gpu.result(l.drain.status, start, end); len(t.Endpoints) > 0 {
		r.Telemetry = t
		return
	}
	r.TelemetryWarnings = []string{"no GPU sample was taken while the phase went on"}
}
