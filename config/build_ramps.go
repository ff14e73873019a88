package config

import "fmt"

// Ramp is a gentle start: a limit or a rate grows evenly to its value, from the start
// of its phase.
type Ramp struct {
	DurationSec float64 `json:"duration"`
	// Strategy is linear, exponential (slowly at first) or poisson (steps at random instants);
	// "" is linear.
	Strategy string `json:"strategy,omitempty"`
}

// Missing is by how many seconds at the full rate a phase of some length falls short for
// its ramp: half of the ramp, or what is left of its triangle when the phase is shorter.
func (r *Ramp) Missing(phaseSec float64) (sec float64) {
	switch {
	case r == nil:
		return 0
	case phaseSec >= r.DurationSec:
		return r.DurationSec / 2
	default:
		return phaseSec - phaseSec*phaseSec/(2*r.DurationSec)
	}
}

// ramp is the one whose duration a flag gives; a file may say how it grows.
func (f *Flags) ramp(flag string, o Opt[float64]) *Ramp {
	if !o.Set {
		return nil
	}
	r := &Ramp{DurationSec: o.Value, Strategy: f.rampStrategies[flag]}
	if r.Strategy == "linear" {
		r.Strategy = ""
	}
	return r
}

// profilingRamps sets the ramps of a load and refuses those that have nothing to raise.
func (l *loader) profilingRamps(p *Phase) {
	f := l.f
	if f.ConcurrencyRampSec.Set && !f.Concurrency.Set {
		if !f.givenBadly("concurrency") {
			l.problems.add(f.ConcurrencyRampSec.As, "has no effect without a concurrency to rise to", "", "add --concurrency, or leave it out")
		}
	} else {
		p.ConcurrencyRamp = f.ramp("concurrency-ramp-duration", f.ConcurrencyRampSec)
	}
	if p.Type == TypeUserCentric { // told already
		return
	}
	if f.RateRampSec.Set && p.RatePerSec == nil {
		if !f.givenBadly("request-rate") {
			l.problems.add(f.RateRampSec.As, "has no effect without a rate to rise to", "", "add --request-rate, or leave it out")
		}
	} else {
		p.RateRamp = f.ramp("request-rate-ramp-duration", f.RateRampSec)
	}
}

// warmupRamps are those of the load, unless the warmup has its own. One that was asked
// for needs something to raise; one that is taken over is left out without.
func (l *loader) warmupRamps(p *Phase) {
	f := l.f
	own, limited := f.WarmupConcurrencyRampSec, f.WarmupConcurrency.Set || f.Concurrency.Set
	switch {
	case limited && own.Set:
		p.ConcurrencyRamp = f.ramp("warmup-concurrency-ramp-duration", own)
	case limited:
		p.ConcurrencyRamp = f.ramp("concurrency-ramp-duration", f.ConcurrencyRampSec)
	case own.Set && !f.givenBadly("warmup-concurrency", "concurrency"):
		l.problems.add(own.As, "has no effect without a concurrency to rise to", "", "add --warmup-concurrency, or leave it out")
	}
	own = f.WarmupRateRampSec
	switch {
	case p.RatePerSec != nil && own.Set:
		p.RateRamp = f.ramp("warmup-request-rate-ramp-duration", own)
	case p.RatePerSec != nil:
		p.RateRamp = f.ramp("request-rate-ramp-duration", f.RateRampSec)
	case own.Set && !f.givenBadly("warmup-request-rate", "request-rate"):
		l.problems.add(own.As, "has no effect without a rate to rise to", "", "add --warmup-request-rate, or leave it out")
	}
}

// adviseRamps warns of ramps that do not get to their end.
func (l *loader) adviseRamps(p Phase) {
	for _, r := range []struct {
		ramp *Ramp
		what string
	}{{p.ConcurrencyRamp, "concurrency"}, {p.RateRamp, "rate"}} {
		if r.ramp != nil && p.DurationSec != nil && r.ramp.DurationSec > *p.DurationSec {
			l.warn(fmt.Sprintf("the ramp of the %s takes %g s and phase %s only %g s: its value is never reached", r.what, r.ramp.DurationSec, p.Name, *p.DurationSec))
		}
	}
}
