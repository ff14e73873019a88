package tokenizers

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
	"unicode/utf8"
)

// A SentencePiece model is a protocol buffer:
//
//	1 pieces      1 text, 2 score (float), 3 kind
//	2 trainer     3 model type (1 unigram, 2 bpe), 35 byte fallback, 40 … 42 ids
//	3 normalizer  2 charsmap, 3 dummy prefix, 4 remove extra blanks, 5 escape blanks

// Kinds of pieces.
const (
	pieceNormal = 1 + iota
	pieceUnknown
	pieceControl
	pieceUser
	pieceUnused
	pieceByte
)

type piece struct {
	text  string
	score float32
	kind  int
}

type spModel struct {
	pieces                     []piece
	kind                       int
	fallback                   bool
	bos, eos                   int
	charsmap                   []byte
	dummyPrefix, squeeze, mark bool
}

var errProto = errors.New("no SentencePiece model: the protocol buffer is damaged")

// fields walks over a protocol buffer's fields: text for those of a length, number for
// the others.
func fields(b []byte, each func(field int, number uint64, text []byte) error) error {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return errProto
		}
		b = b[n:]
		var number uint64
		var text []byte
		switch key & 7 {
		case 0:
			if number, n = binary.Uvarint(b); n <= 0 {
				return errProto
			}
			b = b[n:]
		case 1:
			if len(b) < 8 {
				return errProto
			}
			number, b = binary.LittleEndian.Uint64(b), b[8:]
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errProto
			}
			text, b = b[n:n+int(size)], b[n+int(size):]
		case 5:
			if len(b) < 4 {
				return errProto
			}
			number, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		default:
			return errProto
		}
		if err := each(int(key>>3), number, text); err != nil {
			return err
		}
	}
	return nil
}

func readSentencePiece(b []byte) (*spModel, error) {
	m := &spModel{kind: 1, bos: 1, eos: 2, dummyPrefix: true, squeeze: true, mark: true}
	err := fields(b, func(field int, _ uint64, text []byte) error {
		switch field {
		case 1:
			p := piece{kind: pieceNormal}
			err := fields(text, func(field int, number uint64, text []byte) error {
				switch field {
				case 1:
					p.text = string(text)
				case 2:
					p.score = math.Float32frombits(uint32(number))
				case 3:
					p.kind = int(number)
				}
				return nil
			})
			if len(m.pieces) > mostTokens {
				return errProto
			}
			m.pieces = append(m.pieces, p)
			return err
		case 2:
			return fields(text, func(field int, number uint64, _ []byte) error {
				switch field {
				case 3:
					m.kind = int(number)
				case 35:
					m.fallback = number != 0
				case 41:
					m.bos = int(int32(number))
				case 42:
					m.eos = int(int32(number))
				}
				return nil
			})
		case 3:
			return fields(text, func(field int, number uint64, text []byte) error {
				switch field {
				case 2:
					m.charsmap = append([]byte(nil), text...)
				case 3:
					m.dummyPrefix = number != 0
				case 4:
					m.squeeze = number != 0
				case 5:
					m.mark = number != 0
				}
				return nil
			})
		}
		return nil
	})
	if err == nil && len(m.pieces) == 0 {
		err = errors.New("no SentencePiece model: it has no pieces")
	}
	return m, err
}

// spNormalizer is the plan of the normalizer of a SentencePiece model, in the words of a
// tokenizer.json, so that both kinds are compiled alike.
func (m *spModel) normalizer() json.RawMessage {
	var all []string
	if len(m.charsmap) > 0 {
		text, _ := json.Marshal(m.charsmap) // base64
		all = append(all, `{"type":"Precompiled","longest_match":true,"precompiled_charsmap":`+string(text)+`}`)
	}
	if m.squeeze {
		all = append(all, `{"type":"Replace","pattern":{"Regex":"^ +| +$"},"content":""}`, `{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}`)
	}
	if m.dummyPrefix {
		all = append(all, `{"type":"Prepend","prepend":" "}`)
	}
	if m.mark {
		all = append(all, `{"type":"Replace","pattern":{"String":" "},"content":"▁"}`)
	}
	return json.RawMessage(`{"type":"Sequence","normalizers":[` + strings.Join(all, ",") + `]}`)
}

func (m *spModel) decoder() json.RawMessage {
	strip := ""
	if m.dummyPrefix {
		strip = `,{"type":"Strip","content":" ","start":1,"stop":0}`
	}
	return json.RawMessage(`{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}` + strip + `]}`)
}

// parseSentencePiece builds a pipeline from a tokenizer.model.
func parseSentencePiece(b []byte) (*Pipeline, error) {
	m, err := readSentencePiece(b)
	if err != nil {
		return nil, err
	}
	t := newPipeline()
	t.source.Normalizer, t.source.Decoder = m.normalizer(), m.decoder()
	if err := t.readParts(); err != nil {
		return nil, err
	}
	t.named = namedTokens{m.id(m.bos), m.id(m.eos)}
	unknown := -1
	var added []addedToken
	entries := make([]entry, len(m.pieces))
	for id, p := range m.pieces {
		entries[id] = entry{text: p.text, hidden: p.kind == pieceControl || p.kind == pieceUnknown || p.kind == pieceUnused}
		if !utf8.ValidString(p.text) {
			return nil, fmt.Errorf("piece %d: not UTF-8", id)
		}
		switch p.kind {
		case pieceUnknown:
			unknown = id
			t.controls = append(t.controls, id)
		case pieceControl:
			t.controls = append(t.controls, id)
		case pieceUser:
			added = append(added, addedToken{ID: id, Content: p.text, Normalized: true})
		}
	}
	t.lex, t.base = newLexicon(entries), len(entries)
	var bytes *[256]int32
	if m.fallback {
		bytes = byteTokens(t.lex)
	}
	switch m.kind {
	case 1:
		t.model = m.unigram(t.lex, unknown, bytes)
	case 2:
		list := m.merges(t.lex)
		model := &bpe{lex: t.lex, table: newMerges(list), unknown: unknown, fuse: true, bytes: bytes}
		m.tie(model.table, list)
		model.findBorder("▁", list)
		model.settle()
		t.model = model
	default:
		return nil, fmt.Errorf("trainer_spec.model_type: %d is not supported; there are: 1 (unigram), 2 (bpe)", m.kind)
	}
	return t, t.addTokens(added)
}

// id is a token that a model names; −1 when it has none.
func (m *spModel) id(id int) int {
	if id < 0 || id >= len(m.pieces) {
		return -1
	}
	return id
}

func (m *spModel) unigram(lex *lexicon, unknown int, bytes *[256]int32) *unigram {
	texts, scores := make([]string, len(m.pieces)), make([]float64, len(m.pieces))
	least := math.Inf(1)
	for id, p := range m.pieces {
		scores[id] = float64(p.score)
		if p.kind == pieceNormal || p.kind == pieceUser {
			texts[id] = p.text
		}
		if p.kind == pieceNormal {
			least = min(least, scores[id])
		}
	}
	u := newUnigram(lex, texts, scores, unknown, bytes)
	u.penalty = least - unknownPenalty
	return u
}

// merges are all ways to put a piece together from two others, the best pieces first.
func (m *spModel) merges(lex *lexicon) (list []merge) {
	for id, p := range m.pieces {
		if p.kind != pieceNormal && p.kind != pieceUser {
			continue
		}
		for i := range p.text {
			if i == 0 {
				continue
			}
			left, right := lex.find(bytesOf(p.text[:i])), lex.find(bytesOf(p.text[i:]))
			if left >= 0 && right >= 0 && m.joins(left) && m.joins(right) {
				list = append(list, merge{left, right, id})
			}
		}
	}
	sort.SliceStable(list, func(i, k int) bool { return m.pieces[list[i].id].score > m.pieces[list[k].id].score })
	return list
}

func (m *spModel) joins(id int) bool {
	return m.pieces[id].kind == pieceNormal || m.pieces[id].kind == pieceUser
}

// tie gives merges that make pieces of the same score the same rank: of those the leftmost
// comes first.
func (m *spModel) tie(table *merges, list []merge) {
	rank := 0
	for i, e := range list {
		if i > 0 && m.pieces[e.id].score != m.pieces[list[i-1].id].score {
			rank = i
		}
		at := table.slot(uint64(e.left)<<32 | uint64(e.right) + 1)
		table.values[at] = uint64(rank)<<32 | uint64(e.id)
	}
}
