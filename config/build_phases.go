package config

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
)

const (
	defaultRequests = 10
	defaultGraceSec = 30
)

// phases resolves the load: an optional warmup, then the profiling phase.
func (l *loader) phases() {
	if len(l.f.listed) > 0 {
		l.listedPhases()
		return
	}
	l.loadRules()
	profiling := l.profiling()
	if warmup := l.warmup(); warmup != nil {
		l.run.Benchmark.Phases = append(l.run.Benchmark.Phases, *warmup)
	}
	l.run.Benchmark.Phases = append(l.run.Benchmark.Phases, profiling)
	l.smoothnessRule()
}

// pattern is how requests arrive at a rate: as it was asked for, and a smoothness
// alone asks for gamma.
func (f *Flags) pattern() string {
	if f.ArrivalSmoothness.Set {
		return f.ArrivalPattern.Or(TypeGamma)
	}
	return f.ArrivalPattern.Or(TypePoisson)
}

func (p *Phase) setSmoothness(f *Flags) {
	if p.Type == TypeGamma {
		p.Smoothness = f.ArrivalSmoothness.pointer()
	}
}

// smoothnessRule refuses a smoothness that shapes no phase.
func (l *loader) smoothnessRule() {
	f, rated := l.f, false
	if !f.ArrivalSmoothness.Set || f.UserCentricRate.Set && !f.WarmupRate.Set { // told already
		return
	}
	for _, p := range l.run.Benchmark.Phases {
		if p.Type == TypeGamma {
			return
		}
		rated = rated || p.RatePerSec != nil
	}
	value := strconv.FormatFloat(f.ArrivalSmoothness.Value, 'g', -1, 64)
	switch {
	case rated:
		l.problems.add(f.ArrivalSmoothness.As, "has an effect on gamma arrivals only", value, "leave it out, or give --arrival-pattern gamma")
	case !f.givenBadly("request-rate", "warmup-request-rate"):
		l.problems.add(f.ArrivalSmoothness.As, "has no effect without a rate", value, "add --request-rate, or leave it out")
	}
}

// loadRules refuses combinations of load flags that contradict each other or would
// have no effect.
func (l *loader) loadRules() {
	f := l.f
	l.userRules()
	if f.ArrivalPattern.Set && !f.RequestRate.Set && !f.RateSeriesFile.Set && f.rateSeries == nil && !f.UserCentricRate.Set && !f.givenBadly("request-rate") {
		l.problems.add(f.ArrivalPattern.As, "has no effect without a rate", f.ArrivalPattern.Value, "add --request-rate, or leave it out")
	}
	if f.GraceSec.Set && !f.DurationSec.Set && !f.givenBadly("benchmark-duration") {
		l.problems.add(f.GraceSec.As, "has no effect without a duration", "", "add --benchmark-duration, or leave it out")
	}
	if f.CancellationDelaySec.Set && !f.CancellationRatePct.Set && !f.givenBadly("request-cancellation-rate") {
		l.problems.add(f.CancellationDelaySec.As, "has no effect without a share of requests to cut", "", "add --request-cancellation-rate, or leave it out")
	}
}

func (l *loader) profiling() Phase {
	f := l.f
	p := Phase{
		Name: cmp.Or(f.profilingName, KindProfiling), Kind: KindProfiling, Type: TypeConcurrency, Requests: f.RequestCount.pointer(), Sessions: f.Sessions.pointer(),
		DurationSec: f.DurationSec.pointer(), Concurrency: f.Concurrency.pointer(), RatePerSec: f.RequestRate.pointer(), FailedThreshold: f.FailedThreshold.pointer(),
	}
	p.setUsers(f)
	scheduled := l.scheduled()
	if series := l.series(); len(series) > 0 {
		if scheduled {
			l.problems.add(as(f.RateSeriesFile, "rate_series"), "cannot be used together with a fixed schedule, whose times are those of the file", "", "leave it out, or add --no-fixed-schedule")
		}
		p.RateSeries, p.RatePerSec, p.Type = series, ptr(series[0].PerSec), f.pattern()
	}
	l.scheduleRules(scheduled)
	switch {
	case scheduled:
		l.fixedSchedule(&p)
	case p.Type == TypeUserCentric:
	case p.RateSeries != nil:
	case f.RequestRate.Set:
		p.Type = f.pattern()
	case p.Concurrency == nil:
		p.Concurrency = ptr(1)
	}
	if d := &l.run.Benchmark.Dataset; p.Requests == nil && p.Sessions == nil && p.DurationSec == nil && d.Format == "dag_jsonl" {
		n := d.File.Conversations
		p.Sessions = &n
	}
	if p.Requests == nil && p.Sessions == nil && p.DurationSec == nil {
		n := defaultRequests
		if p.Concurrency != nil {
			n = max(n, 2**p.Concurrency)
		}
		if p.Users != nil {
			n = max(n, 2**p.Users)
		}
		p.Requests = &n
	}
	p.setSmoothness(f)
	l.profilingRamps(&p)
	if f.CancellationRatePct.Set {
		p.Cancellation = &Cancellation{RatePct: f.CancellationRatePct.Value, DelaySec: f.CancellationDelaySec.Value}
	}
	p.setGrace(f.GraceSec, defaultGraceSec)
	return p
}

// setGrace is how long requests in flight may take after the phase's duration.
// Without a duration there is no such limit: each request has its own.
func (p *Phase) setGrace(given Opt[float64], otherwise float64) {
	sec := given.Or(otherwise)
	if p.DurationSec == nil || math.IsInf(sec, 1) {
		p.GraceInfinite = true
		return
	}
	p.GracePeriodSec = sec
}

// warmup is nil when no flag bounds one; other warmup flags are then errors.
func (l *loader) warmup() *Phase {
	f := l.f
	if !f.WarmupRequests.Set && !f.WarmupSessions.Set && !f.WarmupDurationSec.Set {
		if f.givenBadly("warmup-request-count", "num-warmup-sessions", "warmup-duration") {
			return nil
		}
		for _, o := range []struct {
			set bool
			as  string
		}{
			{f.WarmupConcurrency.Set, f.WarmupConcurrency.As}, {f.WarmupRate.Set, f.WarmupRate.As},
			{f.WarmupArrivalPattern.Set, f.WarmupArrivalPattern.As}, {f.WarmupConcurrencyRampSec.Set, f.WarmupConcurrencyRampSec.As},
			{f.WarmupRateRampSec.Set, f.WarmupRateRampSec.As}, {f.WarmupGraceSec.Set, f.WarmupGraceSec.As},
		} {
			if o.set {
				l.problems.add(o.as, "has no effect without a warmup", "", "add --warmup-request-count, --num-warmup-sessions or --warmup-duration, or leave it out")
			}
		}
		return nil
	}
	if f.WarmupGraceSec.Set && !f.WarmupDurationSec.Set && !f.givenBadly("warmup-duration") {
		l.problems.add(f.WarmupGraceSec.As, "has no effect without a duration of the warmup", "", "add --warmup-duration, or leave it out")
	}
	p := &Phase{
		Name: cmp.Or(f.warmupName, KindWarmup), Kind: KindWarmup, Type: TypeConcurrency, ExcludeFromResults: true, Requests: f.WarmupRequests.pointer(),
		Sessions: f.WarmupSessions.pointer(), DurationSec: f.WarmupDurationSec.pointer(),
		Concurrency: firstSet(f.WarmupConcurrency, f.Concurrency), RatePerSec: firstSet(f.WarmupRate, f.RequestRate),
	}
	if f.warmupName != "" { // of a file, which says all of it
		p.Concurrency, p.RatePerSec = f.WarmupConcurrency.pointer(), f.WarmupRate.pointer()
	}
	switch pattern := f.WarmupArrivalPattern; {
	case pattern.Set && p.RatePerSec == nil && !f.givenBadly("warmup-request-rate", "request-rate"):
		l.problems.add(pattern.As, "has no effect without a rate", pattern.Value, "add --warmup-request-rate, or leave it out")
	case p.RatePerSec != nil:
		p.Type = pattern.Or(f.pattern())
	}
	p.setSmoothness(f)
	l.warmupRamps(p)
	if p.RatePerSec == nil && p.Concurrency == nil {
		p.Concurrency = ptr(1)
	}
	p.setGrace(f.WarmupGraceSec, math.Inf(1))
	return p
}

func firstSet[T any](options ...Opt[T]) *T {
	for _, o := range options {
		if o.Set {
			return o.pointer()
		}
	}
	return nil
}

func ptr[T any](v T) *T { return &v }

// advise adds warnings about a load that works, but hardly as it was meant.
func (l *loader) advise() {
	b := &l.run.Benchmark
	for i, p := range b.Phases {
		f := l.flagsOf(i)
		l.adviseRamps(p)
		l.adviseUsers(p, f)
		if p.Concurrency == nil {
			continue
		}
		asked := f.Concurrency
		if p.Kind == KindWarmup && len(l.f.listed) == 0 {
			asked = f.WarmupConcurrency
		}
		if !asked.Set {
			continue
		}
		for _, bound := range []struct {
			name string
			n    *int
		}{{"requests", p.Requests}, {"conversations", p.Sessions}} {
			if bound.n != nil && *bound.n < *p.Concurrency {
				l.warn(fmt.Sprintf("%s: %d is never reached in phase %s, which stops after %d %s", asked.As, *p.Concurrency, p.Name, *bound.n, bound.name))
			}
		}
	}
	if !l.env.HTTP.SSLVerify {
		l.warn("AIPERF_HTTP_SSL_VERIFY: certificates are not verified: whoever answers is believed, which is insecure")
	}
	if l.env.Dev.Mode {
		l.warn("AIPERF_DEV_MODE: developer mode is on; its figures are not for comparisons")
	}
	if l.f.OSL.Value > 0 && !l.extraHolds("ignore_eos") && !l.extraHolds("min_tokens") {
		l.warn(fmt.Sprintf("%s: the server may stop earlier; to get outputs of exactly this length add --extra-inputs ignore_eos:true or min_tokens:%d, if the server knows them", l.f.OSL.As, l.f.OSL.Value))
	}
}

// extraHolds tells whether a field of the body is set to anything but nothing.
func (l *loader) extraHolds(key string) bool {
	for _, kv := range l.run.Benchmark.Endpoint.Extra {
		if kv.Key != key {
			continue
		}
		switch string(kv.Value) {
		case "false", "null", "0", `""`:
			return false
		}
		return true
	}
	return false
}
