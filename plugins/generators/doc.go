// Package generators makes the contents of synthetic turns.
//
//	in:  a tokenizer, named random streams, an embedded corpus
//	out: texts of an exact number of tokens
//
// A generator knows no conversation and no endpoint. What it makes follows from its
// arguments and the seed alone, so any number of goroutines may ask in any order.
package generators

import (
	"math/rand/v2"

	"aiperf/dataset"
)

// Generator makes text. It is safe for concurrent use.
type Generator interface {
	// Text makes a text of n tokens, n ≥ 1, with the chance that rng gives.
	Text(rng *rand.Rand, n int) string
}

// Tokenizer is what a text's length is measured with. It is safe for concurrent use.
type Tokenizer interface {
	Encode(text string) []int
	Decode(ids []int) string
	Count(text string) int
}

// Config is what a generator is made from.
type Config struct {
	Tokenizer Tokenizer
	Corpus    string // sonnet
	Seeds     dataset.Seeds
}

// Constructor makes a generator; plugins of category "generator" register one.
type Constructor = func(Config) (Generator, error)
