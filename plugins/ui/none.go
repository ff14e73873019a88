package ui

import (
	"fmt"
	"io"
	"sync"
	"time"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/plugins"
)

func init() { plugins.Register("ui", "aiperf.ui:None", NewNone) }

// None prints log lines, and a plain line of progress now and then: for pipes, files
// and whoever wants nothing redrawn.
type None struct {
	out io.Writer
	now func() clock.WallNS

	mu   sync.Mutex
	last clock.WallNS // of the last progress line
}

// progressEvery is the pause between two lines of a phase's progress.
const progressEvery = 5 * time.Second

// NewNone makes it.
func NewNone(c Config) (UI, error) { return &None{out: c.Out, now: clock.Wall}, nil }

// Message prints a line when a phase begins or ends, and at an interval between.
func (n *None) Message(e messages.Envelope) {
	switch e.Type {
	case "credit_phase_start":
		var m messages.CreditPhaseStart
		if e.Decode(&m) == nil {
			n.progress(&m.Stats, "started", true)
		}
	case "credit_phase_progress":
		var m messages.CreditPhaseProgress
		if e.Decode(&m) == nil {
			n.progress(&m.Stats, "", false)
		}
	case "credit_phase_complete":
		var m messages.CreditPhaseComplete
		if e.Decode(&m) == nil {
			n.progress(&m.Stats, "complete", true)
		}
	}
}

// progress prints one line: what a phase has done so far.
func (n *None) progress(s *messages.PhaseStats, event string, always bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if !always && now.Sub(n.last) < progressEvery {
		return
	}
	n.last = now
	line := s.PhaseName
	if event != "" {
		line += " " + event
	}
	done := s.RequestsCompleted + s.RequestsCancelled
	switch {
	case event == "started" && s.TotalExpectedRequests != nil:
		line += fmt.Sprintf(": %s requests", grouped(*s.TotalExpectedRequests))
	case event == "started" && s.ExpectedDurationSec != nil:
		line += fmt.Sprintf(": %g s", *s.ExpectedDurationSec)
	case event == "started":
	case s.TotalExpectedRequests != nil:
		line += fmt.Sprintf(": %s/%s requests", grouped(done), grouped(*s.TotalExpectedRequests))
	default:
		line += fmt.Sprintf(": %s requests", grouped(done))
	}
	if event != "started" {
		line += fmt.Sprintf(", %d in flight, %s errors", s.InFlight(), grouped(s.RequestErrors))
	}
	fmt.Fprintf(n.out, "%s %-8s %s\n", now.Time().Local().Format("15:04:05.000"), "INFO", line)
}

// Line prints a log line.
func (n *None) Line(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintln(n.out, line)
}

// Close has nothing to clean.
func (*None) Close() {}
