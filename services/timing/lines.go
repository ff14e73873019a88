package timing

import (
	"fmt"
	"strings"

	"aiperf/clock"
)

// The phase's log lines: a border each, parts joined by " | ".

func (p *phase) startLine() string {
	parts := []string{p.plan.title() + " started", fmt.Sprintf("phase_index=%d", p.stats.PhaseIndex)}
	if i := p.stats.ProfilingIndex; i != nil {
		parts = append(parts, fmt.Sprintf("profiling_index=%d", *i))
	}
	var targets []string
	if n := p.plan.requests; n > 0 {
		targets = append(targets, fmt.Sprintf("%d requests", n))
	}
	if n := p.plan.sessions; n > 0 {
		targets = append(targets, fmt.Sprintf("%d sessions", n))
	}
	if d := p.plan.duration; d > 0 {
		targets = append(targets, fmt.Sprintf("%.1fs duration", d.Seconds()))
	}
	return strings.Join(append(parts, "target: "+strings.Join(targets, ", ")), " | ")
}

func (p *phase) sendingCompleteLine() string {
	s := &p.stats
	parts := []string{
		p.plan.title() + " sending complete",
		fmt.Sprintf("sent=%d, completed=%d, in_flight=%d", s.RequestsSent, s.RequestsCompleted, s.InFlight()),
		fmt.Sprintf("sessions: sent=%d, completed=%d", s.SentSessions, s.CompletedSessions),
	}
	return strings.Join(append(parts, p.flags()...), " | ")
}

func (p *phase) completeLine(now clock.MonoNS) string {
	s := &p.stats
	parts := []string{
		p.plan.title() + " complete",
		fmt.Sprintf("completed=%d, cancelled=%d, errors=%d", s.RequestsCompleted, s.RequestsCancelled, s.RequestErrors),
		fmt.Sprintf("sessions: completed=%d, cancelled=%d", s.CompletedSessions, s.CancelledSessions),
		fmt.Sprintf("elapsed=%.2fs", now.Sub(p.started).Seconds()),
	}
	return strings.Join(append(parts, p.flags()...), " | ")
}

func (p *phase) heartbeatLine(now clock.MonoNS) string {
	s := &p.stats
	target := ""
	if p.plan.requests > 0 {
		target = fmt.Sprintf("/%d", p.plan.requests)
	}
	return fmt.Sprintf("%s | returned=%d%s, sent=%d, in_flight=%d, errors=%d | elapsed=%.1fs", p.plan.title(),
		s.RequestsCompleted+s.RequestsCancelled, target, s.RequestsSent, s.InFlight(), s.RequestErrors, now.Sub(p.started).Seconds())
}

// flags names what ended the phase early, and what it cost.
func (p *phase) flags() []string {
	var out []string
	for _, f := range []struct {
		set  bool
		name string
	}{
		{p.stats.TimeoutTriggered, "timeout_triggered=True"},
		{p.stats.GracePeriodTimeoutTriggered, "grace_period_timeout_triggered=True"},
		{p.stats.WasCancelled, "was_cancelled=True"},
	} {
		if f.set {
			out = append(out, f.name)
		}
	}
	if n := p.stats.LostRequests; n > 0 {
		out = append(out, fmt.Sprintf("lost=%d", n))
	}
	return out
}

// warnShortfall tells when the schedule asked for more than was sent: ticks without
// a free slot, and time by which the line was moved.
func (p *phase) warnShortfall() {
	if p.schedule == nil {
		return
	}
	moved := p.schedule.shift.Seconds() * p.plan.ratePerSec
	missed := float64(p.stats.LostTicks) + moved
	if asked := float64(p.stats.RequestsSent) + missed; missed > asked/100 {
		p.e.log.Warn(p.plan.title()+" delivered less load than asked for", "missed_pct", fmt.Sprintf("%.1f", 100*missed/asked),
			"lost_ticks", p.stats.LostTicks, "reanchors", p.schedule.reanchors, "moved_by", p.schedule.shift.String())
	}
}
