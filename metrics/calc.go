package metrics

import "aiperf/clock"

// maxMetrics bounds the catalogue, so that the values of a record fit a fixed array.
const maxMetrics = 128

// outcome is what became of a request. It decides which metrics it has.
type outcome uint8

const (
	succeeded outcome = iota
	failed
	cancelled
	outcomes
)

// outcomeOf checks cancellation first: a cancelled record also has an error.
func outcomeOf(isFailed, isCancelled bool) outcome {
	switch {
	case isCancelled:
		return cancelled
	case isFailed:
		return failed
	}
	return succeeded
}

// bitset is a set of metrics by id.
type bitset [maxMetrics / 64]uint64

func (b *bitset) set(id int)      { b[id/64] |= 1 << (id % 64) }
func (b *bitset) has(id int) bool { return b[id/64]&(1<<(id%64)) != 0 }
func (b *bitset) all(o bitset) bool {
	for i := range b {
		if b[i]&o[i] != o[i] {
			return false
		}
	}
	return true
}
func (b *bitset) any(o bitset) bool {
	for i := range b {
		if b[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// calc is what the formula of a per-request metric sees: the record and the values
// so far, or, when a store's view computes a metric again, one of its rows.
type calc struct {
	options *Options
	bounds  []bound // of the SLOs

	record *Record
	values [maxMetrics]float64
	has    bitset

	view *view // set: values come from row of its chunk
	row  int

	failed bool // the formula failed: no value, and worth a warning
}

// of returns the value of a required metric.
func (c *calc) of(d *Declaration) float64 {
	v, _ := c.get(d)
	return v
}

// get returns the value of a metric that need not have one.
func (c *calc) get(d *Declaration) (v float64, ok bool) {
	if c.view != nil {
		v := c.view.column(d)[c.row]
		return v, v == v
	}
	return c.values[d.id], c.has.has(d.id)
}

// elapsed is later − earlier [ns]. A missing stamp gives no value; stamps out of order
// are a failure, not a 0.
func (c *calc) elapsed(later, earlier clock.MonoNS) (ns float64, ok bool) {
	if later == 0 || earlier == 0 {
		return 0, false
	}
	return c.nonNegative(int64(later.Sub(earlier)))
}

func (c *calc) nonNegative(ns int64) (float64, bool) {
	if ns < 0 {
		return c.fail()
	}
	return float64(ns), true
}

// fail ends a formula whose inputs contradict one another.
func (c *calc) fail() (float64, bool) {
	c.failed = true
	return 0, false
}

// ratio is a / b; no value when b is 0.
func ratio(a, b float64) (float64, bool) {
	if b == 0 {
		return 0, false
	}
	return a / b, true
}

// finite reports whether v is neither NaN nor infinite.
func finite(v float64) bool { return v-v == 0 }
