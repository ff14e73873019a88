package timing

import (
	"maps"
	"slices"
	"time"

	"aiperf/clock"
	"aiperf/messages"
)

// baselineWait is how long a phase waits at each of its borders for the collectors' samples.
const baselineWait = 2 * time.Second

// baseline is a sample of all collectors at a border of a phase: before the first request,
// so that the sample holds nothing of it, and after the last answer.
type baseline struct {
	id      string
	kind    string
	until   clock.MonoNS
	missing map[string]struct{} // collectors that have not answered
}

// border asks the collectors for their samples, once for each border, and tells whether they
// are there, or will not come. A run that ends early waits for none, and a seamless phase does
// not at its start: a gap in the load would be worse, and requests are under way anyway.
func (p *phase) border(now clock.MonoNS, kind string) (wake clock.MonoNS, passed bool) {
	if len(p.e.collectors) == 0 || p.e.cancelled || p.e.failure != nil {
		return 0, true
	}
	if p.baseline.kind != kind {
		if p.baseline.id == "" {
			p.baseline.id = p.e.newID()
		}
		p.baseline.kind, p.baseline.until, p.baseline.missing = kind, now.Add(baselineWait), maps.Clone(p.e.collectors)
		c := &p.plan.announced
		p.e.publish(&messages.PhaseBaselineRequest{
			PhaseID: p.baseline.id, PhaseIndex: c.PhaseIndex, ProfilingIndex: c.ProfilingIndex, PhaseName: c.PhaseName, PhaseKind: c.PhaseKind, Kind: kind,
		})
	}
	switch {
	case len(p.baseline.missing) == 0, kind == messages.BaselineStart && p.plan.announced.Seamless:
	case now < p.baseline.until:
		return p.baseline.until, false
	default:
		p.e.log.Warn(p.plan.title()+" goes on without a sample at its border", "border", kind, "collectors", slices.Sorted(maps.Keys(p.baseline.missing)), "waited", baselineWait.String())
	}
	return 0, true
}

// baselineTaken notes a collector's answer.
func (e *engine) baselineTaken(collector string, m *messages.PhaseBaselineAck) {
	for _, p := range e.phases {
		if p.baseline.id != m.PhaseID || p.baseline.kind != m.Kind {
			continue
		}
		delete(p.baseline.missing, collector)
		if !m.Success {
			e.log.Warn(p.plan.title()+" has no whole sample at its border", "border", m.Kind, "collector", collector, "err", m.Error)
		}
	}
}

// collectorGone waits no longer for a collector whose process has ended.
func (e *engine) collectorGone(id string) {
	delete(e.collectors, id)
	for _, p := range e.phases {
		delete(p.baseline.missing, id)
	}
}
