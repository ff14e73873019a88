package tokenizers

import (
	"math/bits"
	"slices"
	"unsafe"
)

// lexicon maps the text of tokens to ids and back, in flat arrays that can lie in a
// mapped file. It is read-only.
type lexicon struct {
	blob    []byte
	offsets []uint32 // by id, one more than there are ids: where its text begins
	slots   []uint64 // hash table: tag of the text in the high half, id + 1 in the low; 0 = free
	longest int      // bytes of the longest text that can be found
}

// entry is a token on its way into a lexicon. A hidden one has a text, and cannot be
// found by it.
type entry struct {
	text   string
	hidden bool
}

// newLexicon builds one from the tokens in the order of their ids. Of equal texts the
// first is found.
func newLexicon(tokens []entry) *lexicon {
	total := 0
	for i := range tokens {
		total += len(tokens[i].text)
	}
	l := &lexicon{
		blob: make([]byte, 0, total), offsets: make([]uint32, 1, len(tokens)+1),
		slots: make([]uint64, 1<<bits.Len(uint(2*len(tokens)))),
	}
	for id := range tokens {
		t := &tokens[id]
		l.blob = append(l.blob, t.text...)
		l.offsets = append(l.offsets, uint32(len(l.blob)))
		if t.hidden || t.text == "" || l.find(bytesOf(t.text)) >= 0 {
			continue
		}
		h := hash(bytesOf(t.text))
		at := h & uint64(len(l.slots)-1)
		for l.slots[at] != 0 {
			at = (at + 1) & uint64(len(l.slots)-1)
		}
		l.slots[at] = h&^(1<<32-1) | uint64(id+1)
		l.longest = max(l.longest, len(t.text))
	}
	return l
}

// find returns the id of a text, −1 when it is no token.
//
// hot: once per piece of text. Budget: no allocation.
func (l *lexicon) find(text []byte) int {
	if len(text) > l.longest || len(text) == 0 {
		return -1
	}
	h := hash(text)
	mask := uint64(len(l.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		slot := l.slots[at]
		if slot == 0 {
			return -1
		}
		if slot>>32 == h>>32 {
			if id := int(slot&(1<<32-1)) - 1; string(l.text(id)) == string(text) {
				return id
			}
		}
	}
}

// text is that of a token; nil for an id that is none.
func (l *lexicon) text(id int) []byte {
	if id < 0 || id+1 >= len(l.offsets) {
		return nil
	}
	return l.blob[l.offsets[id]:l.offsets[id+1]]
}

// size is how many ids there are.
func (l *lexicon) size() int { return len(l.offsets) - 1 }

// merges maps two neighbouring tokens to the one that they become and to how soon: of
// several possible merges the one of the smallest rank comes first. It is a flat hash
// table of three words an entry, and read-only.
type merges struct {
	keys   []uint64 // left << 32 | right, plus 1; 0 = free
	values []uint64 // rank << 32 | id
}

type merge struct{ left, right, id int }

// newMerges builds the table; the rank of a merge is its place in the list. Of two for the
// same pair the last one counts.
func newMerges(list []merge) *merges {
	n := 1 << bits.Len(uint(2*len(list)))
	m := &merges{keys: make([]uint64, n), values: make([]uint64, n)}
	for rank, e := range list {
		key := uint64(e.left)<<32 | uint64(e.right) + 1
		at := m.slot(key)
		m.keys[at], m.values[at] = key, uint64(rank)<<32|uint64(e.id)
	}
	return m
}

func (m *merges) slot(key uint64) uint64 {
	mask := uint64(len(m.keys) - 1)
	at := mix(key, 0x9e3779b97f4a7c15) & mask
	for m.keys[at] != 0 && m.keys[at] != key {
		at = (at + 1) & mask
	}
	return at
}

// noMerge is above every rank.
const noMerge = uint64(1<<64 - 1)

// of returns rank << 32 | id, noMerge when the two do not join.
//
// hot: once per pair that might join.
func (m *merges) of(left, right uint32) uint64 {
	at := m.slot(uint64(left)<<32 | uint64(right) + 1)
	if m.keys[at] == 0 {
		return noMerge
	}
	return m.values[at]
}

// trie finds all tokens that a text begins with. Nodes are flat; the edges of a node are
// next to one another, in the order of their bytes.
type trie struct {
	first []uint32 // by node, one more than there are nodes: its first edge
	label []byte   // by edge
	child []uint32 // by edge
	value []uint32 // by node: value + 1 of the text that ends there; 0 = none
}

// newTrie builds one from texts; the value of a text is its place in the list. Of equal
// texts the last counts. Empty texts are left out.
func newTrie(texts []string) *trie {
	type item struct {
		text  string
		value uint32
	}
	items := make([]item, 0, len(texts))
	for i, t := range texts {
		if t != "" {
			items = append(items, item{t, uint32(i)})
		}
	}
	slices.SortStableFunc(items, func(a, b item) int {
		if a.text < b.text {
			return -1
		}
		if a.text > b.text {
			return 1
		}
		return 0
	})
	t := &trie{}
	type span struct{ from, to, depth int }
	queue := []span{{0, len(items), 0}}
	for node := 0; node < len(queue); node++ {
		s := queue[node]
		t.first = append(t.first, uint32(len(t.label)))
		value := uint32(0)
		i := s.from
		for ; i < s.to && len(items[i].text) == s.depth; i++ {
			value = items[i].value + 1
		}
		t.value = append(t.value, value)
		for i < s.to {
			b := items[i].text[s.depth]
			end := i
			for end < s.to && items[end].text[s.depth] == b {
				end++
			}
			t.label = append(t.label, b)
			t.child = append(t.child, uint32(len(queue)))
			queue = append(queue, span{i, end, s.depth + 1})
			i = end
		}
	}
	t.first = append(t.first, uint32(len(t.label)))
	return t
}

// step follows an edge; 0, the root, when there is none.
//
// hot: once per byte of a text.
func (t *trie) step(node uint32, b byte) uint32 {
	lo, hi := t.first[node], t.first[node+1]
	if hi-lo > 8 {
		for lo < hi {
			mid := (lo + hi) / 2
			if t.label[mid] < b {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if lo < t.first[node+1] && t.label[lo] == b {
			return t.child[lo]
		}
		return 0
	}
	for ; lo < hi; lo++ {
		if t.label[lo] == b {
			return t.child[lo]
		}
	}
	return 0
}

// longest is the longest text that s begins with: its value and length, or −1.
func (t *trie) longest(s string) (value, n int) {
	value = -1
	node := uint32(0)
	for i := 0; i < len(s); i++ {
		if node = t.step(node, s[i]); node == 0 {
			break
		}
		if v := t.value[node]; v != 0 {
			value, n = int(v)-1, i+1
		}
	}
	return value, n
}

// borrow views bytes that nobody writes to as a string.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
