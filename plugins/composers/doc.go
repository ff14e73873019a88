// Package composers decides what conversations a dataset has.
//
//	in:  the shape that the user asked for, generators of contents, named random streams
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
	Compose(i int) (dataset.Conversation, error)
}

// Prompter makes texts.
type Prompter interface {
	// Text has n tokens.
	Text(rng *rand.Rand, n int) string
	// Prefix is n tokens that texts may begin with.
	Prefix(rng *rand.Rand, n int) []int
	// TextAfter begins with a prefix and has n tokens more.
	TextAfter(rng *rand.Rand, prefix []int, n int) string
}

// Imager makes the number-th picture of the dataset, as a data URL.
type Imager interface {
	Image(number int) (string, error)
}

// Sounder makes the number-th sound of the dataset, as `<format>,<base64>`.
type Sounder interface {
	Sound(number int) (content string, seconds float64)
}

// Config is what a composer is made from.
type Config struct {
	Dataset config.Dataset
	Models  config.Models
	Prompts Prompter // nil: no texts
	Images  Imager   // nil: no pictures
	Sounds  Sounder  // nil: no sound
	// SpecialTokens is what the tokenizer adds to every sequence; prompts are that much
	// shorter, so that the length on the wire is the one asked for.
	SpecialTokens int
	// FixedTokens and MessageTokens are what the model's chat template adds to a
	// conversation and to each message; prompts are shorter by that too.
	FixedTokens, MessageTokens int
	Seeds                      dataset.Seeds
	// Seeded says that the user chose the seed: session ids are then numbers.
	Seeded bool
}

// Constructor makes a composer; plugins of category "dataset_composer" register one.
type Constructor = func(Config) (Composer, error)
