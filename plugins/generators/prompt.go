package generators

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"aiperf/plugins"
)

func init() { plugins.Register("generator", "aiperf.generators:Prompt", Constructor(NewPrompt)) }

// Prompt cuts prompts of exact length out of a corpus.
type Prompt struct {
	tokenizer Tokenizer
	corpus    corpus
}

// NewPrompt encodes the corpus; its order is the stream "dataset.prompt.corpus".
func NewPrompt(c Config) (Generator, error) {
	corpus, err := newCorpus(c)
	if err != nil {
		return nil, err
	}
	return &Prompt{c.Tokenizer, corpus}, nil
}

const (
	// mostRounds bounds the repair of one window's length.
	mostRounds = 10
	// mostWindows bounds how many windows are tried. One that cannot be repaired, because
	// its parts join and fall apart in turn, is rare; several in a row are not met but with
	// decoders that give back another text, for which the second half is made of words.
	mostWindows = 6
)

// Text is a window of the corpus with a random start. Ids that stood inside a
// longer text may encode differently at its border, so the text is encoded again,
// and cut or lengthened until its count is right.
//
// hot: once per synthetic turn. BenchmarkText.
func (p *Prompt) Text(rng *rand.Rand, n int) string { return p.TextAfter(rng, nil, n) }

// Prefix is the ids of a Text, as the tokenizer sees it.
func (p *Prompt) Prefix(rng *rand.Rand, n int) []int { return p.tokenizer.Encode(p.Text(rng, n)) }

// TextAfter joins a prefix and a window token by token; the window alone is repaired.
func (p *Prompt) TextAfter(rng *rand.Rand, prefix []int, n int) string {
	n += len(prefix)
	if n < 1 {
		return ""
	}
	text := ""
	for try := range mostWindows {
		ids := append(make([]int, 0, n+n/8), prefix...)
		exact := false
		if text, exact = p.repair(rng, p.window(ids, rng, n-len(ids)), n); exact {
			break
		}
		if try < mostWindows/2 || prefix != nil {
			continue
		}
		if words, exact := p.fromWords(rng, n); exact {
			return words
		}
	}
	return text
}

// repair makes a text of n tokens from about as many ids.
func (p *Prompt) repair(rng *rand.Rand, ids []int, n int) (text string, exact bool) {
	for range mostRounds {
		before := len(ids)
		text = p.tokenizer.Decode(ids)
		if !utf8.ValidString(text) { // a request cannot carry half a character
			text = strings.ToValidUTF8(text, "")
		}
		if p.tokenizer.Count(text) == n {
			return text, true
		}
		if ids = p.tokenizer.Encode(text); len(ids) > n {
			if len(ids) > before+before/2+8 {
				return text, false // the decoder does not give back what was encoded
			}
			ids = ids[:n]
		} else {
			ids = p.window(ids, rng, n-len(ids))
		}
	}
	return text, false
}

func (p *Prompt) window(ids []int, rng *rand.Rand, n int) []int {
	return p.corpus.appendWindow(ids, rng.IntN(p.corpus.size()), n)
}
