package generators

import (
	"math/rand/v2"
	"strings"
)

// fillers end a text: short words, of which most vocabularies have one as one token.
var fillers = []string{" a", " I", " to", ",", ".", "a", " of the"}

// fromWords makes a text of n tokens out of the words of the verse. It is for tokenizers
// whose decoder does not give back what was encoded, so that cutting ids leads nowhere: here
// the text is cut, and only counted.
func (p *Prompt) fromWords(rng *rand.Rand, n int) (text string, exact bool) {
	words := strings.Fields(sonnets)
	start := rng.IntN(len(words))
	first := func(k int) string {
		var b strings.Builder
		for i := range k {
			b.WriteString(words[(start+i)%len(words)])
			b.WriteByte(' ')
		}
		return strings.TrimSuffix(b.String(), " ")
	}
	// The most words that are not too many: doubling, then halving the step.
	low, step := 0, 1
	for p.tokenizer.Count(first(low+step)) <= n && step < 1<<30 {
		low += step
		step *= 2
	}
	for ; step > 0; step /= 2 {
		if p.tokenizer.Count(first(low+step)) <= n {
			low += step
		}
	}
	text = first(low)
	for count := p.tokenizer.Count(text); count < n; {
		longer := ""
		for _, filler := range fillers {
			if k := p.tokenizer.Count(text + filler); k > count && k <= n {
				longer, count = text+filler, k
				break
			}
		}
		if longer == "" {
			return text, false
		}
		text = longer
	}
	return text, p.tokenizer.Count(text) == n
}
