// Package generators makes the contents of synthetic turns: texts of an exact number of
// tokens, blocks of a trace, pictures and sound.
//
//	in:  a tokenizer, named random streams, an embedded corpus, a directory of pictures
//	out: texts, data URLs
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
	// Prefix makes the ids of a text of n tokens that other texts may begin with.
	Prefix(rng *rand.Rand, n int) []int
	// TextAfter makes a text of len(prefix)+n tokens that begins with a prefix.
	TextAfter(rng *rand.Rand, prefix []int, n int) string
}

// Tokenizer is what a text's length is measured with. It is safe for concurrent use.
type Tokenizer interface {
	Encode(text string) []int
	Decode(ids []int) string
	Count(text string) int
	VocabSize() int
}

// Config is what a generator is made from.
type Config struct {
	Tokenizer Tokenizer
	Corpus    string // sonnet, coding, random
	// CorpusStyle says which tokens the random corpus is made of: vllm leaves out special ones.
	CorpusStyle string
	Seeds       dataset.Seeds
}

// Constructor makes a generator; plugins of category "generator" register one.
type Constructor = func(Config) (Generator, error)
