package samplers

import (
	"math/rand/v2"

	"aiperf/plugins"
)

func init() { plugins.Register("dataset_sampler", "aiperf.samplers:Random", NewRandom) }

// Random draws uniformly, with replacement.
type Random struct {
	n   int
	rng *rand.Rand
}

// NewRandom makes it.
func NewRandom(c Config) (Sampler, error) {
	if c.Conversations < 1 {
		return nil, errEmpty
	}
	return &Random{n: c.Conversations, rng: c.Rand}, nil
}

// Next is uniform in [0, n).
func (r *Random) Next() int { return r.rng.IntN(r.n) }
