// Package urlselection holds the strategies that give each session one of several
// endpoint URLs.
package urlselection

import (
	"errors"

	"aiperf/plugins"
)

func init() {
	plugins.Register("url_selection_strategy", "aiperf.urlselection:RoundRobin", NewRoundRobin)
}

// Selector yields an index into the URL list for each session that starts.
type Selector interface{ Next() int }

// Constructor makes a selector over a number of URLs, at least 1.
type Constructor = func(urls int) (Selector, error)

// RoundRobin takes them in turn, from the first.
type RoundRobin struct{ n, next int }

// NewRoundRobin makes it.
func NewRoundRobin(urls int) (Selector, error) {
	if urls < 1 {
		return nil, errors.New("select URL: there is none")
	}
	return &RoundRobin{n: urls}, nil
}

// Next is 0, 1, … n−1, 0, …
func (r *RoundRobin) Next() int {
	i := r.next
	r.next = (r.next + 1) % r.n
	return i
}
