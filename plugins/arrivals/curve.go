package arrivals

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"time"

	"aiperf/messages"
)

// RatePoint is a rate at an instant of the phase.
type RatePoint = messages.RatePoint

func point(sec, perSec float64) RatePoint { return RatePoint{Sec: sec, PerSec: perSec} }

// Curve is a rate that changes in time: linear between its points, the first one's rate
// before them and the last one's behind. Two points of one instant are a step.
type Curve struct {
	points []RatePoint
	counts []float64 // requests due up to each point
}

// NewCurve makes it. Instants never go back, rates are from 0 on, and the last is above it.
func NewCurve(points []RatePoint) (Curve, error) {
	c := Curve{points: points, counts: make([]float64, len(points))}
	if len(points) == 0 {
		return c, fmt.Errorf("a curve of the rate needs a point")
	}
	for i, p := range points {
		switch {
		case !(p.Sec >= 0) || math.IsInf(p.Sec, 1):
			return c, fmt.Errorf("point %d: an instant from 0 s on, got %g", i, p.Sec)
		case !(p.PerSec >= 0) || math.IsInf(p.PerSec, 1):
			return c, fmt.Errorf("point %d: a rate from 0 on, got %g", i, p.PerSec)
		case i > 0 && p.Sec < points[i-1].Sec:
			return c, fmt.Errorf("point %d: goes back in time, to %g s", i, p.Sec)
		}
		if i == 0 {
			c.counts[0] = p.Sec * p.PerSec
		} else {
			c.counts[i] = c.counts[i-1] + (p.Sec-points[i-1].Sec)*(p.PerSec+points[i-1].PerSec)/2
		}
	}
	return c, checkRate(points[len(points)-1].PerSec)
}

// Points are those that it was made of.
func (c Curve) Points() []RatePoint { return c.points }

// Count is how many requests are due in the first seconds of the phase: the integral of the
// rate.
func (c Curve) Count(sec float64) float64 {
	i := sort.Search(len(c.points), func(i int) bool { return c.points[i].Sec > sec }) // the first point behind
	if i == 0 {
		return c.points[0].PerSec * sec
	}
	from := c.points[i-1]
	t := sec - from.Sec
	if i == len(c.points) {
		return c.counts[i-1] + t*from.PerSec
	}
	to := c.points[i]
	return c.counts[i-1] + t*from.PerSec + (to.PerSec-from.PerSec)/(to.Sec-from.Sec)*t*t/2
}

// when is the inverse of Count.
func (c Curve) when(count float64) (sec float64) {
	if count <= 0 {
		return 0
	}
	i := sort.Search(len(c.counts), func(i int) bool { return c.counts[i] > count })
	if i == 0 {
		return count / c.points[0].PerSec
	}
	from, left := c.points[i-1], count-c.counts[i-1]
	if i == len(c.points) {
		return from.Sec + left/from.PerSec
	}
	// The root of the quadratic in the form that cancels nothing when the slope is small.
	to := c.points[i]
	slope := (to.PerSec - from.PerSec) / (to.Sec - from.Sec)
	return from.Sec + 2*left/(from.PerSec+math.Sqrt(max(0, from.PerSec*from.PerSec+2*slope*left)))
}

// Strategies of ramps.
const (
	RampLinear      = "linear"
	RampExponential = "exponential" // slowly at first: the square of the time
	RampPoisson     = "poisson"     // in steps at random instants
)

// Ramp is a value that grows from a start to a target in a time.
type Ramp struct {
	Strategy      string // "" is RampLinear
	Start, Target float64
	DurationSec   float64
	StepSec       float64    // of an exponential rate, which is linear inside each
	Rand          *rand.Rand // of RampPoisson
}

const exponent = 2

func (r Ramp) check() error {
	switch {
	case checkRate(r.Target) != nil:
		return checkRate(r.Target)
	case !(r.DurationSec > 0) || math.IsInf(r.DurationSec, 1):
		return fmt.Errorf("a ramp takes a time > 0 s, got %g", r.DurationSec)
	case !(r.Start >= 0 && r.Start <= r.Target):
		return fmt.Errorf("a ramp starts between 0 and its target of %g, got %g", r.Target, r.Start)
	}
	return nil
}

// Rate is the ramp as a curve of a rate.
func (r Ramp) Rate() ([]RatePoint, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	switch r.Strategy {
	case "", RampLinear:
		return []RatePoint{point(0, r.Start), point(r.DurationSec, r.Target)}, nil
	case RampExponential:
		steps := int(math.Ceil(r.DurationSec / max(r.StepSec, r.DurationSec/100_000)))
		points := make([]RatePoint, 0, steps+1)
		for i := range steps + 1 {
			p := float64(i) / float64(steps)
			points = append(points, point(r.DurationSec*p, r.Start+(r.Target-r.Start)*math.Pow(p, exponent)))
		}
		return points, nil
	case RampPoisson:
		points := []RatePoint{point(0, r.Start)}
		events := r.events(r.Target - r.Start)
		for i, at := range events {
			before := points[len(points)-1].PerSec
			points = append(points, point(at, before), point(at, r.Start+(r.Target-r.Start)*float64(i+1)/float64(len(events))))
		}
		return points, nil
	}
	return nil, fmt.Errorf("a ramp is linear, exponential or poisson, got %s", r.Strategy)
}

// events are the instants of a poisson ramp: gaps at the rate at which the value grows, drawn
// until they are beyond its time, and scaled so that the last is its end.
func (r Ramp) events(distance float64) (at []float64) {
	if distance <= 0 {
		return []float64{r.DurationSec}
	}
	sum := 0.0
	for sum <= r.DurationSec {
		sum += r.Rand.ExpFloat64() * r.DurationSec / distance
		at = append(at, sum)
	}
	for i := range at {
		at[i] *= r.DurationSec / sum
	}
	return at
}

// Steps are the instants at which a limit grows by one, from 1 to its target.
func (r Ramp) Steps() ([]time.Duration, error) {
	r.Start = 1
	if err := r.check(); err != nil {
		return nil, err
	}
	n := int(r.Target) - 1
	steps := make([]time.Duration, n)
	var events []float64
	if r.Strategy == RampPoisson && n > 0 {
		events = r.events(float64(n))
	}
	for k := range steps {
		p := float64(k+1) / float64(n)
		switch r.Strategy {
		case "", RampLinear:
			steps[k] = moment(r.DurationSec * p)
		case RampExponential:
			steps[k] = moment(r.DurationSec * math.Pow(p, 1.0/exponent))
		case RampPoisson: // the first event by which that much of the way is made
			steps[k] = moment(events[min(len(events)-1, int(math.Ceil(p*float64(len(events))))-1)])
		default:
			return nil, fmt.Errorf("a ramp is linear, exponential or poisson, got %s", r.Strategy)
		}
	}
	return steps, nil
}

// Curved draws a pattern at a rate of 1/s and stretches its time, so that the number of
// requests follows the integral of the curve, whatever the spread of the gaps.
type Curved struct {
	unit  Pattern
	curve Curve
}

// NewCurved makes it out of a pattern's constructor; the rate in the configuration is not
// looked at.
func NewCurved(newPattern Constructor, c Config, curve Curve) (*Curved, error) {
	c.RatePerSec = 1
	unit, err := newPattern(c)
	if err != nil {
		return nil, err
	}
	return &Curved{unit, curve}, nil
}

// Next is the pattern's next moment on the curve's line of time.
func (c *Curved) Next() time.Duration { return moment(c.curve.when(c.unit.Next().Seconds())) }
