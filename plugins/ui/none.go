package ui

import (
	"fmt"
	"sync"
	"time"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/plugins"
)

func init() { plugins.Register("ui", "aiperf.ui:None", NewNone) }

// None prints log lines only, a few of them about the progress: for pipes, files and
// whoever wants nothing redrawn.
type None struct {
	cfg Config
	now func() clock.WallNS

	mu     sync.Mutex
	phase  int          // the latest that has begun
	last   clock.WallNS // of the last line about progress
	tenths int          // of the phase that were reported
	stats  stats

	out sync.Mutex // of cfg.Out
}

// shortestPause between two lines of a phase's progress.
const shortestPause = 5 * time.Second

// NewNone makes it.
func NewNone(c Config) (UI, error) { return &None{cfg: c, now: clock.Wall}, nil }

// Message logs that a phase begins or ends, every tenth of its way between, and the
// figures of live summaries.
func (n *None) Message(e messages.Envelope) {
	for _, line := range n.lines(e) {
		n.cfg.Log(line) // comes back through Line: the lock is free
	}
}

func (n *None) lines(e messages.Envelope) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch e.Type {
	case "credit_phase_start":
		var m messages.CreditPhaseStart
		if e.Decode(&m) == nil {
			n.stats.begin(&m.Stats)
			n.phase, n.last, n.tenths = m.Stats.PhaseIndex, n.now(), 0
			return []string{started(&m.Stats)}
		}
	case "credit_phase_progress":
		var m messages.CreditPhaseProgress
		if e.Decode(&m) == nil {
			n.stats.begin(&m.Stats)
			if m.Stats.PhaseIndex == n.phase && n.due(&m.Stats) {
				return []string{m.Stats.PhaseName + reached(&m.Stats)}
			}
		}
	case "credit_phase_complete":
		var m messages.CreditPhaseComplete
		if e.Decode(&m) == nil {
			return []string{m.Stats.PhaseName + " complete" + reached(&m.Stats)}
		}
	case "realtime_metrics":
		var m messages.RealtimeMetrics
		if n.cfg.Stats && e.Decode(&m) == nil {
			return n.stats.block(&m, n.now())
		}
	}
	return nil
}

// due says whether a line of progress is worth its place: another tenth of the way is
// done, or it is time for the heartbeat of a warmup.
func (n *None) due(s *messages.PhaseStats) bool {
	now := n.now()
	pause := now.Sub(n.last)
	tenths := int(sentPercent(s, now) / 10)
	if pause < shortestPause || tenths <= n.tenths && (s.Phase != messages.PhaseWarmup || n.cfg.WarmupEvery == 0 || pause < n.cfg.WarmupEvery) {
		return false
	}
	n.last, n.tenths = now, max(tenths, n.tenths)
	return true
}

func started(s *messages.PhaseStats) string {
	line := s.PhaseName + " started"
	switch {
	case s.TotalExpectedRequests != nil:
		line += fmt.Sprintf(": %s requests", grouped(*s.TotalExpectedRequests))
	case s.ExpectedNumSessions != nil:
		line += fmt.Sprintf(": %s conversations", grouped(*s.ExpectedNumSessions))
	case s.ExpectedDurationSec != nil:
		line += fmt.Sprintf(": %g s", *s.ExpectedDurationSec)
	}
	return line
}

// reached is what a phase has done so far.
func reached(s *messages.PhaseStats) string {
	done := grouped(s.RequestsCompleted + s.RequestsCancelled)
	if s.TotalExpectedRequests != nil {
		done += "/" + grouped(*s.TotalExpectedRequests)
	}
	return fmt.Sprintf(": %s requests, %d in flight, %s errors", done, s.InFlight(), grouped(s.RequestErrors))
}

// Line prints a log line.
func (n *None) Line(line string) {
	n.Above(func() { fmt.Fprintln(n.cfg.Out, n.cfg.logLine(line)) })
}

// Above has nothing to clear away.
func (n *None) Above(print func()) {
	n.out.Lock()
	defer n.out.Unlock()
	print()
}

// Close has nothing to clean.
func (*None) Close() {}
