package arrivals

import (
	"fmt"
	"math"
	"time"
)

// RateRamp is a rate that grows evenly from a start to its target, and stays there.
// Its unit is requests/s.
type RateRamp struct {
	StartPerSec, TargetPerSec float64
	DurationSec               float64
}

// Count is how many requests are due in the first seconds of the phase: the integral
// of the rate.
func (r RateRamp) Count(sec float64) float64 {
	if sec <= r.DurationSec {
		return r.StartPerSec*sec + (r.TargetPerSec-r.StartPerSec)/r.DurationSec*sec*sec/2
	}
	return r.whole() + (sec-r.DurationSec)*r.TargetPerSec
}

// whole is the count at the end of the ramp.
func (r RateRamp) whole() float64 { return (r.StartPerSec + r.TargetPerSec) / 2 * r.DurationSec }

// when is the inverse of Count.
func (r RateRamp) when(count float64) (sec float64) {
	if end := r.whole(); count > end {
		return r.DurationSec + (count-end)/r.TargetPerSec
	}
	if count <= 0 {
		return 0
	}
	// The root of the quadratic in the form that cancels nothing when the slope is small.
	slope := (r.TargetPerSec - r.StartPerSec) / r.DurationSec
	return 2 * count / (r.StartPerSec + math.Sqrt(r.StartPerSec*r.StartPerSec+2*slope*count))
}

// Ramped draws a pattern at a rate of 1/s and stretches its time, so that the number of
// requests follows the integral of the ramp, whatever the spread of the gaps.
type Ramped struct {
	unit Pattern
	ramp RateRamp
}

// NewRamped makes it out of a pattern's constructor; the rate in the configuration is
// not looked at.
func NewRamped(newPattern Constructor, c Config, ramp RateRamp) (*Ramped, error) {
	if err := checkRate(ramp.TargetPerSec); err != nil {
		return nil, err
	}
	if !(ramp.DurationSec > 0) || math.IsInf(ramp.DurationSec, 1) {
		return nil, fmt.Errorf("a ramp takes a time > 0 s, got %g", ramp.DurationSec)
	}
	if !(ramp.StartPerSec >= 0 && ramp.StartPerSec <= ramp.TargetPerSec) {
		return nil, fmt.Errorf("a ramp starts between 0 and its target of %g, got %g", ramp.TargetPerSec, ramp.StartPerSec)
	}
	c.RatePerSec = 1
	unit, err := newPattern(c)
	if err != nil {
		return nil, err
	}
	return &Ramped{unit: unit, ramp: ramp}, nil
}

// Next is the pattern's next moment on the ramp's line of time.
func (r *Ramped) Next() time.Duration { return moment(r.ramp.when(r.unit.Next().Seconds())) }
