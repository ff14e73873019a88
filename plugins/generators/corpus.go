package generators

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"aiperf/dataset"
)

// Corpora that prompts are cut from.
const (
	CorpusSonnet = "sonnet"
	CorpusCoding = "coding"
	CorpusRandom = "random"
)

// corpus is a text as token ids, from which windows are cut.
type corpus interface {
	size() int
	// appendWindow appends n ids from start on, from the beginning again at the end.
	appendWindow(ids []int, start, n int) []int
}

func newCorpus(c Config) (corpus, error) {
	switch c.Corpus {
	case "", CorpusSonnet:
		return newVerse(sonnets, c.Tokenizer.Encode, c.Seeds.Stream("dataset.prompt.corpus")), nil
	case CorpusCoding:
		return newCoding(c)
	case CorpusRandom:
		return newVocabulary(c)
	}
	return nil, fmt.Errorf("prompt corpus: want %s, %s or %s, got %q", CorpusSonnet, CorpusCoding, CorpusRandom, c.Corpus)
}

// ring is a corpus written out.
type ring []int

func (r ring) size() int { return len(r) }

func (r ring) appendWindow(ids []int, start, n int) []int {
	for n > 0 {
		k := min(n, len(r)-start)
		ids = append(ids, r[start:start+k]...)
		n, start = n-k, 0
	}
	return ids
}

// special is a tokenizer that knows which ids are no text.
type special interface{ IsSpecial(id int) bool }

// newVocabulary is the corpus of random tokens: all ids one after another that stand for
// a text of their own, so that a window of them counts as it was cut.
func newVocabulary(c Config) (corpus, error) {
	isSpecial := func(id int, text string) bool {
		return strings.HasPrefix(text, "<|") && strings.HasSuffix(text, "|>")
	}
	if s, knows := c.Tokenizer.(special); knows {
		isSpecial = func(id int, _ string) bool { return s.IsSpecial(id) }
	}
	var pool ring
	one := make([]int, 1)
	for id := range c.Tokenizer.VocabSize() {
		one[0] = id
		text := c.Tokenizer.Decode(one)
		if text == "" || !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) {
			continue // a part of a character, or no token
		}
		if c.CorpusStyle != dataset.StyleSGLang && isSpecial(id, text) {
			continue
		}
		pool = append(pool, id)
	}
	if len(pool) == 0 {
		return nil, fmt.Errorf("prompt corpus random: no token of the vocabulary is a text by itself")
	}
	return pool, nil
}
