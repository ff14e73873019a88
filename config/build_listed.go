package config

import (
	"math"
	"slices"
)

// listedPhases resolves the phases of a file that has more of them than flags can say. Each
// is resolved as a profiling phase of its own.
func (l *loader) listedPhases() {
	for _, listed := range l.f.listed {
		own := *l
		own.f, own.problems = listed.flags, nil
		own.loadRules()
		p := own.profiling()
		p.Name, p.Kind, p.Seamless = listed.name, listed.kind, listed.seamless
		if p.Kind == KindWarmup {
			p.ExcludeFromResults, p.FailedThreshold, p.Cancellation = true, nil, nil
			p.GracePeriodSec, p.GraceInfinite = 0, false
			p.setGrace(listed.flags.GraceSec, math.Inf(1))
		}
		l.run.Benchmark.Phases = append(l.run.Benchmark.Phases, p)
		for _, problem := range own.problems {
			if !slices.Contains(l.problems, problem) { // what is no matter of one phase is found by each
				l.problems = append(l.problems, problem)
			}
		}
	}
}

// flagsOf are the flags that a phase was made of.
func (l *loader) flagsOf(phase int) *Flags {
	if phase < len(l.f.listed) {
		return l.f.listed[phase].flags
	}
	return l.f
}
