package timing

import (
	"math"
	"sort"
	"time"
)

// limitRamp raises a limit from 1 by one at each of its steps, which count from the start of
// the phase.
type limitRamp []time.Duration

// at is the limit after a time, and when it next changes; never is math.MaxInt64.
func (r limitRamp) at(elapsed time.Duration) (limit int, next time.Duration) {
	done := sort.Search(len(r), func(i int) bool { return r[i] > elapsed })
	if done == len(r) {
		return done + 1, math.MaxInt64
	}
	return done + 1, r[done]
}
