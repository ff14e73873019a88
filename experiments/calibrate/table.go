package calibrate

import (
	"fmt"
	"strings"

	"aiperf/config"
	"aiperf/exporters"
	"aiperf/metrics"
)

// Line is a rung in one line, for the time while the ladders are climbed.
func Line(kind string, r config.CalibrationRung) string {
	text := fmt.Sprintf("%s: %s asked, %s delivered", kind, figure(r.Load), figure(r.Delivered))
	if e := r.TTFTErrorMS; e != nil {
		text += ", TTFT error " + pair(e) + " ms"
	}
	if e := r.LatencyErrorMS; e != nil {
		text += ", latency error " + pair(e) + " ms"
	}
	if r.Trouble != "" {
		text += ": " + r.Trouble
	}
	return text
}

// Render shows a calibration to people.
func Render(c *exporters.Console, cal *config.Calibration) {
	for _, l := range []struct {
		title, cost string
		ladder      config.CalibrationLadder
	}{
		{"Requests/s: constant rate, answers in one piece", "CPU/request (µs)", cal.Requests},
		{"Events/s: streams of 50 tokens, 10 ms apart", "CPU/event (µs)", cal.Events},
		{"Streams in flight: 3 tokens each", "CPU/event (µs)", cal.Streams},
	} {
		if len(l.ladder.Rungs) == 0 {
			continue
		}
		c.Table(ladderTable(l.title, l.cost, l.ladder))
	}
	for _, l := range []config.CalibrationLadder{cal.Requests, cal.Events, cal.Streams} {
		if l.Unit != "" {
			c.Text(exporters.Bold, summary(l))
		}
	}
	c.Text(exporters.Plain, conditions(cal))
}

// column is one of a ladder's table; absent when no rung has a value.
type column struct {
	header string
	cell   func(r config.CalibrationRung) string
}

func ladderTable(title, cost string, l config.CalibrationLadder) exporters.Table {
	t := exporters.Table{Title: []exporters.Cell{{Text: title, Style: exporters.Italic}}}
	rows := make([][]exporters.Cell, len(l.Rungs))
	for _, col := range []column{
		{l.Unit, func(r config.CalibrationRung) string { return figure(r.Load) }},
		{"Streams", func(r config.CalibrationRung) string {
			if r.Streams == 0 || float64(r.Streams) == r.Load {
				return ""
			}
			return figure(float64(r.Streams))
		}},
		{"Delivered", func(r config.CalibrationRung) string { return figure(r.Delivered) }},
		{"%", func(r config.CalibrationRung) string { return fmt.Sprintf("%.1f", 100*r.Delivered/r.Load) }},
		{"TTFT error p50 / p99 (ms)", func(r config.CalibrationRung) string { return pair(r.TTFTErrorMS) }},
		{"Latency error p50 / p99 (ms)", func(r config.CalibrationRung) string { return pair(r.LatencyErrorMS) }},
		{"Arrival error p50 / p99 (ms)", func(r config.CalibrationRung) string { return pair(r.ArrivalErrorMS) }},
		{cost, func(r config.CalibrationRung) string {
			if r.CPUMicros == nil {
				return ""
			}
			return fmt.Sprintf("%.1f", *r.CPUMicros)
		}},
		{"Trusted", func(r config.CalibrationRung) string {
			if r.Trouble != "" {
				return "no"
			}
			return "yes"
		}},
	} {
		cells, some := make([]string, len(l.Rungs)), false
		for i, r := range l.Rungs {
			cells[i] = col.cell(r)
			some = some || cells[i] != ""
		}
		if !some {
			continue
		}
		t.Columns = append(t.Columns, exporters.Column{Header: col.header})
		for i, text := range cells {
			style := exporters.Plain
			if text == "no" {
				style = exporters.Yellow
			}
			rows[i] = append(rows[i], exporters.Cell{Text: text, Style: style})
		}
	}
	t.Rows = rows
	return t
}

// summary says how far one ladder goes.
func summary(l config.CalibrationLadder) string {
	switch {
	case l.Max == 0 && l.FailedAt == 0:
		return fmt.Sprintf("%s: not measured (%s)", l.Unit, l.Ended)
	case l.Max == 0:
		return fmt.Sprintf("%s: less than %s (%s)", l.Unit, figure(l.FailedAt), l.Ended)
	case l.FailedAt == 0:
		return fmt.Sprintf("%s: at least %s (%s)", l.Unit, figure(l.Max), l.Ended)
	}
	return fmt.Sprintf("%s: up to %s; not %s (%s)", l.Unit, figure(l.Max), figure(l.FailedAt), l.Ended)
}

func conditions(cal *config.Calibration) string {
	parts := []string{fmt.Sprintf("%s, %d cores", cal.Machine.CPU, cal.Machine.Cores)}
	if n := len(cal.ServerCores); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of them the server's own", n))
	} else {
		parts = append(parts, "shared with the server")
	}
	if p := cal.OtherLoadPct; p != nil {
		parts = append(parts, fmt.Sprintf("other programs used %.0f %%", *p))
	}
	return strings.Join(parts, ", ")
}

func pair(s *metrics.Spread) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%.2f / %.2f", s.P50, s.P99)
}

// figure is a load in whole numbers, with commas.
func figure(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
