package tokenizers

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A compiled tokenizer is one flat file, made once and mapped by every process that needs
// it: its tables are used where they lie, so that ten processes hold one copy, in the page
// cache.
//
//	header    magic, version, checksum of all that follows, number of sections
//	directory offset and length of each section
//	sections  each at a multiple of 8
//
// Numbers are in the byte order of the machine; the version says which.

const (
	compiledMagic   = "AIPERFTK"
	compiledVersion = 3
	headerBytes     = 24
)

// Sections, in their order.
const (
	sectionPlan = iota // JSON, small
	sectionBlob
	sectionOffsets
	sectionSlots
	sectionMergeKeys
	sectionMergeValues
	sectionDirect
	sectionAtoms
	sectionBytes
	sectionScores
	sectionTrie // four of them
	_
	_
	_
	sectionAsIs // trie of added tokens found in the text, and the tokens
	_
	_
	_
	sectionAsIsTokens
	sectionNormalized
	_
	_
	_
	sectionNormalizedTokens
	sections
)

// plan is what of a tokenizer is no table.
type plan struct {
	Normalizer    json.RawMessage `json:"normalizer,omitempty"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer,omitempty"`
	PostProcessor json.RawMessage `json:"post_processor,omitempty"`
	Decoder       json.RawMessage `json:"decoder,omitempty"`

	Model    string      `json:"model"` // bpe, unigram, wordpiece, wordlevel
	Raw      bool        `json:"raw"`
	Base     int         `json:"base"`
	Longest  int         `json:"longest"`
	Named    namedTokens `json:"named"`
	Controls []int       `json:"controls,omitempty"`
	Chat     chat        `json:"chat"`

	Unknown int     `json:"unknown"`
	Ignore  bool    `json:"ignore,omitempty"`
	Fuse    bool    `json:"fuse,omitempty"`
	Suffix  string  `json:"suffix,omitempty"`
	Prefix  string  `json:"prefix,omitempty"`
	Border  string  `json:"border,omitempty"`
	Most    int     `json:"most,omitempty"`
	Penalty float64 `json:"penalty,omitempty"`
}

// errCompiled says that a file is not what this version has written: it is made again.
var errCompiled = errors.New("no compiled tokenizer of this version")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func asBytes[T uint32 | uint64 | int32 | float64](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}

// fromBytes views a section, which begins at a multiple of 8.
func fromBytes[T uint32 | uint64 | int32 | float64](b []byte) []T {
	var t T
	size := int(unsafe.Sizeof(t))
	if len(b) < size {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/size)
}

// compile writes the tokenizer down.
func (t *Pipeline) compile() ([]byte, error) {
	p := plan{
		Normalizer: t.source.Normalizer, PreTokenizer: t.source.PreTokenizer, PostProcessor: t.source.PostProcessor, Decoder: t.source.Decoder,
		Raw: t.raw, Base: t.base, Longest: t.lex.longest, Named: t.named, Controls: t.controls, Chat: t.chat,
	}
	var parts [sections][]byte
	parts[sectionBlob], parts[sectionOffsets], parts[sectionSlots] = t.lex.blob, asBytes(t.lex.offsets), asBytes(t.lex.slots)
	switch m := t.model.(type) {
	case *bpe:
		p.Model, p.Unknown, p.Ignore, p.Fuse, p.Suffix, p.Prefix, p.Border = "bpe", m.unknown, m.ignore, m.fuse, m.suffix, m.prefix, m.border
		parts[sectionMergeKeys], parts[sectionMergeValues], parts[sectionDirect] = asBytes(m.table.keys), asBytes(m.table.values), asBytes(m.direct)
		if m.atoms != nil {
			parts[sectionAtoms] = asBytes(m.atoms[:])
		}
		if m.bytes != nil {
			parts[sectionBytes] = asBytes(m.bytes[:])
		}
	case *unigram:
		p.Model, p.Unknown, p.Penalty = "unigram", m.unknown, m.penalty
		parts[sectionScores] = asBytes(m.scores)
		m.trie.put(parts[sectionTrie:])
		if m.bytes != nil {
			parts[sectionBytes] = asBytes(m.bytes[:])
		}
	case *wordPiece:
		p.Model, p.Unknown, p.Prefix, p.Most = "wordpiece", m.unknown, m.prefix, m.most
	case *wordLevel:
		p.Model, p.Unknown = "wordlevel", m.unknown
	}
	if math.IsInf(p.Penalty, 0) || math.IsNaN(p.Penalty) {
		return nil, errors.New("model.vocab: the scores are not finite")
	}
	t.added.put(parts[sectionAsIs:])
	t.normalized.put(parts[sectionNormalized:])
	var err error
	if parts[sectionPlan], err = json.Marshal(p); err != nil {
		return nil, err
	}
	return pack(parts[:]), nil
}

// pack lays sections out.
func pack(parts [][]byte) []byte {
	at := headerBytes + 16*len(parts)
	total := at
	for _, p := range parts {
		total = (total+7)&^7 + len(p)
	}
	out := make([]byte, at, total)
	copy(out, compiledMagic)
	binary.NativeEndian.PutUint32(out[8:], compiledVersion)
	binary.NativeEndian.PutUint32(out[16:], uint32(len(parts)))
	for i, p := range parts {
		for len(out)%8 != 0 {
			out = append(out, 0)
		}
		binary.NativeEndian.PutUint64(out[headerBytes+16*i:], uint64(len(out)))
		binary.NativeEndian.PutUint64(out[headerBytes+16*i+8:], uint64(len(p)))
		out = append(out, p...)
	}
	binary.NativeEndian.PutUint32(out[12:], crc32.Checksum(out[16:], castagnoli))
	return out
}

// unpack finds the sections of a file. whole checks every byte.
func unpack(file []byte, whole bool) (parts [sections][]byte, err error) {
	if len(file) < headerBytes+16*sections || string(file[:8]) != compiledMagic ||
		binary.NativeEndian.Uint32(file[8:]) != compiledVersion || binary.NativeEndian.Uint32(file[16:]) != sections {
		return parts, errCompiled
	}
	if whole && crc32.Checksum(file[16:], castagnoli) != binary.NativeEndian.Uint32(file[12:]) {
		return parts, fmt.Errorf("%w: it is damaged", errCompiled)
	}
	for i := range parts {
		at := binary.NativeEndian.Uint64(file[headerBytes+16*i:])
		n := binary.NativeEndian.Uint64(file[headerBytes+16*i+8:])
		if at%8 != 0 || at > uint64(len(file)) || n > uint64(len(file))-at {
			return parts, fmt.Errorf("%w: it is damaged", errCompiled)
		}
		parts[i] = file[at : at+n]
	}
	return parts, nil
}

// openCompiled maps a compiled tokenizer. It stays mapped as long as the process lives.
func openCompiled(path string, whole bool) (*Pipeline, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() < headerBytes || st.Size() > 4*largestFile {
		return nil, errCompiled
	}
	file, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	t, err := fromCompiled(file, whole)
	if err != nil {
		_ = unix.Munmap(file)
		return nil, err
	}
	return t, nil
}

func fromCompiled(file []byte, whole bool) (*Pipeline, error) {
	parts, err := unpack(file, whole)
	if err != nil {
		return nil, err
	}
	var p plan
	if err := json.Unmarshal(parts[sectionPlan], &p); err != nil {
		return nil, fmt.Errorf("%w: %w", errCompiled, err)
	}
	t := newPipeline()
	t.raw, t.base, t.named, t.controls, t.chat = p.Raw, p.Base, p.Named, p.Controls, p.Chat
	t.source.Normalizer, t.source.PreTokenizer, t.source.PostProcessor, t.source.Decoder = p.Normalizer, p.PreTokenizer, p.PostProcessor, p.Decoder
	if err := t.readParts(); err != nil {
		return nil, err
	}
	if !t.raw {
		useAlphabet(t.cutters)
	}
	t.fuseCutters()
	t.lex = &lexicon{
		blob: parts[sectionBlob], offsets: fromBytes[uint32](parts[sectionOffsets]), slots: fromBytes[uint64](parts[sectionSlots]), longest: p.Longest,
	}
	if err := t.useTables(&p, parts[:]); err != nil {
		return nil, err
	}
	asIs, err := takeAdded(parts[sectionAsIs:])
	if err != nil {
		return nil, err
	}
	normalized, err := takeAdded(parts[sectionNormalized:])
	if err != nil {
		return nil, err
	}
	t.useAdded(asIs, normalized)
	return t, nil
}

func table256(b []byte) *[256]int32 {
	if len(b) != 4*256 {
		return nil
	}
	return (*[256]int32)(unsafe.Pointer(&b[0]))
}

// useTables makes the model from its sections.
func (t *Pipeline) useTables(p *plan, parts [][]byte) error {
	if len(t.lex.offsets) < 2 || len(t.lex.slots) == 0 {
		return errCompiled
	}
	switch p.Model {
	case "bpe":
		keys, values := fromBytes[uint64](parts[sectionMergeKeys]), fromBytes[uint64](parts[sectionMergeValues])
		if len(keys) == 0 || len(keys) != len(values) {
			return errCompiled
		}
		t.model = &bpe{
			lex: t.lex, table: &merges{keys, values}, direct: fromBytes[uint64](parts[sectionDirect]), atoms: table256(parts[sectionAtoms]), bytes: table256(parts[sectionBytes]),
			ignore: p.Ignore, fuse: p.Fuse, suffix: p.Suffix, prefix: p.Prefix, border: p.Border, unknown: p.Unknown,
		}
	case "unigram":
		t.model = &unigram{
			lex: t.lex, trie: takeTrie(parts[sectionTrie:]), scores: fromBytes[float64](parts[sectionScores]), unknown: p.Unknown, penalty: p.Penalty, bytes: table256(parts[sectionBytes]),
		}
	case "wordpiece":
		t.model = &wordPiece{lex: t.lex, prefix: p.Prefix, unknown: p.Unknown, most: p.Most}
	case "wordlevel":
		t.model = &wordLevel{lex: t.lex, unknown: p.Unknown}
	default:
		return errCompiled
	}
	return nil
}

func (t *trie) put(parts [][]byte) {
	parts[0], parts[1], parts[2], parts[3] = asBytes(t.first), t.label, asBytes(t.child), asBytes(t.value)
}

func takeTrie(parts [][]byte) *trie {
	return &trie{first: fromBytes[uint32](parts[0]), label: parts[1], child: fromBytes[uint32](parts[2]), value: fromBytes[uint32](parts[3])}
}

// Flags of an added token.
const (
	flagSingleWord = 1 << iota
	flagLStrip
	flagRStrip
	flagNormalized
	flagSpecial
)

// put writes the trie, and the tokens as id, flags, length and text.
func (a *addedSet) put(parts [][]byte) {
	a.trie.put(parts)
	var b bytes.Buffer
	for _, t := range a.list {
		flags := uint32(0)
		for i, on := range []bool{t.SingleWord, t.LStrip, t.RStrip, t.Normalized, t.Special} {
			if on {
				flags |= 1 << i
			}
		}
		var head [12]byte
		binary.NativeEndian.PutUint32(head[:], uint32(t.ID))
		binary.NativeEndian.PutUint32(head[4:], flags)
		binary.NativeEndian.PutUint32(head[8:], uint32(len(t.Content)))
		b.Write(head[:])
		b.WriteString(t.Content)
	}
	parts[4] = b.Bytes()
}

func takeAdded(parts [][]byte) (*addedSet, error) {
	a := &addedSet{trie: takeTrie(parts)}
	for b := parts[4]; len(b) > 0; {
		if len(b) < 12 {
			return nil, errCompiled
		}
		id, flags, n := binary.NativeEndian.Uint32(b), binary.NativeEndian.Uint32(b[4:]), int(binary.NativeEndian.Uint32(b[8:]))
		if b = b[12:]; n > len(b) {
			return nil, errCompiled
		}
		a.list = append(a.list, addedToken{
			ID: int(id), Content: borrow(b[:n]), SingleWord: flags&flagSingleWord != 0, LStrip: flags&flagLStrip != 0, RStrip: flags&flagRStrip != 0,
			Normalized: flags&flagNormalized != 0, Special: flags&flagSpecial != 0,
		})
		b = b[n:]
	}
	if len(a.trie.first) < 2 {
		return nil, errCompiled
	}
	for k := a.trie.first[0]; k < a.trie.first[1]; k++ {
		if int(k) >= len(a.trie.label) {
			return nil, errCompiled
		}
		a.starts[a.trie.label[k]] = true
	}
	return a, nil
}
