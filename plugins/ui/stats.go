package ui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
)

// stats makes the block of figures that is logged with every live summary:
//
//	[realtime 00:49 profiling]
//	  rps=14.2 (avg 13.1)  tput_in=1,097,271/s  tput_out=10,441/s  done=641 ok=641 err=0
//	  ttft    p50=   30ms  p75=   48ms  p95=   106ms  p99=   155ms
//	  …
type stats struct {
	start  clock.WallNS // of the phase
	last   clock.WallNS // of the last block
	before float64      // requests done by then
}

// begin takes the phase that live summaries are about.
func (b *stats) begin(p *messages.PhaseStats) {
	if p.Phase == messages.PhaseProfiling && b.start == 0 {
		b.start, b.last = p.StartNS, p.StartNS
	}
}

// block is the text of a live summary; nil when there is nothing to say yet.
func (b *stats) block(m *messages.RealtimeMetrics, now clock.WallNS) []string {
	var results []metrics.Result
	if msgpack.Unmarshal(m.Metrics, &results) != nil || len(results) == 0 {
		return nil
	}
	byTag := make(map[string]*metrics.Result, len(results))
	for i := range results {
		byTag[results[i].Tag] = &results[i]
	}
	figures := summaryOf(byTag)
	lines := []string{fmt.Sprintf("[realtime %s %s]", span(now.Sub(b.start)), messages.PhaseProfiling), b.rates(figures, now)}
	for _, row := range statsRows {
		r := byTag[row.tag]
		if r == nil && !row.always {
			continue
		}
		lines = append(lines, row.line(r))
	}
	if figures.in > 0 || figures.out > 0 {
		lines = append(lines, fmt.Sprintf("  tot     in=%s  out=%s", grouped(int64(figures.in)), grouped(int64(figures.out))))
	}
	return lines
}

// statsFigures are the counts and totals of a live summary.
type statsFigures struct {
	done, ok, in, out             float64 // requests, requests, tokens, tokens
	rps                           float64
	inPerSec, outPerSec           float64
	inPerSecKnown, outPerSecKnown bool
}

func summaryOf(byTag map[string]*metrics.Result) (f statsFigures) {
	avg := func(tag string) (float64, bool) {
		if r := byTag[tag]; r != nil && r.Avg != nil {
			return *r.Avg, true
		}
		return 0, false
	}
	sum := func(tag string) float64 {
		if r := byTag[tag]; r != nil && r.Sum != nil {
			return *r.Sum
		}
		return 0
	}
	f.ok, _ = avg("request_count")
	var counted bool
	if f.done, counted = avg("completed_request_count"); !counted {
		f.done = f.ok
	}
	f.rps, _ = avg("request_throughput")
	f.inPerSec, f.inPerSecKnown = avg("input_token_throughput")
	f.outPerSec, f.outPerSecKnown = avg("output_token_throughput")
	f.in, f.out = sum("input_sequence_length"), sum("output_sequence_length")
	return f
}

// rates is the line of speeds and counts. rps counts from the last block.
func (b *stats) rates(f statsFigures, now clock.WallNS) string {
	rps := 0.0
	if sec := now.Sub(b.last).Seconds(); sec > 0 {
		rps = (f.done - b.before) / sec
	}
	b.last, b.before = now, f.done
	parts := []string{fmt.Sprintf("rps=%.1f (avg %.1f)", rps, f.rps)}
	if f.inPerSecKnown {
		parts = append(parts, "tput_in="+grouped(int64(math.Round(f.inPerSec)))+"/s")
	}
	if f.outPerSecKnown {
		parts = append(parts, "tput_out="+grouped(int64(math.Round(f.outPerSec)))+"/s")
	}
	parts = append(parts, fmt.Sprintf("done=%s ok=%s err=%s", grouped(int64(f.done)), grouped(int64(f.ok)), grouped(int64(f.done-f.ok))))
	return "  " + strings.Join(parts, "  ")
}

// statsRow is a line of percentiles.
type statsRow struct {
	label, tag string
	unit       string // behind every number
	note       string // at the end of the line
	always     bool   // also without data
}

var statsRows = []statsRow{
	{"ttft", "time_to_first_token", "ms", "", true},
	{"itl", "inter_token_latency", "ms", "", true},
	{"e2e", "request_latency", "ms", "", true},
	{"intvty", "output_token_throughput_per_user", "", "  (1/tpot tok/s)", true},
	{"isl", "input_sequence_length", "", "  (tokens)", false},
	{"osl", "output_sequence_length", "", "  (tokens)", false},
}

func (w statsRow) line(r *metrics.Result) string {
	var s metrics.Stats
	if r != nil {
		s = r.Stats
	}
	third, high := "p95", s.P95
	if !w.always { // lengths
		third, high = "p90", s.P90
	}
	return fmt.Sprintf("  %-7s p50=%7s  p75=%7s  %s=%8s  p99=%8s%s", w.label, w.number(s.P50), w.number(s.P75), third, w.number(high), w.number(s.P99), w.note)
}

func (w statsRow) number(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case w.unit == "ms" && *v < 1:
		return "<1ms"
	}
	return grouped(int64(math.Round(*v))) + w.unit
}

// span is minutes and seconds.
func span(d time.Duration) string {
	sec := int(max(0, d).Seconds())
	if sec >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", sec/3600, sec/60%60, sec%60)
	}
	return fmt.Sprintf("%02d:%02d", sec/60, sec%60)
}
