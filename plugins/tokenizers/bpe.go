package tokenizers

import (
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding: a piece becomes characters (or bytes), and neighbours are
// joined in the order of the merges' ranks until none can be.
type bpe struct {
	lex     *lexicon
	table   *merges
	atoms   *[256]int32 // ids of single bytes, −1 without; nil: characters are looked up
	direct  []uint64    // bit set by id: encoding the token's text gives the token alone
	ignore  bool        // a piece that is a token as a whole is not merged
	suffix  string      // at the end of a piece's last character
	prefix  string      // in front of all characters but the first
	unknown int         // id that stands for what has none; −1: it is left out
	fuse    bool        // neighbours without an id become one unknown
	bytes   *[256]int32 // byte fallback: ids of "<0x00>" …; nil without
	border  string      // a character that nothing in front of it is ever joined with; "" without
}

// encode appends the ids of a piece.
//
// hot: once per piece. Budget: no allocation once w has grown.
func (b *bpe) encode(dst []uint32, w *work, piece string) []uint32 {
	if b.border == "" {
		return b.word(dst, w, piece)
	}
	// Word by word: most words are tokens, and what is short needs no heap.
	for piece != "" {
		n := b.wordEnd(piece)
		dst = b.word(dst, w, piece[:n])
		piece = piece[n:]
	}
	return dst
}

// wordEnd is where the next border begins, behind the one that the piece begins with.
func (b *bpe) wordEnd(piece string) int {
	n := 0
	for strings.HasPrefix(piece[n:], b.border) {
		n += len(b.border)
	}
	if next := strings.Index(piece[n:], b.border); next >= 0 {
		return n + next
	}
	return len(piece)
}

func (b *bpe) word(dst []uint32, w *work, piece string) []uint32 {
	if b.suffix == "" || b.ignore {
		if id := b.lex.find(bytesOf(piece)); id >= 0 && (b.ignore || b.isDirect(id)) {
			return append(dst, uint32(id))
		}
	}
	w.ids = b.symbols(w.ids[:0], w, piece)
	if len(w.ids) < 2 {
		return append(dst, w.ids...)
	}
	if len(w.ids) <= shortPiece {
		return append(dst, b.joinShort(w)...)
	}
	return b.joinLong(dst, w)
}

func (b *bpe) isDirect(id int) bool {
	return id>>6 < len(b.direct) && b.direct[id>>6]&(1<<(id&63)) != 0
}

// symbols appends what a piece consists of before anything is joined.
func (b *bpe) symbols(dst []uint32, w *work, piece string) []uint32 {
	waiting := false // an unknown that is not written yet
	for i := 0; i < len(piece); {
		n := 1
		if b.atoms == nil {
			_, n = utf8.DecodeRuneInString(piece[i:])
		}
		id := b.symbol(w, piece, i, i+n)
		switch {
		case id >= 0:
			if waiting {
				dst, waiting = append(dst, uint32(b.unknown)), false
			}
			dst = append(dst, uint32(id))
		case b.allBytes(piece[i : i+n]):
			for _, c := range []byte(piece[i : i+n]) {
				dst = append(dst, uint32(b.bytes[c]))
			}
		case b.unknown >= 0:
			if waiting && !b.fuse {
				dst = append(dst, uint32(b.unknown))
			}
			waiting = true
		}
		i += n
	}
	if waiting {
		dst = append(dst, uint32(b.unknown))
	}
	return dst
}

// symbol is the id of one character with what is added to it.
func (b *bpe) symbol(w *work, piece string, from, to int) int {
	first, last := from == 0, to == len(piece)
	if (first || b.prefix == "") && (!last || b.suffix == "") {
		if b.atoms != nil {
			return int(b.atoms[piece[from]])
		}
		return b.lex.find(bytesOf(piece[from:to]))
	}
	w.text = w.text[:0]
	if !first {
		w.text = append(w.text, b.prefix...)
	}
	w.text = append(w.text, piece[from:to]...)
	if last {
		w.text = append(w.text, b.suffix...)
	}
	return b.lex.find(w.text)
}

// allBytes tells whether a character can be spelled in byte tokens.
func (b *bpe) allBytes(char string) bool {
	if b.bytes == nil {
		return false
	}
	for i := range len(char) {
		if b.bytes[char[i]] < 0 {
			return false
		}
	}
	return true
}

// joinShort looks at all pairs for the best one, again and again.
func (b *bpe) joinShort(w *work) []uint32 {
	ids, ranks := w.ids, w.ranks[:0]
	for k := 0; k+1 < len(ids); k++ {
		ranks = append(ranks, b.table.of(ids[k], ids[k+1]))
	}
	for len(ranks) > 0 {
		best, at := noMerge, 0
		for k, r := range ranks {
			if r < best {
				best, at = r, k
			}
		}
		if best == noMerge {
			break
		}
		ids[at] = uint32(best)
		ids = append(ids[:at+1], ids[at+2:]...)
		ranks = append(ranks[:at], ranks[at+1:]...)
		if at < len(ranks) {
			ranks[at] = b.table.of(ids[at], ids[at+1])
		}
		if at > 0 {
			ranks[at-1] = b.table.of(ids[at-1], ids[at])
		}
	}
	w.ranks = ranks
	return ids
}

// joinLong does the same in O(n log n): symbols are a linked list, candidates a heap.
func (b *bpe) joinLong(dst []uint32, w *work) []uint32 {
	ids, n := w.ids, int32(len(w.ids))
	w.next, w.prev, w.heap = w.next[:0], w.prev[:0], w.heap[:0]
	for i := range n {
		w.next, w.prev = append(w.next, i+1), append(w.prev, i-1)
	}
	offer := func(from int32) {
		if to := w.next[from]; to < n {
			if m := b.table.of(ids[from], ids[to]); m != noMerge {
				w.heap.push(rankedAt(uint32(m>>32), uint32(from), ids[from], ids[to]))
			}
		}
	}
	for i := range n - 1 {
		offer(i)
	}
	for len(w.heap) > 0 {
		c := w.heap.pop()
		from := c.place()
		to := w.next[from]
		if to == gone || to >= n || ids[from] != c.a || ids[to] != c.b {
			continue // one of the two has changed since
		}
		ids[from] = uint32(b.table.of(c.a, c.b))
		after := w.next[to]
		w.next[from], w.next[to] = after, gone
		if after < n {
			w.prev[after] = from
		}
		offer(from)
		if p := w.prev[from]; p >= 0 {
			offer(p)
		}
	}
	for i := int32(0); i < n; i = w.next[i] {
		dst = append(dst, ids[i])
	}
	return dst
}

// findBorder checks that a character is a token, and that no merge joins it to another one
// in front of it.
func (b *bpe) findBorder(char string, list []merge) {
	if b.atoms != nil || b.suffix != "" || b.prefix != "" || b.ignore || b.lex.find(bytesOf(char)) < 0 {
		return
	}
	for _, m := range list {
		if strings.HasPrefix(borrow(b.lex.text(m.right)), char) && !strings.HasSuffix(borrow(b.lex.text(m.left)), char) {
			return
		}
	}
	b.border = char
}

// settle finds the tokens whose text encodes to themselves: nearly all of them do, and
// need no merging ever after.
func (b *bpe) settle() {
	b.direct = make([]uint64, b.lex.size()/64+1)
	if b.suffix != "" {
		return
	}
	var w work
	var ids []uint32
	for id := range b.lex.size() {
		text := string(b.lex.text(id))
		if b.lex.find(bytesOf(text)) != id || !b.spelled(text) {
			continue
		}
		w.ids = b.symbols(w.ids[:0], &w, text)
		switch {
		case len(w.ids) < 2:
			ids = append(ids[:0], w.ids...)
		case len(w.ids) <= shortPiece:
			ids = append(ids[:0], b.joinShort(&w)...)
		default:
			ids = b.joinLong(ids[:0], &w)
		}
		if len(ids) == 1 && ids[0] == uint32(id) {
			b.direct[id>>6] |= 1 << (id & 63)
		}
	}
}

// spelled tells that a text can come out of a pre-tokenizer.
func (b *bpe) spelled(text string) bool { return b.atoms != nil || utf8.ValidString(text) }

// work is scratch space of one encoding. It belongs to one goroutine at a time.
type work struct {
	ids        []uint32
	ranks      []uint64
	next, prev []int32
	heap       joins
	text       []byte

	pieces, spare []string
	lattice       []node
	out           []uint32
}
