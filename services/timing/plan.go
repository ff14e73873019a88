package timing

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins"
	"aiperf/plugins/arrivals"
)

// phasePlan is one phase as it was asked for, ready to run.
type phasePlan struct {
	announced messages.PhaseConfig
	// pattern times the phase; nil in closed loop, where free slots do.
	pattern     arrivals.Pattern
	users       *userPlan     // nil unless users keep a pace
	replay      *replayPlan   // nil unless the times of a trace are kept
	ratePerSec  float64       // requests/s; 0 in closed loop
	requests    int64         // 0 = no cap
	sessions    int64         // 0 = no cap
	duration    time.Duration // 0 = none
	grace       time.Duration // −1 = wait for every response
	concurrency int           // sessions open at once; 0 = no limit
	limitRamp   limitRamp     // nil = the concurrency has its value from the start
	failures    *failureLimit // nil = failed requests end nothing
	disconnects *disconnects  // nil = every answer is read to its end
}

// newPlans makes the plans of a run's phases. The error names every phase that
// cannot run.
func newPlans(run *config.Run, registry *plugins.Registry, seeds dataset.Seeds) ([]*phasePlan, error) {
	var plans []*phasePlan
	var errs []error
	ofKind, replays := map[string]int{}, 0
	for i, p := range run.Benchmark.Phases {
		plan, err := newPlan(i, ofKind[p.Kind], p, registry, seeds, run.Environment.Timing.RateRampUpdateSec)
		ofKind[p.Kind]++
		if err != nil {
			errs = append(errs, fmt.Errorf("phases[%d] (%s): %w", i, p.Name, err))
			continue
		}
		if plan.replay != nil {
			plan.replay.ordinal = replays
			replays++
		}
		plans = append(plans, plan)
	}
	if len(run.Benchmark.Phases) == 0 {
		errs = append(errs, errors.New("phases: there is none; give at least one of kind profiling"))
	}
	return plans, errors.Join(errs...)
}

// newPlan makes the plan of one phase. The phase's random stream is named by its
// place among the phases of its kind, so that a warmup in front of it changes
// nothing in a profiling phase.
func newPlan(index, ofKind int, p config.Phase, registry *plugins.Registry, seeds dataset.Seeds, rampUpdateSec float64) (*phasePlan, error) {
	plan := &phasePlan{announced: announce(index, ofKind, p), grace: -1, disconnects: newDisconnects(p, ofKind, seeds), failures: newFailureLimit(p)}
	if p.Requests != nil {
		plan.requests = int64(*p.Requests)
	}
	if p.Sessions != nil {
		plan.sessions = int64(*p.Sessions)
	}
	if p.Concurrency != nil {
		plan.concurrency = *p.Concurrency
		if r := p.ConcurrencyRamp; r != nil {
			steps, err := arrivals.Ramp{
				Strategy: r.Strategy, Target: float64(plan.concurrency), DurationSec: r.DurationSec, Rand: seeds.Stream(fmt.Sprintf("timing.ramp.concurrency:%s:%d", p.Kind, ofKind)),
			}.Steps()
			if err != nil {
				return nil, fmt.Errorf("ramp of the concurrency: %w", err)
			}
			plan.limitRamp, plan.announced.ConcurrencyRampSec = steps, &r.DurationSec
		}
	}
	if p.DurationSec != nil {
		plan.duration = seconds(*p.DurationSec)
		if !p.GraceInfinite {
			plan.grace = seconds(p.GracePeriodSec)
		}
	}
	if p.Seamless && index == 0 {
		return nil, errors.New("seamless: there is no phase before it to go on from; leave it out")
	}
	if plan.requests <= 0 && plan.sessions <= 0 && plan.duration <= 0 {
		return nil, errors.New("nothing stops it: give a number of requests, of sessions, or a duration")
	}
	switch p.Type {
	case config.TypeUserCentric:
		return plan, plan.setUsers(p)
	case config.TypeFixedSchedule:
		plan.replay = newReplayPlan(p)
		return plan, nil
	}
	name := p.ArrivalPattern()
	newPattern, err := plugins.Constructor[arrivals.Constructor](registry, "arrival_pattern", name)
	if err != nil {
		return nil, err
	}
	if p.RatePerSec != nil {
		plan.ratePerSec = *p.RatePerSec
	}
	stream := fmt.Sprintf("timing.request.%s_interval:%s:%d", name, p.Kind, ofKind)
	c := arrivals.Config{RatePerSec: plan.ratePerSec, Rand: seeds.Stream(stream)}
	if p.Smoothness != nil {
		c.Smoothness = *p.Smoothness
	}
	pattern, err := newPattern(c)
	if err != nil {
		return nil, err
	}
	points, err := ratePoints(p, rampUpdateSec, seeds.Stream(fmt.Sprintf("timing.ramp.rate:%s:%d", p.Kind, ofKind)))
	if err != nil {
		return nil, err
	}
	if len(points) > 0 {
		curve, err := arrivals.NewCurve(points)
		if err != nil {
			return nil, fmt.Errorf("curve of the rate: %w", err)
		}
		if pattern, err = arrivals.NewCurved(newPattern, c, curve); err != nil {
			return nil, err
		}
		plan.announced.RateCurve = points
		if p.RateRamp != nil {
			plan.announced.RateRampSec = &p.RateRamp.DurationSec
		}
	}
	if _, closed := pattern.(arrivals.ConcurrencyBurst); closed {
		plan.concurrency, plan.ratePerSec = max(1, plan.concurrency), 0
		plan.announced.Concurrency = wide(&plan.concurrency)
		return plan, nil
	}
	plan.pattern = pattern
	return plan, nil
}

// ratePoints is how the rate changes: a ramp to its value, or to the beginning of a series,
// and the series. Nil: it does not.
func ratePoints(p config.Phase, updateSec float64, rng *rand.Rand) (points []arrivals.RatePoint, err error) {
	target := 0.0
	switch {
	case len(p.RateSeries) > 0:
		target = p.RateSeries[0].PerSec
	case p.RatePerSec != nil:
		target = *p.RatePerSec
	}
	after := 0.0
	if r := p.RateRamp; r != nil {
		after = r.DurationSec
		points, err = arrivals.Ramp{
			Strategy: r.Strategy, Start: target * min(1, updateSec/r.DurationSec), Target: target, DurationSec: r.DurationSec, StepSec: updateSec, Rand: rng,
		}.Rate()
		if err != nil {
			return nil, fmt.Errorf("ramp of the rate: %w", err)
		}
	}
	for _, s := range p.RateSeries {
		points = append(points, arrivals.RatePoint{Sec: after + s.Sec, PerSec: s.PerSec})
	}
	return points, nil
}

// setUsers makes it a phase whose users keep a pace.
func (plan *phasePlan) setUsers(p config.Phase) error {
	if p.Users == nil || *p.Users < 1 || p.RatePerSec == nil || !(*p.RatePerSec > 0) {
		return errors.New("user-centric load needs a number of users and a rate, both above 0")
	}
	plan.ratePerSec = *p.RatePerSec
	plan.users = &userPlan{n: *p.Users, ratePerSec: plan.ratePerSec}
	plan.announced.NumUsers = wide(p.Users)
	return nil
}

// announce is the phase's configuration as others see it.
func announce(index, ofKind int, p config.Phase) messages.PhaseConfig {
	c := messages.PhaseConfig{
		Phase: p.Kind, PhaseName: p.Name, PhaseKind: p.Kind, PhaseIndex: index, TimingMode: p.TimingMode(),
		TotalExpectedRequests: wide(p.Requests), ExpectedNumSessions: wide(p.Sessions), ExpectedDurationSec: p.DurationSec,
		Concurrency: wide(p.Concurrency), RequestRate: p.RatePerSec, ArrivalPattern: p.ArrivalPattern(), ArrivalSmoothness: p.Smoothness,
		ExcludeFromResults: p.ExcludeFromResults, Seamless: p.Seamless, FailedThreshold: p.FailedThreshold,
	}
	if p.Kind == config.KindProfiling {
		c.ProfilingIndex = &ofKind
	}
	if cut := p.Cancellation; cut != nil && p.Kind == config.KindProfiling {
		c.RequestCancellation = &messages.RequestCancellation{Rate: cut.RatePct, Delay: cut.DelaySec}
	}
	switch {
	case p.GraceInfinite:
		c.GracePeriodInfinite = true
	case p.DurationSec != nil:
		grace := p.GracePeriodSec
		c.GracePeriodSec = &grace
	}
	return c
}

// profilingIndex is the phase's place among the profiling phases, −1 in a warmup.
func (p *phasePlan) profilingIndex() int {
	if p.announced.ProfilingIndex == nil {
		return -1
	}
	return *p.announced.ProfilingIndex
}

// title names the phase in logs.
func (p *phasePlan) title() string {
	return fmt.Sprintf("Phase %s (%s)", p.announced.PhaseName, p.announced.PhaseKind)
}

func wide(n *int) *int64 {
	if n == nil {
		return nil
	}
	v := int64(*n)
	return &v
}

// longest bounds every span that is asked for (about 73 years), so that several of
// them added to an instant stay in range.
const longest = time.Duration(math.MaxInt64 / 4)

func seconds(s float64) time.Duration {
	if ns := s * float64(time.Second); ns < float64(longest) {
		return time.Duration(ns)
	}
	return longest
}
