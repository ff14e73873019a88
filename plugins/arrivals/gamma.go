package arrivals

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"aiperf/plugins"
)

func init() { plugins.Register("arrival_pattern", "aiperf.arrivals:Gamma", NewGamma) }

// Gamma has independent, gamma distributed gaps of mean 1/rate. The smoothness is
// the shape: 1 is poisson, less is bursty, more is regular. The coefficient of
// variation of the gaps is 1/√smoothness.
type Gamma struct {
	meanScale float64 // 1/(rate·smoothness)
	gap       gammaVariate
	atSec     float64
}

// NewGamma makes it; the rate and the smoothness must be above 0. A smoothness of 0
// is one that nobody gave, and counts as 1.
func NewGamma(c Config) (Pattern, error) {
	if err := checkRate(c.RatePerSec); err != nil {
		return nil, err
	}
	if c.Rand == nil {
		return nil, errors.New("gamma arrivals need a random stream")
	}
	shape := c.Smoothness
	if shape == 0 {
		shape = 1
	}
	if !(shape > 0) || math.IsInf(shape, 1) {
		return nil, fmt.Errorf("smoothness must be a number > 0, got %g", shape)
	}
	return &Gamma{meanScale: 1 / (c.RatePerSec * shape), gap: newGammaVariate(shape, c.Rand)}, nil
}

// Next adds one gap.
func (g *Gamma) Next() time.Duration {
	g.atSec += g.gap.draw() * g.meanScale
	return moment(g.atSec)
}

// gammaVariate draws from the gamma distribution of scale 1 by the method of
// Marsaglia and Tsang (2000): a normal variate, cubed and accepted in more than 95 %
// of the draws. A shape below 1 is drawn as shape+1 and scaled down by u^(1/shape).
type gammaVariate struct {
	rng     *rand.Rand
	d, c    float64
	inverse float64 // 1/shape when the shape is below 1, else 0
}

func newGammaVariate(shape float64, rng *rand.Rand) gammaVariate {
	v := gammaVariate{rng: rng}
	if shape < 1 {
		v.inverse = 1 / shape
		shape++
	}
	v.d = shape - 1.0/3
	v.c = 1 / math.Sqrt(9*v.d)
	return v
}

func (v *gammaVariate) draw() float64 {
	x := v.accepted()
	if v.inverse > 0 {
		x *= math.Pow(1-v.rng.Float64(), v.inverse) // 1−u is never 0
	}
	return x
}

// accepted draws until a candidate passes.
func (v *gammaVariate) accepted() float64 {
	for {
		n := v.rng.NormFloat64()
		cubed := 1 + v.c*n
		if cubed <= 0 {
			continue
		}
		cubed = cubed * cubed * cubed
		u := 1 - v.rng.Float64()
		if math.Log(u) < n*n/2+v.d*(1-cubed+math.Log(cubed)) {
			return v.d * cubed
		}
	}
}
