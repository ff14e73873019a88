package tokenizers

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"

	"aiperf/plugins"
)

func init() { plugins.Register("tokenizer", "aiperf.tokenizers:Builtin", Constructor(NewBuiltin)) }

// Builtin is a byte-pair encoding whose vocabulary is part of the program. Text of
// a special token, such as <|endoftext|>, is encoded as that token; nothing is ever
// added to a sequence.
type Builtin struct {
	name     string
	vocab    *vocabulary
	scan     scanner
	specials map[string]int
	special  map[int]string
	opening  string    // what every special token begins with
	scratch  sync.Pool // of *merger
}

// dialect is what an encoding has beside its rank file.
type dialect struct {
	expression string // how text is cut; its scanner is among the known ones
	specials   map[string]int
}

func (d dialect) scanner() scanner { return known[d.expression].(scanner) }

var dialects = map[string]dialect{
	"o200k_base": {expressionO200K, map[string]int{"<|endoftext|>": 199999, "<|endofprompt|>": 200018}},
	"cl100k_base": {expressionCL100K, map[string]int{
		"<|endoftext|>": 100257, "<|fim_prefix|>": 100258, "<|fim_middle|>": 100259, "<|fim_suffix|>": 100260, "<|endofprompt|>": 100276,
	}},
	"p50k_base": {expressionGPT2, map[string]int{"<|endoftext|>": 50256}},
	"r50k_base": {expressionGPT2, map[string]int{"<|endoftext|>": 50256}},
}

// NewBuiltin loads an embedded vocabulary; an empty name is DefaultEncoding.
func NewBuiltin(c Config) (Tokenizer, error) {
	if c.Encoding == "" {
		c.Encoding = DefaultEncoding
	}
	d, known := dialects[c.Encoding]
	if !known {
		names := make([]string, 0, len(dialects))
		for name := range dialects {
			names = append(names, name)
		}
		sort.Strings(names)
		return nil, fmt.Errorf("no embedded vocabulary %q; there are: %s", c.Encoding, strings.Join(names, ", "))
	}
	vocab, err := readRanks(c.Encoding)
	if err != nil {
		return nil, err
	}
	return newBuiltin(c.Encoding, vocab, d), nil
}

func newBuiltin(name string, vocab *vocabulary, d dialect) *Builtin {
	t := &Builtin{name: name, vocab: vocab, scan: d.scanner(), specials: d.specials, special: map[int]string{}, opening: "<|"}
	for text, id := range d.specials {
		t.special[id] = text
	}
	t.scratch.New = func() any { return new(merger) }
	return t
}

// Encode returns the ids of a text.
func (t *Builtin) Encode(text string) []int {
	m := t.scratch.Get().(*merger)
	defer t.scratch.Put(m)
	ids := make([]int, 0, len(text)/4+8)
	t.each(m, text, func(id int) { ids = append(ids, id) })
	return ids
}

// Count is the number of ids that Encode would return.
//
// hot: once per answer. Budget: no allocation. BenchmarkCount.
func (t *Builtin) Count(text string) int {
	m := t.scratch.Get().(*merger)
	defer t.scratch.Put(m)
	return t.count(m, text)
}

func (t *Builtin) count(m *merger, text string) (n int) {
	t.each(m, text, func(int) { n++ })
	return n
}

// each hands the ids of a text to emit, in order. Bytes that are no UTF-8 are U+FFFD, as they
// are to every tokenizer here.
func (t *Builtin) each(m *merger, text string, emit func(id int)) {
	if !utf8.ValidString(text) {
		text = lossy([]byte(text))
	}
	for len(text) > 0 {
		plain, special, id := t.cutSpecial(text)
		for i := 0; i < len(plain); {
			end := t.scan(plain, i)
			piece := bytesOf(plain[i:end])
			if whole := t.vocab.find(piece); whole >= 0 {
				emit(whole)
			} else {
				m.each(t.vocab, piece, emit)
			}
			i = end
		}
		if special == "" {
			return
		}
		emit(id)
		text = text[len(plain)+len(special):]
	}
}

// cutSpecial splits a text at its first special token.
func (t *Builtin) cutSpecial(text string) (plain, special string, id int) {
	for from := 0; ; {
		at := strings.Index(text[from:], t.opening)
		if at < 0 {
			return text, "", 0
		}
		from += at
		for s, id := range t.specials {
			if strings.HasPrefix(text[from:], s) { // none is the beginning of another
				return text[:from], s, id
			}
		}
		from += len(t.opening)
	}
}

// Decode returns the text of ids. Ids that are none stand for nothing.
func (t *Builtin) Decode(ids []int) string {
	b := make([]byte, 0, 5*len(ids))
	for _, id := range ids {
		if s, ok := t.special[id]; ok {
			b = append(b, s...)
		} else {
			b = append(b, t.vocab.bytes(id)...)
		}
	}
	return lossy(b)
}

// EncodeSpecial is Encode: nothing is put around a text.
func (t *Builtin) EncodeSpecial(text string) []int { return t.Encode(text) }

// DecodePlain is Decode without special tokens.
func (t *Builtin) DecodePlain(ids []int) string {
	plain := make([]int, 0, len(ids))
	for _, id := range ids {
		if _, special := t.special[id]; !special {
			plain = append(plain, id)
		}
	}
	return t.Decode(plain)
}

// NumSpecialTokens is 0: a rank file adds nothing.
func (*Builtin) NumSpecialTokens() int { return 0 }

// VocabSize is the largest id plus one, special tokens included.
func (t *Builtin) VocabSize() int { return Encodings[t.name] }

// Name is the encoding's name.
func (t *Builtin) Name() string { return t.name }

// bytesOf views a string's bytes, which must not be written to.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
