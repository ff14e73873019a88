package composers

import (
	"math"
	"math/rand/v2"
)

// mostRedraws bounds how often a value outside of the range is drawn again.
const mostRedraws = 10_000

// positiveNormal draws from a normal distribution cut off below 0. A deviation of 0
// is the mean itself.
func positiveNormal(rng *rand.Rand, mean, stddev float64) float64 {
	if stddev <= 0 {
		return max(0, mean)
	}
	for range mostRedraws {
		if x := mean + stddev*rng.NormFloat64(); x >= 0 {
			return x
		}
	}
	return max(0, mean)
}

// positiveInt is positiveNormal as a whole number of at least 1: a constant is
// rounded, half to even, a draw is rounded up.
func positiveInt(rng *rand.Rand, mean, stddev float64) int {
	if stddev <= 0 {
		return max(1, int(math.RoundToEven(mean)))
	}
	return max(1, int(math.Ceil(positiveNormal(rng, mean, stddev))))
}
