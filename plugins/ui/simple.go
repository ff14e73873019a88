package ui

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/plugins"
)

func init() { plugins.Register("ui", "aiperf.ui:Simple", NewSimple) }

// Simple shows one progress bar at a time; a new stage replaces the old bar.
//
//	warmup → warmup grace period → profiling → profiling grace period → processing records
//
// Without a terminal it prints a plain line where it would redraw.
type Simple struct {
	cfg Config
	now func() clock.WallNS

	mu    sync.Mutex
	stage string
	shown string  // the bar on the screen, "" for none
	at    float64 // percent of the last redraw
}

// NewSimple makes it.
func NewSimple(c Config) (UI, error) { return &Simple{cfg: c, now: clock.Wall, at: -1}, nil }

// progress is where a stage stands.
type progress struct {
	label     string
	color     string
	done      int64
	total     int64   // 0 = unknown
	percent   float64 // of the stage
	elapsedNS time.Duration
}

var labels = map[string][2]struct{ name, color string }{
	messages.PhaseWarmup:    {{"Warmup", "33"}, {"Warmup Grace Period", "36"}},
	messages.PhaseProfiling: {{"Profiling", "32"}, {"Profiling Grace Period", "35"}},
}

// Message redraws when a message moves the progress.
func (s *Simple) Message(e messages.Envelope) {
	switch e.Type {
	case "credit_phase_start":
		var m messages.CreditPhaseStart
		if e.Decode(&m) == nil {
			s.draw(s.sending(&m.Stats))
		}
	case "credit_phase_progress":
		var m messages.CreditPhaseProgress
		if e.Decode(&m) != nil {
			return
		}
		if m.Stats.SentEndNS != 0 {
			s.draw(s.draining(&m.Stats))
			return
		}
		s.draw(s.sending(&m.Stats))
	case "processing_stats":
		var m messages.ProcessingStats
		if e.Decode(&m) == nil && m.ProcessingStats.RequestsEndNS != 0 {
			s.draw(s.processing(&m.ProcessingStats))
		}
	}
}

func (s *Simple) sending(p *messages.PhaseStats) progress {
	l := labels[p.Phase][0]
	out := progress{label: l.name, color: l.color, done: p.RequestsCompleted, elapsedNS: s.since(p.StartNS)}
	raise := func(done, total float64) {
		if total > 0 {
			out.percent = max(out.percent, min(100, 100*done/total))
		}
	}
	if p.TotalExpectedRequests != nil {
		out.total = *p.TotalExpectedRequests
		raise(float64(p.RequestsCompleted), float64(out.total))
	}
	if p.ExpectedNumSessions != nil {
		raise(float64(p.CompletedSessions), float64(*p.ExpectedNumSessions))
	}
	if p.ExpectedDurationSec != nil {
		raise(out.elapsedNS.Seconds(), *p.ExpectedDurationSec)
	}
	return out
}

func (s *Simple) draining(p *messages.PhaseStats) progress {
	l := labels[p.Phase][1]
	done := p.RequestsCompleted + p.RequestsCancelled
	return progress{label: l.name, color: l.color, done: done, total: p.RequestsSent, percent: share(done, p.RequestsSent), elapsedNS: s.since(p.SentEndNS)}
}

func (s *Simple) processing(p *messages.RecordStats) progress {
	done := p.SuccessRecords + p.ErrorRecords + p.CancelledRecords
	return progress{label: "Processing Records", color: "34", done: done, total: p.RequestsSent, percent: share(done, p.RequestsSent), elapsedNS: s.since(p.RequestsEndNS)}
}

func share(done, total int64) float64 {
	if total <= 0 {
		return 0
	}
	return min(100, 100*float64(done)/float64(total))
}

func (s *Simple) since(at clock.WallNS) time.Duration {
	if at == 0 {
		return 0
	}
	return max(0, s.now().Sub(at))
}

func (s *Simple) draw(p progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.label == s.stage && p.percent-s.at < s.cfg.MinUpdatePercent && p.percent < 100 {
		return
	}
	if p.label == s.stage && p.percent == s.at {
		return
	}
	s.stage, s.at = p.label, p.percent
	text := s.render(p)
	if !s.cfg.Terminal {
		fmt.Fprintln(s.cfg.Out, text)
		return
	}
	s.clear()
	s.shown = text
	io.WriteString(s.cfg.Out, text)
}

// barWidth is how many cells the bar itself has.
const barWidth = 30

func (s *Simple) render(p progress) string {
	filled := int(p.percent / 100 * barWidth)
	bar := strings.Repeat("█", filled) + strings.Repeat(" ", barWidth-filled)
	if s.cfg.Color {
		bar = "\x1b[" + p.color + "m" + bar + "\x1b[0m"
	}
	times := fmt.Sprintf("[%s<%s]", span(p.elapsedNS), s.remaining(p))
	if p.total == 0 {
		return fmt.Sprintf("%s: %.0f%% |%s| %s", p.label, p.percent, bar, times)
	}
	return fmt.Sprintf("%s: %s/%s |%s| %.0f%% %s", p.label, grouped(p.done), grouped(p.total), bar, p.percent, times)
}

func (s *Simple) remaining(p progress) string {
	if p.percent <= 0 {
		return "?"
	}
	return span(time.Duration(float64(p.elapsedNS) * (100 - p.percent) / p.percent))
}

// span is minutes and seconds.
func span(d time.Duration) string {
	sec := int(d.Seconds())
	if sec >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", sec/3600, sec/60%60, sec%60)
	}
	return fmt.Sprintf("%02d:%02d", sec/60, sec%60)
}

// grouped writes thousands with commas.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// clear removes the bar from the screen; the lock is held.
func (s *Simple) clear() {
	if s.shown != "" {
		io.WriteString(s.cfg.Out, "\r\x1b[2K")
		s.shown = ""
	}
}

// Line prints a log line above the bar.
func (s *Simple) Line(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bar := s.shown
	s.clear()
	fmt.Fprintln(s.cfg.Out, line)
	if bar != "" {
		s.shown = bar
		io.WriteString(s.cfg.Out, bar)
	}
}

// Close clears the bar.
func (s *Simple) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}
