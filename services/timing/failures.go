package timing

import (
	"fmt"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

// leastAnswers is how many answers there must be before their failures mean something.
const leastAnswers = 10

// failureLimit is the share of failed requests that a profiling phase puts up with.
type failureLimit struct {
	share float64 // 0 to 1
	armed int64   // answers from which on it is looked at
}

// newFailureLimit is nil when failures end nothing: where none was asked for, and in a
// warmup.
func newFailureLimit(p config.Phase) *failureLimit {
	if p.FailedThreshold == nil || p.Kind != config.KindProfiling {
		return nil
	}
	f := &failureLimit{share: *p.FailedThreshold, armed: leastAnswers}
	if p.Concurrency != nil {
		f.armed = max(f.armed, int64(*p.Concurrency))
	}
	return f
}

// exceeded tells whether too many have failed.
func (f *failureLimit) exceeded(failed, answers int64) bool {
	return f != nil && answers >= f.armed && float64(failed) > f.share*float64(answers)
}

// giveUp ends the run when too many of the phase's requests have failed. What there is
// by then is summarised.
func (p *phase) giveUp(now clock.MonoNS) {
	s := &p.stats
	if answers := s.RequestsCompleted + s.RequestsCancelled; p.plan.failures.exceeded(s.RequestErrors, answers) && p.e.failure == nil && !p.e.cancelled {
		p.e.fail(now, messages.NewError("FailedRequestThresholdError", fmt.Sprintf(
			"%s: %d of %d requests failed, a larger share than %g (--failed-request-threshold)", p.plan.title(), s.RequestErrors, answers, p.plan.failures.share)))
	}
}
