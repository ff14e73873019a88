package tokenizers

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"aiperf/config/jinja"
)

// model turns pieces into ids.
type model interface {
	encode(dst []uint32, w *work, piece string) []uint32
}

// Pipeline is a tokenizer as a tokenizer.json describes it:
//
//	added tokens → normalizer → added tokens → pre-tokenizer → model → post-processor
//
// and for the way back the decoder. It is safe for concurrent use.
type Pipeline struct {
	name       string
	added      *addedSet // found in the text as it is
	normalized *addedSet // found in the normalized text
	norm       normalizer
	cutters    []cutter
	scan       scanner // all that the cutters do, when that is cutting by a scanner
	model      model
	before     []uint32 // special tokens around a text
	after      []uint32

	lex     *lexicon
	base    int  // tokens of the model
	raw     bool // the lexicon holds bytes, not the byte alphabet
	decode  decoder
	extra   map[int]string // texts of added tokens, as the decoder takes them
	special map[int]bool
	// controls are special tokens of the model's own, which no text contains.
	controls []int
	scratch  sync.Pool // of *work
	failure  atomic.Pointer[error]
	named    namedTokens
	chat     chat
	template func() (*jinja.Template, error) // of chat, read on first use
	source   parts                           // as the file has them, without the added tokens
}

// namedTokens are those that have a part to play; −1 when there is none.
type namedTokens struct{ BOS, EOS int }

// EncodeAppend appends the ids of a text, without special tokens around it. Texts of
// special tokens inside it are those tokens. Bytes that are no UTF-8 are U+FFFD.
//
// hot: once per text. Budget: no allocation but for what dst grows.
func (t *Pipeline) EncodeAppend(dst []uint32, text string) []uint32 {
	w := t.scratch.Get().(*work)
	dst = t.encode(dst, w, text)
	t.scratch.Put(w)
	return dst
}

// caught keeps what stopped an expression: the ids or the text so far are not all of it.
func (t *Pipeline) caught() {
	switch p := recover().(type) {
	case nil:
	case patternError:
		t.failure.CompareAndSwap(nil, &p.err)
	default:
		panic(p)
	}
}

// Err is why results cannot be trusted any more: an expression of the tokenizer has met a
// text that it cannot get through. It stays.
func (t *Pipeline) Err() error {
	if err := t.failure.Load(); err != nil {
		return fmt.Errorf("tokenizer %s: %w", t.name, *err)
	}
	return nil
}

func (t *Pipeline) encode(dst []uint32, w *work, text string) (ids []uint32) {
	if t.failure.Load() != nil { // it would only take as long again
		return nil
	}
	defer t.caught()
	if !utf8.ValidString(text) {
		text = lossy([]byte(text))
	}
	first := true
	t.added.each(text, func(token int, s string) {
		if token >= 0 {
			dst, first = append(dst, uint32(token)), false
			return
		}
		if t.norm != nil {
			s = t.norm.normalize(s)
		}
		t.normalized.each(s, func(token int, s string) {
			if token >= 0 {
				dst = append(dst, uint32(token))
			} else {
				dst = t.pieces(dst, w, s, first)
			}
			first = false
		})
		first = false
	})
	return dst
}

// pieces cuts a stretch of text and appends the ids of what comes of it.
func (t *Pipeline) pieces(dst []uint32, w *work, s string, first bool) []uint32 {
	if t.scan != nil {
		for i := 0; i < len(s); {
			end := t.scan(s, i)
			dst = t.model.encode(dst, w, s[i:end])
			i = end
		}
		return dst
	}
	w.pieces = append(w.pieces[:0], s)
	for _, c := range t.cutters {
		w.spare = c.cut(w.spare[:0], w.pieces, first)
		w.pieces, w.spare = w.spare, w.pieces
	}
	for _, p := range w.pieces {
		if p != "" {
			dst = t.model.encode(dst, w, p)
		}
	}
	clear(w.pieces)
	clear(w.spare)
	return dst
}

// Encode implements Tokenizer: without special tokens around the text.
func (t *Pipeline) Encode(text string) []int {
	w := t.scratch.Get().(*work)
	defer t.scratch.Put(w)
	w.out = t.encode(w.out[:0], w, text)
	return asInts(w.out)
}

// EncodeSpecial adds the special tokens that the tokenizer puts around a text.
func (t *Pipeline) EncodeSpecial(text string) []int {
	ids := append([]uint32(nil), t.before...)
	ids = t.EncodeAppend(ids, text)
	return asInts(append(ids, t.after...))
}

func asInts(ids []uint32) []int {
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i] = int(id)
	}
	return out
}

// Count is the number of ids that Encode would return.
//
// hot: once per answer. Budget: no allocation.
func (t *Pipeline) Count(text string) int {
	w := t.scratch.Get().(*work)
	w.out = t.encode(w.out[:0], w, text)
	n := len(w.out)
	t.scratch.Put(w)
	return n
}

// Decode returns the text of ids, special tokens kept. Ids that are none stand for nothing.
func (t *Pipeline) Decode(ids []int) string { return t.text(ids, false) }

// DecodePlain leaves special tokens out.
func (t *Pipeline) DecodePlain(ids []int) string { return t.text(ids, true) }

func (t *Pipeline) text(ids []int, plain bool) string {
	defer t.caught()
	if t.raw {
		b := make([]byte, 0, 4*len(ids))
		for _, id := range ids {
			if !plain || !t.special[id] {
				b = append(b, t.token(id)...)
			}
		}
		return lossy(b)
	}
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		if s := t.token(id); (s != "" || t.known(id)) && (!plain || !t.special[id]) {
			tokens = append(tokens, s)
		}
	}
	if t.decode == nil {
		return strings.Join(tokens, " ")
	}
	return strings.Join(t.decode.decode(tokens), "")
}

// token is the text of an id as the decoder takes it.
func (t *Pipeline) token(id int) string {
	if s, ok := t.extra[id]; ok {
		return s
	}
	return borrow(t.lex.text(id))
}

func (t *Pipeline) known(id int) bool {
	_, ok := t.extra[id]
	return ok || id >= 0 && id < t.lex.size()
}

// NumSpecialTokens is how many tokens are put around a single text.
func (t *Pipeline) NumSpecialTokens() int { return len(t.before) + len(t.after) }

// VocabSize is the number of the model's tokens, without added ones.
func (t *Pipeline) VocabSize() int { return t.base }

// Name is what the tokenizer was asked for by.
func (t *Pipeline) Name() string { return t.name }

// BOS is the token that begins a text, −1 when there is none.
func (t *Pipeline) BOS() int { return t.named.BOS }

// EOS is the token that ends a text, −1 when there is none.
func (t *Pipeline) EOS() int { return t.named.EOS }

// BlockSeparator is the token that keeps two blocks of tokens apart: BOS, else EOS, else −1.
func (t *Pipeline) BlockSeparator() int {
	if t.named.BOS >= 0 {
		return t.named.BOS
	}
	return t.named.EOS
}

// IsSpecial tells special tokens from text.
func (t *Pipeline) IsSpecial(id int) bool { return t.special[id] }
