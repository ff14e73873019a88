// Package arrivals holds the arrival patterns: pure functions from a random stream
// to the moments at which requests are due. A pattern holds no clock and no
// goroutine.
package arrivals

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Pattern yields the moment each credit is due, measured from the start of its
// phase. Moments never go backwards. Moments are computed from the start, not from
// the one before, so that rounding does not add up.
type Pattern interface {
	Next() time.Duration
}

// Config is what a pattern is made from.
type Config struct {
	RatePerSec float64    // requests/s; unused by concurrency_burst
	Smoothness float64    // of gamma: the shape of its gaps; 0 = 1
	Rand       *rand.Rand // the pattern's own stream
}

// Constructor makes a pattern; plugins of category "arrival_pattern" register one.
type Constructor = func(Config) (Pattern, error)

// checkRate refuses rates that have no interval.
func checkRate(rate float64) error {
	if rate > 0 && !math.IsInf(rate, 1) {
		return nil
	}
	return fmt.Errorf("rate must be a number > 0, got %g", rate)
}

// latest is the last moment a pattern names: about 146 years after the start, and
// half of what the type can hold, so that adding it to an instant stays in range.
const latest = time.Duration(math.MaxInt64 / 2)

// moment turns seconds since the start into a moment, to the nearest nanosecond.
func moment(sec float64) time.Duration {
	ns := math.Round(sec * float64(time.Second))
	if ns < float64(latest) {
		return time.Duration(ns)
	}
	return latest
}
