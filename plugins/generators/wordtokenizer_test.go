package generators

import "strings"

// wordTokenizer is a toy vocabulary with merges across borders: a token is a word
// with the space before it, and "the" after "of" joins it.
type wordTokenizer struct {
	ids   map[string]int
	words []string
}

func newWordTokenizer() *wordTokenizer { return &wordTokenizer{ids: map[string]int{}} }

func (w *wordTokenizer) Encode(text string) []int {
	var ids []int
	for _, word := range strings.SplitAfter(strings.ReplaceAll(text, " of the", " of_the"), " ") {
		if word == "" {
			continue
		}
		id, known := w.ids[word]
		if !known {
			id = len(w.words)
			w.ids[word], w.words = id, append(w.words, word)
		}
		ids = append(ids, id)
	}
	return ids
}

func (w *wordTokenizer) Decode(ids []int) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(strings.ReplaceAll(w.words[id], "_", " "))
	}
	return b.String()
}

func (w *wordTokenizer) VocabSize() int { return len(w.words) }

func (w *wordTokenizer) Count(text string) int { return len(w.Encode(text)) }

// drifting never counts what it encoded: repairing a length must end all the same.
type drifting struct{ *wordTokenizer }

func (d drifting) Count(text string) int { return d.wordTokenizer.Count(text) + 1 }
