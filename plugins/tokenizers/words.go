package tokenizers

import "unicode/utf8"

// wordPiece spells a word by its longest beginnings; those after the first bear a prefix.
type wordPiece struct {
	lex     *lexicon
	prefix  string
	unknown int
	most    int // characters of a word that is looked at
}

// encode appends the ids of a word; a word that cannot be spelled is one unknown.
//
// hot: once per word. Budget: no allocation once w has grown.
func (m *wordPiece) encode(dst []uint32, w *work, word string) []uint32 {
	if utf8.RuneCountInString(word) > m.most {
		return m.give(dst)
	}
	start := len(dst)
	for from := 0; from < len(word); {
		id, end := m.longest(w, word, from)
		if id < 0 {
			return m.give(dst[:start])
		}
		dst = append(dst, uint32(id))
		from = end
	}
	return dst
}

func (m *wordPiece) give(dst []uint32) []uint32 {
	if m.unknown < 0 {
		return dst
	}
	return append(dst, uint32(m.unknown))
}

func (m *wordPiece) longest(w *work, word string, from int) (id, end int) {
	w.text = w.text[:0]
	if from > 0 {
		w.text = append(w.text, m.prefix...)
	}
	head := len(w.text)
	w.text = append(w.text, word[from:]...)
	for end := len(word); end > from; {
		if id := m.lex.find(w.text[:head+end-from]); id >= 0 {
			return id, end
		}
		_, n := utf8.DecodeLastRuneInString(word[from:end])
		end -= n
	}
	return -1, from
}

// wordLevel knows whole words only.
type wordLevel struct {
	lex     *lexicon
	unknown int
}

func (m *wordLevel) encode(dst []uint32, _ *work, word string) []uint32 {
	id := m.lex.find(bytesOf(word))
	if id < 0 {
		id = m.unknown
	}
	if id < 0 {
		return dst
	}
	return append(dst, uint32(id))
}
