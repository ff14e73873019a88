package mockserver

import (
	"hash/maphash"
	"sync"
	"unicode"
)

// counter counts the tokens of prompts. Prompts repeat, and a tokenizer's work on
// one costs more than the rest of its request, so counts are remembered. It is safe
// for concurrent use.
type counter struct {
	count func(string) int
	seed  maphash.Seed
	mu    sync.RWMutex
	known map[countKey]int
}

type countKey struct {
	hash uint64
	size int
}

// maxKnownCounts bounds the memory; when it is full, counting starts over.
const maxKnownCounts = 1 << 16

func newCounter(count func(string) int) *counter {
	return &counter{count: count, seed: maphash.MakeSeed(), known: map[countKey]int{}}
}

func (c *counter) tokens(text string) int {
	if text == "" {
		return 0
	}
	if c.count == nil {
		return pieces(text)
	}
	key := countKey{maphash.String(c.seed, text), len(text)}
	c.mu.RLock()
	n, ok := c.known[key]
	c.mu.RUnlock()
	if ok {
		return n
	}
	n = c.count(text)
	c.mu.Lock()
	if len(c.known) >= maxKnownCounts {
		clear(c.known)
	}
	c.known[key] = n
	c.mu.Unlock()
	return n
}

// pieces counts what white space separates.
func pieces(text string) (n int) {
	inside := false
	for _, r := range text {
		space := unicode.IsSpace(r)
		if !space && !inside {
			n++
		}
		inside = !space
	}
	return n
}
