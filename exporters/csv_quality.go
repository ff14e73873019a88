package exporters

import (
	"strconv"

	"aiperf/metrics"
)

// quality writes the verdict, its reasons and its figures, one per row, under the keys of
// the JSON; what is unknown is left out. What was asked and what was delivered stand side
// by side.
func (t csvTable) quality(q *metrics.Quality) {
	t.record([]string{"Metric", "Value"})
	rows := &csvQuality{csvTable: t, prefix: "Measurement Quality: "}
	rows.row("verdict", q.Verdict)
	for _, reason := range q.Reasons {
		rows.row("reason", reason)
	}
	figuresOfQuality(rows, q)
}

// csvQuality is the table of figures; what is an object in the JSON are rows whose names
// are joined by points.
type csvQuality struct {
	csvTable
	prefix string // of the names
}

func (c *csvQuality) row(name, value string) { c.record([]string{c.prefix + name, value}) }

func (c *csvQuality) number(name string, v *float64) {
	if finite(v) {
		c.row(name, csvNumber(v))
	}
}

func (c *csvQuality) integer(name string, v int64) { c.row(name, strconv.FormatInt(v, 10)) }

func (c *csvQuality) object(name string, members func()) {
	outer := c.prefix
	c.prefix += name + "."
	members()
	c.prefix = outer
}

func (c *csvQuality) spread(name string, s *metrics.Spread) {
	if s != nil {
		c.object(name, func() {
			c.number("p50", &s.P50)
			c.number("p99", &s.P99)
			c.number("max", &s.Max)
		})
	}
}
