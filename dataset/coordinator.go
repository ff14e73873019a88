package dataset

import (
	"math"
	"math/rand/v2"
)

// Coordinator makes a conversation one that sends nothing itself: its turns only start
// others, and wait for them. Round i is turn i; the last turn waits for the last round.
type Coordinator struct {
	// ThinkMS is the pause before each round; missing ones are none.
	ThinkMS []float64 `json:"think_time_ms,omitempty"`
	// Sigma spreads the pauses: log-normal around ThinkMS as the median, between MinMS and
	// MaxMS. 0 spreads nothing.
	Sigma float64  `json:"sigma,omitempty"`
	MinMS *float64 `json:"min_ms,omitempty"`
	MaxMS *float64 `json:"max_ms,omitempty"`
}

// Think is the pause before a round. Only a spread one draws from the stream.
func (c *Coordinator) Think(round int, stream func() *rand.Rand) (ms float64) {
	if round >= len(c.ThinkMS) {
		return 0
	}
	if ms = c.ThinkMS[round]; c.Sigma <= 0 || ms <= 0 {
		return ms
	}
	ms *= math.Exp(c.Sigma * stream().NormFloat64())
	if c.MinMS != nil {
		ms = max(ms, *c.MinMS)
	}
	if c.MaxMS != nil {
		ms = min(ms, *c.MaxMS)
	}
	return ms
}
