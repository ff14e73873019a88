package tokenizers

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// part is any component but the model, with the fields of all of them.
type part struct {
	Type string `json:"type"`

	Normalizers   []json.RawMessage `json:"normalizers"`
	Pretokenizers []json.RawMessage `json:"pretokenizers"`
	Processors    []json.RawMessage `json:"processors"`
	Decoders      []json.RawMessage `json:"decoders"`

	Pattern struct{ String, Regex *string } `json:"pattern"`
	Content string                          `json:"content"`

	StripLeft  *bool  `json:"strip_left"`
	StripRight *bool  `json:"strip_right"`
	Prepend    string `json:"prepend"`

	CleanText          *bool `json:"clean_text"`
	HandleChineseChars *bool `json:"handle_chinese_chars"`
	StripAccents       *bool `json:"strip_accents"`
	Lowercase          *bool `json:"lowercase"`

	Charsmap string `json:"precompiled_charsmap"`
	Longest  bool   `json:"longest_match"` // ours: the map is used as SentencePiece does

	AddPrefixSpace   *bool  `json:"add_prefix_space"`
	UseRegex         *bool  `json:"use_regex"`
	Behavior         string `json:"behavior"`
	Invert           bool   `json:"invert"`
	Replacement      string `json:"replacement"`
	PrependScheme    string `json:"prepend_scheme"`
	Split            *bool  `json:"split"`
	IndividualDigits bool   `json:"individual_digits"`
	Delimiter        string `json:"delimiter"`
	Length           int    `json:"length"`

	Start   int    `json:"start"`
	Stop    int    `json:"stop"`
	Prefix  string `json:"prefix"`
	Suffix  string `json:"suffix"`
	Cleanup *bool  `json:"cleanup"`
}

func or(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

// readPart reads a component; nil when there is none.
func readPart(path string, raw json.RawMessage) (*part, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var p part
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("%s: %w", path, plain(err))
	}
	if p.Type == "" {
		return nil, fmt.Errorf("%s.type: missing", path)
	}
	return &p, nil
}

// mostNested bounds sequences inside sequences.
const mostNested = 16

func tooDeep(path string) bool {
	n := 0
	for i := range len(path) {
		if path[i] == '[' {
			n++
		}
	}
	return n > mostNested
}

func (p *part) pattern(path string) (pattern, error) {
	switch {
	case p.Pattern.String != nil:
		return literal(*p.Pattern.String), nil
	case p.Pattern.Regex != nil:
		by, err := compile(*p.Pattern.Regex)
		if err != nil {
			return nil, fmt.Errorf("%s.pattern.Regex: %w", path, err)
		}
		return by, nil
	}
	return nil, fmt.Errorf("%s.pattern: want String or Regex", path)
}

func readNormalizer(path string, raw json.RawMessage) (normalizer, error) {
	p, err := readPart(path, raw)
	if p == nil || err != nil {
		return nil, err
	}
	switch p.Type {
	case "Sequence":
		var all normalizers
		for i, r := range p.Normalizers {
			at := fmt.Sprintf("%s.normalizers[%d]", path, i)
			if tooDeep(at) {
				return nil, fmt.Errorf("%s: nested too deeply", at)
			}
			n, err := readNormalizer(at, r)
			if err != nil {
				return nil, err
			}
			if n != nil {
				all = append(all, n)
			}
		}
		if len(all) == 0 {
			return nil, nil
		}
		return all, nil
	case "NFC":
		return form{norm.NFC}, nil
	case "NFD":
		return form{norm.NFD}, nil
	case "NFKC":
		return form{norm.NFKC}, nil
	case "NFKD":
		return form{norm.NFKD}, nil
	case "Nmt":
		return mapping(nmt), nil
	case "Lowercase":
		return lowerCase{}, nil
	case "StripAccents":
		return mapping(withoutMarks), nil
	case "Strip":
		return strip{or(p.StripLeft, true), or(p.StripRight, true)}, nil
	case "Prepend":
		return prepend(p.Prepend), nil
	case "Replace":
		what, err := p.pattern(path)
		if err != nil {
			return nil, err
		}
		return replacement{what, p.Content}, nil
	case "BertNormalizer":
		lower := or(p.Lowercase, true)
		return bertNormalizer{clean: or(p.CleanText, true), chinese: or(p.HandleChineseChars, true), accents: or(p.StripAccents, lower), lower: lower}, nil
	case "Precompiled":
		n, err := readCharsmap(p.Charsmap)
		if err != nil {
			return nil, fmt.Errorf("%s.precompiled_charsmap: %w", path, err)
		}
		n.whole = p.Longest
		return n, nil
	}
	return nil, unsupported(path+".type", p.Type, "Sequence", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents", "Strip", "Prepend", "Replace", "BertNormalizer", "Precompiled")
}

func readCutters(path string, raw json.RawMessage) ([]cutter, error) {
	p, err := readPart(path, raw)
	if p == nil || err != nil {
		return nil, err
	}
	one := func(c cutter) ([]cutter, error) { return []cutter{c}, nil }
	as, named := behaviors[p.Behavior]
	if p.Behavior != "" && !named {
		return nil, unsupported(path+".behavior", p.Behavior, "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
	}
	switch p.Type {
	case "Sequence":
		var all []cutter
		for i, r := range p.Pretokenizers {
			at := fmt.Sprintf("%s.pretokenizers[%d]", path, i)
			if tooDeep(at) {
				return nil, fmt.Errorf("%s: nested too deeply", at)
			}
			c, err := readCutters(at, r)
			if err != nil {
				return nil, err
			}
			if len(all) > 0 && len(c) > 0 {
				if _, ok := all[len(all)-1].(byteLevel); ok {
					return nil, fmt.Errorf("%s: nothing can come after ByteLevel", at)
				}
			}
			all = append(all, c...)
		}
		return all, nil
	case "Split":
		by, err := p.pattern(path)
		if err != nil {
			return nil, err
		}
		return one(splitter{by: by, as: as, invert: p.Invert})
	case "ByteLevel":
		return one(byteLevel{prefixSpace: or(p.AddPrefixSpace, true), split: or(p.UseRegex, true)})
	case "Metaspace":
		return one(metaspace{mark: markOf(p), scheme: schemeOf(p), split: or(p.Split, true)})
	case "BertPreTokenizer":
		return []cutter{
			splitter{by: when{is: unicode.IsSpace, single: true}, as: removed},
			splitter{by: when{is: isPunctuation, single: true}, as: isolated},
		}, nil
	case "Whitespace":
		return one(splitter{by: finder(findWordsAndSigns), as: removed, invert: true})
	case "WhitespaceSplit":
		return one(splitter{by: when{is: unicode.IsSpace, single: true}, as: removed})
	case "Punctuation":
		if !named {
			as = isolated
		}
		return one(splitter{by: when{is: isPunctuation, single: true}, as: as})
	case "Digits":
		return one(splitter{by: when{is: isNumber, single: p.IndividualDigits}, as: isolated})
	case "CharDelimiterSplit":
		return one(splitter{by: literal(p.Delimiter), as: removed})
	case "FixedLength":
		if p.Length < 1 {
			return nil, fmt.Errorf("%s.length: want at least 1, got %d", path, p.Length)
		}
		return one(fixedLength(p.Length))
	}
	return nil, unsupported(path+".type", p.Type, "Sequence", "Split", "ByteLevel", "Metaspace", "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "CharDelimiterSplit", "FixedLength")
}

func markOf(p *part) string {
	if p.Replacement == "" {
		return "▁"
	}
	return p.Replacement
}

// schemeOf reads where a space is put in front; older files say it by a flag.
func schemeOf(p *part) string {
	switch {
	case p.PrependScheme != "":
		return p.PrependScheme
	case or(p.AddPrefixSpace, true):
		return "always"
	}
	return "never"
}

// endsInBytes tells whether pieces are bytes at the end.
func endsInBytes(cs []cutter) bool {
	if len(cs) == 0 {
		return false
	}
	_, ok := cs[len(cs)-1].(byteLevel)
	return ok
}

// useAlphabet lets pieces be written in the byte alphabet, where the decoder does not
// read bytes.
func useAlphabet(cs []cutter) {
	if endsInBytes(cs) {
		last := cs[len(cs)-1].(byteLevel)
		last.alphabet = true
		cs[len(cs)-1] = last
	}
}

func readDecoder(path string, raw json.RawMessage) (decoder, error) {
	p, err := readPart(path, raw)
	if p == nil || err != nil {
		return nil, err
	}
	switch p.Type {
	case "Sequence":
		var all decoders
		for i, r := range p.Decoders {
			at := fmt.Sprintf("%s.decoders[%d]", path, i)
			if tooDeep(at) {
				return nil, fmt.Errorf("%s: nested too deeply", at)
			}
			d, err := readDecoder(at, r)
			if err != nil {
				return nil, err
			}
			if d != nil {
				all = append(all, d)
			}
		}
		if len(all) == 1 {
			return all[0], nil
		}
		return all, nil
	case "ByteLevel":
		return bytesDecoder{}, nil
	case "ByteFallback":
		return byteFallback{}, nil
	case "Fuse":
		return fuse{}, nil
	case "Replace":
		what, err := p.pattern(path)
		if err != nil {
			return nil, err
		}
		return eachToken(func(_ int, t string) string { return replacement{what, p.Content}.normalize(t) }), nil
	case "Strip":
		return stripEnds(p.Content, p.Start, p.Stop), nil
	case "Metaspace":
		return spaces(markOf(p), schemeOf(p)), nil
	case "WordPiece":
		prefix := p.Prefix
		if prefix == "" {
			prefix = "##"
		}
		return wordPieces(prefix, or(p.Cleanup, true)), nil
	case "BPEDecoder":
		if p.Suffix == "" {
			p.Suffix = "</w>"
		}
		return wordEnds(p.Suffix), nil
	}
	return nil, unsupported(path+".type", p.Type, "Sequence", "ByteLevel", "ByteFallback", "Fuse", "Replace", "Strip", "Metaspace", "WordPiece", "BPEDecoder")
}

// readTemplate reads what is put around a single text.
func readTemplate(path string, raw json.RawMessage) (before, after []uint32, err error) {
	p, err := readPart(path, raw)
	if p == nil || err != nil {
		return nil, nil, err
	}
	switch p.Type {
	case "ByteLevel":
		return nil, nil, nil
	case "BertProcessing", "RobertaProcessing":
		var two struct{ Sep, Cls [2]any }
		if err := json.Unmarshal(raw, &two); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, plain(err))
		}
		sep, ok1 := two.Sep[1].(float64)
		cls, ok2 := two.Cls[1].(float64)
		if !ok1 || !ok2 || sep < 0 || cls < 0 {
			return nil, nil, fmt.Errorf("%s: want sep and cls with their ids", path)
		}
		return []uint32{uint32(cls)}, []uint32{uint32(sep)}, nil
	case "TemplateProcessing":
		return readSingle(path, raw)
	case "Sequence":
		for i, r := range p.Processors {
			at := fmt.Sprintf("%s.processors[%d]", path, i)
			if tooDeep(at) {
				return nil, nil, fmt.Errorf("%s: nested too deeply", at)
			}
			b, a, err := readTemplate(at, r)
			if err != nil {
				return nil, nil, err
			}
			before, after = append(b, before...), append(after, a...)
		}
		return before, after, nil
	}
	return nil, nil, unsupported(path+".type", p.Type, "ByteLevel", "BertProcessing", "RobertaProcessing", "TemplateProcessing", "Sequence")
}

func readSingle(path string, raw json.RawMessage) (before, after []uint32, err error) {
	var t struct {
		Single []struct {
			SpecialToken *struct{ ID string }
			Sequence     *struct{ ID string }
		} `json:"single"`
		SpecialTokens map[string]struct {
			IDs []uint32 `json:"ids"`
		} `json:"special_tokens"`
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, plain(err))
	}
	seen := false
	for i, piece := range t.Single {
		at := fmt.Sprintf("%s.single[%d]", path, i)
		switch {
		case piece.Sequence != nil && piece.Sequence.ID == "A" && !seen:
			seen = true
		case piece.SpecialToken != nil:
			token, ok := t.SpecialTokens[piece.SpecialToken.ID]
			if !ok {
				return nil, nil, fmt.Errorf("%s: %q is not in special_tokens", at, piece.SpecialToken.ID)
			}
			if seen {
				after = append(after, token.IDs...)
			} else {
				before = append(before, token.IDs...)
			}
		default:
			return nil, nil, fmt.Errorf("%s: want a special token, and the text once", at)
		}
	}
	if !seen {
		return nil, nil, errors.New(path + ".single: the text is missing")
	}
	return before, after, nil
}
