package records

import (
	"fmt"
	"sort"

	"aiperf/messages"
	"aiperf/metrics"
)

// Bounds of what a malformed record can make the books allocate.
const (
	maxPhases    = 1 << 12
	maxIDJump    = 1 << 22 // beyond the highest id seen; credits in flight are far fewer
	maxCreditIDs = 1 << 32
)

// tracker holds all phases in order of their index. Its owner is the ledger.
type tracker struct {
	set     *metrics.Set
	byIndex map[int]*phase
	ordered []*phase
}

func newTracker(set *metrics.Set) *tracker { return &tracker{set: set, byIndex: map[int]*phase{}} }

// at returns the phase of an index, made on first sight: a record may overtake the
// notice of its phase's start.
func (t *tracker) at(index int) (*phase, error) {
	if p := t.byIndex[index]; p != nil {
		return p, nil
	}
	if index < 0 || len(t.ordered) >= maxPhases {
		return nil, fmt.Errorf("phase index %d is out of range", index)
	}
	p := &phase{
		substitutes: map[int64]messages.MetricRecord{}, workers: map[string]messages.WorkerStats{}, highest: -1,
		errors: errorGroups{}, live: t.set.NewLive(),
	}
	p.stats.PhaseIndex = index
	t.byIndex[index] = p
	t.ordered = append(t.ordered, p)
	sort.Slice(t.ordered, func(i, j int) bool { return t.ordered[i].stats.PhaseIndex < t.ordered[j].stats.PhaseIndex })
	return p, nil
}

// of is at, for the phase that a record names.
func (t *tracker) of(m *messages.RecordMetadata) (*phase, error) {
	p, err := t.at(m.PhaseIndex)
	if err != nil {
		return nil, err
	}
	if p.stats.Phase == "" {
		p.stats.Phase, p.stats.PhaseKind, p.stats.PhaseName = m.BenchmarkPhase, m.BenchmarkPhase, m.PhaseName
		if m.ProfilingIndex >= 0 {
			p.stats.ProfilingIndex = &m.ProfilingIndex
		}
	}
	return p, p.admit(m.SessionNum)
}

// kind lists the phases of a kind, in order.
func (t *tracker) kind(kind string) []*phase {
	var out []*phase
	for _, p := range t.ordered {
		if p.stats.Phase == kind {
			out = append(out, p)
		}
	}
	return out
}

// results lists the phases that the profiling results are made of.
func (t *tracker) results() []*phase {
	var out []*phase
	for _, p := range t.ordered {
		if p.inResults() {
			out = append(out, p)
		}
	}
	return out
}
