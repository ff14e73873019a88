package samplers

import "aiperf/plugins"

func init() { plugins.Register("dataset_sampler", "aiperf.samplers:Sequential", NewSequential) }

// Sequential goes through the dataset in order and starts over at the end.
type Sequential struct{ n, next int }

// NewSequential makes it.
func NewSequential(c Config) (Sampler, error) {
	if c.Conversations < 1 {
		return nil, errEmpty
	}
	return &Sequential{n: c.Conversations}, nil
}

// Next is 0, 1, … n−1, 0, …
func (s *Sequential) Next() int {
	i := s.next
	s.next = (s.next + 1) % s.n
	return i
}
