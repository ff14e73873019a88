package tokenizers

import (
	"bytes"
	"fmt"

	"github.com/pkoukk/tiktoken-go-loader/assets"
)

// readRanks loads an embedded rank file.
func readRanks(encoding string) (*vocabulary, error) {
	text, err := assets.Assets.ReadFile(encoding + ".tiktoken")
	if err != nil {
		return nil, fmt.Errorf("read vocabulary %s: %w", encoding, err)
	}
	v, err := parseRanks(text, Encodings[encoding])
	if err != nil {
		return nil, fmt.Errorf("read vocabulary %s: %w", encoding, err)
	}
	return v, nil
}

// parseRanks reads lines of "<token in base64> <id>". size is a guess of how many
// ids there are. Every single byte must be a token: what cannot be merged is
// encoded byte by byte.
func parseRanks(text []byte, size int) (*vocabulary, error) {
	v := newVocabulary(min(size, mostIDs), 3*len(text)/5)
	for line := 1; len(text) > 0; line++ {
		row := text
		if at := bytes.IndexByte(text, '\n'); at >= 0 {
			row, text = text[:at], text[at+1:]
		} else {
			text = nil
		}
		if len(row) == 0 {
			continue
		}
		if err := v.addRow(row); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	for b := range 256 {
		if v.find([]byte{byte(b)}) < 0 {
			return nil, fmt.Errorf("%w: byte %d has no token", errVocabulary, b)
		}
	}
	return v, nil
}

func (v *vocabulary) addRow(row []byte) error {
	space := bytes.IndexByte(row, ' ')
	if space < 0 {
		return fmt.Errorf("%w: want a token and an id", errVocabulary)
	}
	id := 0
	digits := bytes.TrimSuffix(row[space+1:], []byte("\r"))
	if len(digits) == 0 || len(digits) > 7 {
		return fmt.Errorf("%w: id %.20q", errVocabulary, digits)
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return fmt.Errorf("%w: id %.20q", errVocabulary, digits)
		}
		id = 10*id + int(c-'0')
	}
	start := len(v.blob)
	var ok bool
	if v.blob, ok = appendBase64(v.blob, row[:space]); !ok {
		return fmt.Errorf("%w: token is not base64", errVocabulary)
	}
	return v.add(id, start)
}

// sextets maps a base64 digit to its value; 64 is no digit.
var sextets = func() (t [256]byte) {
	for i := range t {
		t[i] = 64
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	return t
}()

// appendBase64 appends the decoded bytes of src, which is padded. The standard
// library's decoder is made for long inputs: it costs several times as much on two
// hundred thousand short ones.
func appendBase64(dst, src []byte) (_ []byte, ok bool) {
	if len(src)%4 != 0 {
		return dst, false
	}
	for ; len(src) >= 4; src = src[4:] {
		a, b, c, d := sextets[src[0]], sextets[src[1]], sextets[src[2]], sextets[src[3]]
		switch {
		case a|b|c|d < 64:
			dst = append(dst, a<<2|b>>4, b<<4|c>>2, c<<6|d)
		case len(src) > 4 || a|b >= 64 || src[3] != '=':
			return dst, false
		case c < 64:
			return append(dst, a<<2|b>>4, b<<4|c>>2), true
		case src[2] == '=':
			return append(dst, a<<2|b>>4), true
		default:
			return dst, false
		}
	}
	return dst, true
}
