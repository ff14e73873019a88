package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"aiperf/metrics"
)

// row is one line of the table; an empty cell: not measured.
type row struct{ what, aiperf, wrk, vegeta, note string }

// table is Markdown, padded so that it reads as plain text too.
type table struct{ rows []row }

func (t *table) add(r row) { t.rows = append(t.rows, r) }

func (t *table) write(w io.Writer) {
	lines := [][]string{{"", "aiperf", "wrk", "vegeta", ""}}
	for _, r := range t.rows {
		lines = append(lines, []string{r.what, r.aiperf, r.wrk, r.vegeta, r.note})
	}
	widths := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, cell := range l {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	for n, l := range lines {
		for i, cell := range l {
			fmt.Fprintf(w, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		fmt.Fprintln(w, "|")
		if n == 0 {
			for i := range l {
				dashes := strings.Repeat("-", widths[i]+1)
				if i == 0 || i == len(l)-1 {
					fmt.Fprintf(w, "|%s-", dashes)
				} else {
					fmt.Fprintf(w, "|%s:", dashes)
				}
			}
			fmt.Fprintln(w, "|")
		}
	}
}

// whole is a number without fractions, with commas.
func whole(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// pair is the median and the 99th percentile of an error in ms.
func pair(s *metrics.Spread) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%.3f / %.3f", s.P50, s.P99)
}

// micros is seconds per unit, in µs.
func micros(seconds, units float64) string {
	if units <= 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", max(0, seconds)*1e6/units)
}

// times is a ratio in words.
func times(a, b float64, of string) string {
	if b <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2fx %s", a/b, of)
}
