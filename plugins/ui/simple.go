package ui

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/plugins"
)

func init() { plugins.Register("ui", "aiperf.ui:Simple", NewSimple) }

// Simple shows one progress bar at a time; a new stage replaces the old bar.
//
//	warmup → warmup grace period → profiling → profiling grace period → processing records
//
// Without a terminal it prints a plain line where it would redraw, at every tenth of a
// stage.
type Simple struct {
	cfg Config
	now func() clock.WallNS

	mu    sync.Mutex
	phase int // the latest that has begun
	stage string
	shown string  // the bar on the screen, "" for none
	at    float64 // percent of the last redraw
	stats stats
}

// NewSimple makes it.
func NewSimple(c Config) (UI, error) {
	if !c.Terminal {
		c.MinUpdatePercent = max(c.MinUpdatePercent, 10)
	}
	return &Simple{cfg: c, now: clock.Wall, at: -1}, nil
}

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
		if e.Decode(&m) == nil && s.begin(&m.Stats) {
			s.draw(s.sending(&m.Stats))
		}
	case "credit_phase_progress":
		var m messages.CreditPhaseProgress
		if e.Decode(&m) != nil || !s.begin(&m.Stats) {
			return
		}
		if m.Stats.SentEndNS != 0 {
			s.draw(s.draining(&m.Stats))
			return
		}
		s.draw(s.sending(&m.Stats))
	case "processing_stats":
		var m messages.ProcessingStats
		if e.Decode(&m) == nil && m.ProcessingStats.RequestsEndNS != 0 && s.begin(&m.ProcessingStats.PhaseStats) {
			s.draw(s.processing(&m.ProcessingStats))
		}
	case "realtime_metrics":
		var m messages.RealtimeMetrics
		if s.cfg.Stats && e.Decode(&m) == nil {
			for _, line := range s.block(&m) {
				s.cfg.Log(line) // comes back through Line: the lock is free
			}
		}
	}
}

// begin tells whether a phase is the latest one: an earlier one may still be waiting for
// answers beside it, which is not what the bar is about.
func (s *Simple) begin(p *messages.PhaseStats) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.begin(p)
	if p.PhaseIndex > s.phase {
		s.phase, s.stage = p.PhaseIndex, ""
	}
	return p.PhaseIndex == s.phase
}

// named is a stage's label with the name of a phase that has one of its own.
func named(stage string, p *messages.PhaseStats) string {
	if p.PhaseName == "" || p.PhaseName == p.Phase {
		return stage
	}
	return stage + " " + p.PhaseName
}

func (s *Simple) block(m *messages.RealtimeMetrics) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats.block(m, s.now())
}

func (s *Simple) sending(p *messages.PhaseStats) progress {
	l := labels[p.Phase][0]
	out := progress{label: named(l.name, p), color: l.color, done: p.RequestsCompleted, percent: sentPercent(p, s.now()), elapsedNS: s.since(p.StartNS)}
	if p.TotalExpectedRequests != nil {
		out.total = *p.TotalExpectedRequests
	}
	return out
}

// sentPercent is how far a phase has come towards the nearest of its ends.
func sentPercent(p *messages.PhaseStats, now clock.WallNS) (percent float64) {
	raise := func(done, total float64) {
		if total > 0 {
			percent = max(percent, min(100, 100*done/total))
		}
	}
	if p.TotalExpectedRequests != nil {
		raise(float64(p.RequestsCompleted), float64(*p.TotalExpectedRequests))
	}
	if p.ExpectedNumSessions != nil {
		raise(float64(p.CompletedSessions), float64(*p.ExpectedNumSessions))
	}
	if p.ExpectedDurationSec != nil && p.StartNS != 0 {
		raise(now.Sub(p.StartNS).Seconds(), *p.ExpectedDurationSec)
	}
	return percent
}

func (s *Simple) draining(p *messages.PhaseStats) progress {
	l := labels[p.Phase][1]
	done := p.RequestsCompleted + p.RequestsCancelled
	return progress{label: named(l.name, p), color: l.color, done: done, total: p.RequestsSent, percent: share(done, p.RequestsSent), elapsedNS: s.since(p.SentEndNS)}
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

// barWidth is how many cells the bar itself has where there is room.
const barWidth = 30

// render is the line of a stage. It must not reach the last column: what a terminal
// breaks over two lines cannot be taken back.
func (s *Simple) render(p progress) string {
	left := p.label + ": "
	if p.total != 0 {
		left += fmt.Sprintf("%s/%s ", grouped(p.done), grouped(p.total))
	}
	percent := fmt.Sprintf("%.0f%%", p.percent)
	times := fmt.Sprintf(" [%s<%s]", span(p.elapsedNS), s.remaining(p))
	cells := barWidth
	if columns := s.cfg.columns(); s.cfg.Terminal && columns > 0 {
		room := columns - 1 - len(left) - len(percent) - len(" ||")
		if room < len(times)+5 {
			times = ""
		}
		if cells = min(barWidth, room-len(times)); cells < 1 {
			return cutBytes(left+percent, columns-1)
		}
	}
	filled := int(p.percent / 100 * float64(cells))
	bar := strings.Repeat("█", filled) + strings.Repeat(" ", cells-filled)
	if s.cfg.Color {
		bar = "\x1b[" + p.color + "m" + bar + "\x1b[0m"
	}
	if p.total == 0 {
		return left + percent + " |" + bar + "|" + times
	}
	return left + "|" + bar + "| " + percent + times
}

// cutBytes shortens ASCII text.
func cutBytes(s string, most int) string { return s[:min(len(s), max(0, most))] }

func (s *Simple) remaining(p progress) string {
	if p.percent <= 0 {
		return "?"
	}
	return span(time.Duration(float64(p.elapsedNS) * (100 - p.percent) / p.percent))
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
	if s.shown == "" {
		return
	}
	erase := "\r\x1b[2K"
	if !s.cfg.Color { // no escape sequence at all
		erase = "\r" + strings.Repeat(" ", utf8.RuneCountInString(s.shown)) + "\r"
	}
	io.WriteString(s.cfg.Out, erase)
	s.shown = ""
}

// Line prints a log line above the bar.
func (s *Simple) Line(line string) {
	s.Above(func() { fmt.Fprintln(s.cfg.Out, s.cfg.logLine(line)) })
}

// Above takes the bar away for as long as print writes.
func (s *Simple) Above(print func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bar := s.shown
	s.clear()
	print()
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
