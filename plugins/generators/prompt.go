package generators

import (
	"fmt"
	"math/rand/v2"

	"aiperf/plugins"
)

func init() { plugins.Register("generator", "aiperf.generators:Prompt", Constructor(NewPrompt)) }

// CorpusSonnet is the corpus of Shakespeare's sonnets.
const CorpusSonnet = "sonnet"

// Prompt cuts prompts of exact length out of a corpus.
type Prompt struct {
	tokenizer Tokenizer
	corpus    *corpus
}

// NewPrompt encodes the corpus; its order is the stream "dataset.prompt.corpus".
func NewPrompt(c Config) (Generator, error) {
	if c.Corpus != "" && c.Corpus != CorpusSonnet {
		return nil, fmt.Errorf("prompt corpus: want %s, got %q", CorpusSonnet, c.Corpus)
	}
	return &Prompt{c.Tokenizer, newCorpus(sonnets, c.Tokenizer.Encode, c.Seeds.Stream("dataset.prompt.corpus"))}, nil
}

// mostRounds bounds the repair of a length.
const mostRounds = 10

// Text is a window of the corpus with a random start. Ids that stood inside a
// longer text may encode differently at its border, so the text is encoded again,
// and cut or lengthened until its count is right.
//
// hot: once per synthetic turn. BenchmarkText.
func (p *Prompt) Text(rng *rand.Rand, n int) string {
	if n < 1 {
		return ""
	}
	ids := p.window(make([]int, 0, n), rng, n)
	for round := 1; ; round++ {
		text := p.tokenizer.Decode(ids)
		if round == mostRounds || p.tokenizer.Count(text) == n {
			return text
		}
		if ids = p.tokenizer.Encode(text); len(ids) > n {
			ids = ids[:n]
		} else {
			ids = p.window(ids, rng, n-len(ids))
		}
	}
}

func (p *Prompt) window(ids []int, rng *rand.Rand, n int) []int {
	return p.corpus.appendWindow(ids, rng.IntN(p.corpus.size()), n)
}
