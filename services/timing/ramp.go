package timing

import (
	"math"
	"time"
)

// limitRamp raises a limit from 1 to its target in steps of 1, evenly over a time that
// begins with the phase.
type limitRamp struct {
	target   int
	duration time.Duration
}

// at is the limit after a time, and when it next changes; never is math.MaxInt64.
func (r *limitRamp) at(elapsed time.Duration) (limit int, next time.Duration) {
	steps := r.target - 1
	if elapsed >= r.duration || steps < 1 {
		return r.target, math.MaxInt64
	}
	done := min(steps, int(float64(elapsed)/float64(r.duration)*float64(steps)))
	for done > 0 && r.step(done) > elapsed { // the estimate may be one off by rounding
		done--
	}
	for done < steps && r.step(done+1) <= elapsed {
		done++
	}
	if done == steps {
		return r.target, math.MaxInt64
	}
	return done + 1, r.step(done + 1)
}

// step is when the n-th step is made.
func (r *limitRamp) step(n int) time.Duration {
	return time.Duration(math.Round(float64(r.duration) * float64(n) / float64(r.target-1)))
}
