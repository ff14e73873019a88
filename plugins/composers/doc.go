// Package composers decides what conversations a dataset has.
//
//	in:  the shape that the user asked for, a generator of contents, named random streams
//	out: conversation i, for any i, in any order
//
// A composer knows no endpoint, no file of the store, and no tokenizer beyond the
// number of tokens that it adds by itself.
package composers

import (
	"math/rand/v2"

	"aiperf/config"
	"aiperf/dataset"
)

// Composer makes conversations. It is safe for concurrent use; a conversation
// depends on its number and on the seed alone.
type Composer interface {
	// Len is the number of conversations, at least 1.
	Len() int
	// Turns is the number of turns of conversation i, without composing it.
	Turns(i int) int
	// Compose makes conversation i.
	Compose(i int) dataset.Conversation
}

// Prompter makes a text of n tokens.
type Prompter interface {
	Text(rng *rand.Rand, n int) string
}

// Config is what a composer is made from.
type Config struct {
	Dataset config.Dataset
	Models  config.Models
	Prompts Prompter
	// SpecialTokens is what the tokenizer adds to every sequence; prompts are that much
	// shorter, so that the length on the wire is the one asked for.
	SpecialTokens int
	Seeds         dataset.Seeds
	// Seeded says that the user chose the seed: session ids are then numbers.
	Seeded bool
}

// Constructor makes a composer; plugins of category "dataset_composer" register one.
type Constructor = func(Config) (Composer, error)
