package metrics

import "math"

// absent marks a row without a value inside a column. It never leaves the store.
var absent = math.NaN()

// column holds the values of one metric by row. Rows past its end have none, so a
// metric that nobody reports costs nothing.
type column struct{ values []float64 }

// put sets the value of row, which is past the end.
func (c *column) put(row int, v float64) {
	for len(c.values) < row {
		c.values = append(c.values, absent)
	}
	c.values = append(c.values, v)
}

func (c *column) at(row int) (v float64, ok bool) {
	if row >= len(c.values) {
		return 0, false
	}
	v = c.values[row]
	return v, v == v
}

// listColumn holds the lists of a metric end to end. An empty list is an absent one.
type listColumn struct {
	values []float64
	ends   []int // where the list of each row ends
}

func (c *listColumn) put(row int, list []float64) {
	for len(c.ends) < row {
		c.ends = append(c.ends, len(c.values))
	}
	for _, v := range list {
		if finite(v) {
			c.values = append(c.values, v)
		}
	}
	c.ends = append(c.ends, len(c.values))
}

// at returns the list of row, which stays the column's.
func (c *listColumn) at(row int) []float64 {
	if row >= len(c.ends) {
		return nil
	}
	from := 0
	if row > 0 {
		from = c.ends[row-1]
	}
	return c.values[from:c.ends[row]]
}
