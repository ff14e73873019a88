// Package loaders reads datasets from files.
//
//	in:  a file or a folder, the settings of the run
//	out: conversation i, for any i, in any order
//
// A file is mapped and read twice: an index pass checks every row, on all cores, and
// remembers where it lies; a conversation is made of its rows when somebody asks for it. So
// a file may be larger than memory, and a mistake in its last row is found before the first
// request. A loader knows no endpoint, no tokenizer and no store; whoever wants texts of a
// given length hands in what makes them.
package loaders

import (
	"math/rand/v2"

	"aiperf/config"
	"aiperf/dataset"
)

// Set is what a file holds. It is safe for concurrent use; a conversation depends on its
// number, the file and the seed alone.
type Set interface {
	// Len is the number of conversations, at least 1.
	Len() int
	// Turns is the number of turns of conversation i, without making it.
	Turns(i int) int
	// Compose makes conversation i.
	Compose(i int) (dataset.Conversation, error)
	// Facts describe the whole.
	Facts() Facts
}

// Outliner is a set that knows names and times without making conversations. It is false
// where it does not.
type Outliner interface {
	Outline(i int, o *dataset.Outline) bool
}

// Facts are what a run plans by.
type Facts struct {
	Type          string
	Rows          int // that are used
	Conversations int // that can be sampled: those that no other starts
	Turns         int
	// FirstTimed: the first record says when it goes.
	FirstTimed bool
	// Synthesised: some texts are given by their length.
	Synthesised bool
	// Whole: bodies are sent as they are.
	Whole bool
	// Isolated: no request depends on the answer to another.
	Isolated bool
	// Trace: the file is a record of what others sent, with its times.
	Trace bool
	// Dropped are rows that the limits of the run leave out.
	Dropped int
	// BlockSize is the tokens of a hash id.
	BlockSize int
	Warnings  []string
}

// Prompter makes texts of a length in tokens.
type Prompter interface {
	Text(rng *rand.Rand, n int) (string, error)
	// Blocks makes a text out of blocks that texts share, each named by an id.
	Blocks(rng *rand.Rand, trace string, length int, ids []int64) (string, error)
}

// Config is what a loader is made from.
type Config struct {
	Dataset config.Dataset
	Models  config.Models
	// Prompts is nil where files are only checked.
	Prompts Prompter
	Seeds   dataset.Seeds
	Seeded  bool
	// SystemMessages: the endpoint carries a system message apart from the turns.
	SystemMessages bool
	// BlockSize is the tokens of a hash id.
	BlockSize int
}

// Constructor makes a set of a source; plugins of category "custom_dataset_loader" register
// one. An error is Problems where the file is to blame.
type Constructor = func(*Source, Config) (Set, error)
