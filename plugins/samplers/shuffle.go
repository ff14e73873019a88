package samplers

import (
	"math/rand/v2"

	"aiperf/plugins"
)

func init() { plugins.Register("dataset_sampler", "aiperf.samplers:Shuffle", NewShuffle) }

// Shuffle draws without replacement: a permutation of the dataset, and a new one
// each time it is exhausted.
type Shuffle struct {
	order []int
	at    int
	rng   *rand.Rand
}

// NewShuffle makes it.
func NewShuffle(c Config) (Sampler, error) {
	if c.Conversations < 1 {
		return nil, errEmpty
	}
	s := &Shuffle{order: make([]int, c.Conversations), rng: c.Rand}
	for i := range s.order {
		s.order[i] = i
	}
	s.at = len(s.order)
	return s, nil
}

// Next walks the permutation.
func (s *Shuffle) Next() int {
	if s.at == len(s.order) {
		s.rng.Shuffle(len(s.order), func(i, j int) { s.order[i], s.order[j] = s.order[j], s.order[i] })
		s.at = 0
	}
	i := s.order[s.at]
	s.at++
	return i
}
