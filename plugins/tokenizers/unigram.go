package tokenizers

import (
	"math"
	"unicode/utf8"
)

// unigram chooses, of all ways to spell a piece in tokens, the most likely one.
type unigram struct {
	lex     *lexicon
	trie    *trie
	scores  []float64 // logarithms, by id
	unknown int       // −1: what has no token is left out
	penalty float64   // the score of an unknown character
	bytes   *[256]int32
}

// unknownPenalty is how much worse than the least likely token an unknown one is.
const unknownPenalty = 10

func newUnigram(lex *lexicon, texts []string, scores []float64, unknown int, bytes *[256]int32) *unigram {
	u := &unigram{lex: lex, trie: newTrie(texts), scores: scores, unknown: unknown, bytes: bytes}
	least := math.Inf(1)
	for _, s := range scores {
		least = min(least, s)
	}
	u.penalty = least - unknownPenalty
	return u
}

// node is the best way to a place in the text.
type node struct {
	from  int32 // where its last token begins; −1: no way yet
	id    int32
	score float64
}

// encode appends the ids of a piece.
//
// hot: once per piece. Budget: no allocation once w has grown.
func (u *unigram) encode(dst []uint32, w *work, piece string) []uint32 {
	if piece == "" {
		return dst
	}
	w.lattice = w.lattice[:0]
	for range len(piece) + 1 {
		w.lattice = append(w.lattice, node{from: -1})
	}
	for i := 0; i < len(piece); {
		_, width := utf8.DecodeRuneInString(piece[i:])
		if i == 0 || w.lattice[i].from >= 0 {
			u.extend(w.lattice, piece, i, width)
		}
		i += width
	}
	return u.trace(dst, w, piece)
}

// extend enters every token that begins at i.
func (u *unigram) extend(lattice []node, piece string, i, width int) {
	here := lattice[i].score
	single := false
	at := uint32(0)
	for k := i; k < len(piece); k++ {
		if at = u.trie.step(at, piece[k]); at == 0 {
			break
		}
		v := u.trie.value[at]
		if v == 0 {
			continue
		}
		end := k + 1
		single = single || end-i == width
		if score := here + u.scores[v-1]; lattice[end].from < 0 || score > lattice[end].score {
			lattice[end] = node{int32(i), int32(v - 1), score}
		}
	}
	if end := i + width; !single {
		if score := here + u.penalty; lattice[end].from < 0 || score > lattice[end].score {
			lattice[end] = node{int32(i), int32(u.unknown), score}
		}
	}
}

// trace follows the best way back; neighbouring unknowns are one.
func (u *unigram) trace(dst []uint32, w *work, piece string) []uint32 {
	start := len(dst)
	for end := len(piece); end > 0; {
		n := w.lattice[end]
		from := int(n.from)
		if int(n.id) == u.unknown {
			for from > 0 && int(w.lattice[from].id) == u.unknown {
				from = int(w.lattice[from].from)
			}
			dst = u.spell(dst, piece[from:end])
		} else {
			dst = append(dst, uint32(n.id))
		}
		end = from
	}
	for i, j := start, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
	return dst
}

// spell appends an unknown text, backwards: as bytes, or as the unknown token.
func (u *unigram) spell(dst []uint32, text string) []uint32 {
	if u.bytes != nil {
		whole := true
		for i := range len(text) {
			whole = whole && u.bytes[text[i]] >= 0
		}
		if whole {
			for i := len(text) - 1; i >= 0; i-- {
				dst = append(dst, uint32(u.bytes[text[i]]))
			}
			return dst
		}
	}
	if u.unknown >= 0 {
		dst = append(dst, uint32(u.unknown))
	}
	return dst
}
