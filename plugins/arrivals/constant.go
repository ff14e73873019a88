package arrivals

import (
	"time"

	"aiperf/plugins"
)

func init() { plugins.Register("arrival_pattern", "aiperf.arrivals:Constant", NewConstant) }

// Constant has equal gaps of 1/rate. The n-th moment is n/rate, so the first
// request leaves one gap after the start.
type Constant struct {
	rate float64
	n    int64
}

// NewConstant makes it; the rate must be above 0.
func NewConstant(c Config) (Pattern, error) {
	if err := checkRate(c.RatePerSec); err != nil {
		return nil, err
	}
	return &Constant{rate: c.RatePerSec}, nil
}

// Next returns n/rate for n = 1, 2, 3, …
func (c *Constant) Next() time.Duration {
	c.n++
	return moment(float64(c.n) / c.rate)
}
