package tokenizers

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// readModel reads `model`.
func (t *Pipeline) readModel(m gjson.Result) error {
	kind := m.Get("type").Str
	if kind == "" { // old files do not name it
		switch {
		case m.Get("merges").Exists():
			kind = "BPE"
		case m.Get("continuing_subword_prefix").Exists():
			kind = "WordPiece"
		case m.Get("vocab").IsArray():
			kind = "Unigram"
		default:
			kind = "WordLevel"
		}
	}
	switch kind {
	case "BPE":
		return t.readBPE(m)
	case "Unigram":
		return t.readUnigram(m)
	case "WordPiece", "WordLevel":
		lex, err := t.readVocab(m, false)
		if err != nil {
			return err
		}
		unknown, err := unknownToken(m, lex)
		if err != nil {
			return err
		}
		if kind == "WordLevel" {
			t.model = &wordLevel{lex: lex, unknown: unknown}
			return nil
		}
		most := 100
		if v := m.Get("max_input_chars_per_word"); v.Exists() {
			most = int(v.Int())
		}
		prefix := "##"
		if v := m.Get("continuing_subword_prefix"); v.Type == gjson.String {
			prefix = v.Str
		}
		t.model = &wordPiece{lex: lex, prefix: prefix, unknown: unknown, most: most}
		return nil
	}
	return unsupported("model.type", kind, "BPE", "Unigram", "WordPiece", "WordLevel")
}

func unsupported(path, got string, there ...string) error {
	sort.Strings(there)
	return fmt.Errorf("%s: %q is not supported; there are: %s", path, got, strings.Join(there, ", "))
}

func unknownToken(m gjson.Result, lex *lexicon) (int, error) {
	v := m.Get("unk_token")
	if v.Type != gjson.String {
		return -1, nil
	}
	id := lex.find([]byte(v.Str))
	if id < 0 {
		return -1, fmt.Errorf("model.unk_token: %q is not in model.vocab", v.Str)
	}
	return id, nil
}

// readVocab reads a vocabulary of the form {token: id}.
func (t *Pipeline) readVocab(m gjson.Result, raw bool) (*lexicon, error) {
	vocab := m.Get("vocab")
	if !vocab.IsObject() {
		return nil, fmt.Errorf("model.vocab: want an object of tokens and ids")
	}
	entries := make([]entry, 0, 1<<16)
	var err error
	vocab.ForEach(func(k, v gjson.Result) bool {
		id := int(v.Int())
		if v.Type != gjson.Number || id < 0 || id > mostTokens || float64(id) != v.Num {
			err = fmt.Errorf("model.vocab[%.40q]: the id %.40s is out of range", k.Str, v.Raw)
			return false
		}
		if id > 64*(t.base+16)+1<<16 { // a few ids must not cost the memory of millions
			err = fmt.Errorf("model.vocab[%.40q]: the id %d is far beyond the number of tokens", k.Str, id)
			return false
		}
		for id >= len(entries) {
			entries = append(entries, entry{hidden: true})
		}
		text, plain := k.Str, true
		if raw {
			text, plain = rawBytes(text)
		}
		entries[id] = entry{text: text, hidden: !plain}
		t.base++
		return true
	})
	if err == nil && t.base == 0 {
		err = fmt.Errorf("model.vocab: empty")
	}
	if err != nil {
		return nil, err
	}
	t.lex = newLexicon(entries)
	return t.lex, nil
}

func (t *Pipeline) readBPE(m gjson.Result) error {
	lex, err := t.readVocab(m, t.raw)
	if err != nil {
		return err
	}
	if v := m.Get("dropout"); v.Type == gjson.Number && v.Num != 0 {
		return fmt.Errorf("model.dropout: encoding at random is not supported")
	}
	b := &bpe{
		lex: lex, ignore: m.Get("ignore_merges").Bool(), fuse: m.Get("fuse_unk").Bool(),
		suffix: m.Get("end_of_word_suffix").Str, prefix: m.Get("continuing_subword_prefix").Str,
	}
	unk := m
	if t.raw { // the unknown token is written in the byte alphabet
		if v := m.Get("unk_token"); v.Type == gjson.String {
			text, _ := rawBytes(v.Str)
			if b.unknown = lex.find([]byte(text)); b.unknown < 0 {
				return fmt.Errorf("model.unk_token: %q is not in model.vocab", v.Str)
			}
		} else {
			b.unknown = -1
		}
	} else if b.unknown, err = unknownToken(unk, lex); err != nil {
		return err
	}
	if m.Get("byte_fallback").Bool() {
		b.bytes = byteTokens(lex)
	}
	if t.raw {
		b.atoms = &[256]int32{}
		for c := range 256 {
			b.atoms[c] = int32(lex.find([]byte{byte(c)}))
		}
	}
	list, err := readMerges(m.Get("merges"), lex, t.raw, b.prefix)
	if err != nil {
		return err
	}
	b.table = newMerges(list)
	b.findBorder("▁", list)
	b.settle()
	t.model = b
	return nil
}

// byteTokens finds <0x00> … <0xFF>.
func byteTokens(lex *lexicon) *[256]int32 {
	ids := &[256]int32{}
	for c := range 256 {
		ids[c] = int32(lex.find([]byte(fmt.Sprintf("<0x%02X>", c))))
	}
	return ids
}

// readMerges reads merges as "a b" or as ["a", "b"].
func readMerges(v gjson.Result, lex *lexicon, raw bool, prefix string) (list []merge, err error) {
	if !v.IsArray() {
		return nil, fmt.Errorf("model.merges: want a list of pairs")
	}
	find := func(s string) int {
		if raw {
			plain := false
			if s, plain = rawBytes(s); !plain {
				return -1
			}
		}
		return lex.find([]byte(s))
	}
	v.ForEach(func(_, pair gjson.Result) bool {
		left, right, ok := cutPair(pair)
		if !ok {
			err = fmt.Errorf("model.merges[%d]: want two tokens, got %.60s", len(list), pair.Raw)
			return false
		}
		var ids [3]int
		for i, text := range [...]string{left, right, left + strings.TrimPrefix(right, prefix)} {
			if ids[i] = find(text); ids[i] < 0 {
				err = fmt.Errorf("model.merges[%d]: %q is not in model.vocab", len(list), text)
				return false
			}
		}
		list = append(list, merge{ids[0], ids[1], ids[2]})
		return true
	})
	return list, err
}

func cutPair(pair gjson.Result) (left, right string, ok bool) {
	if pair.Type == gjson.String {
		left, right, ok = strings.Cut(pair.Str, " ")
		return left, right, ok && left != "" && right != ""
	}
	two := pair.Array()
	if !pair.IsArray() || len(two) != 2 || two[0].Type != gjson.String || two[1].Type != gjson.String {
		return "", "", false
	}
	return two[0].Str, two[1].Str, true
}

func (t *Pipeline) readUnigram(m gjson.Result) error {
	vocab := m.Get("vocab")
	if !vocab.IsArray() {
		return fmt.Errorf("model.vocab: want a list of tokens and scores")
	}
	var (
		texts   []string
		entries []entry
		scores  []float64
		err     error
	)
	vocab.ForEach(func(_, pair gjson.Result) bool {
		two := pair.Array()
		if len(two) != 2 || two[0].Type != gjson.String || two[1].Type != gjson.Number || len(texts) > mostTokens {
			err = fmt.Errorf("model.vocab[%d]: want a token and its score, got %.60s", len(texts), pair.Raw)
			return false
		}
		texts, scores = append(texts, two[0].Str), append(scores, referenceFloat(two[1].Raw))
		entries = append(entries, entry{text: two[0].Str})
		return true
	})
	if err != nil {
		return err
	}
	unknown := -1
	if v := m.Get("unk_id"); v.Type == gjson.Number {
		if unknown = int(v.Int()); unknown < 0 || unknown >= len(texts) {
			return fmt.Errorf("model.unk_id: %s is out of range", strconv.Quote(v.Raw))
		}
	}
	if len(texts) == 0 {
		return fmt.Errorf("model.vocab: empty")
	}
	t.lex, t.base = newLexicon(entries), len(texts)
	var bytes *[256]int32
	if m.Get("byte_fallback").Bool() {
		bytes = byteTokens(t.lex)
	}
	t.model = newUnigram(t.lex, texts, scores, unknown, bytes)
	return nil
}
