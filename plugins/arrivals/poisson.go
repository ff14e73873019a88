package arrivals

import (
	"errors"
	"math/rand/v2"
	"time"

	"aiperf/plugins"
)

func init() { plugins.Register("arrival_pattern", "aiperf.arrivals:Poisson", NewPoisson) }

// Poisson has independent, exponentially distributed gaps of mean 1/rate: the
// arrivals of many users who do not know of one another.
type Poisson struct {
	rate  float64
	rng   *rand.Rand
	atSec float64
}

// NewPoisson makes it; the rate must be above 0.
func NewPoisson(c Config) (Pattern, error) {
	if err := checkRate(c.RatePerSec); err != nil {
		return nil, err
	}
	if c.Rand == nil {
		return nil, errors.New("poisson arrivals need a random stream")
	}
	return &Poisson{rate: c.RatePerSec, rng: c.Rand}, nil
}

// Next adds one exponential gap.
func (p *Poisson) Next() time.Duration {
	p.atSec += p.rng.ExpFloat64() / p.rate
	return moment(p.atSec)
}
