package tokenizers

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// charsmap is SentencePiece's table of replacements: a double-array trie over the texts to
// replace, and the replacements, each ended by a zero byte.
type charsmap struct {
	units []uint32
	texts []byte
	whole bool // the longest text is replaced wherever it begins
}

var errCharsmap = errors.New("damaged table")

func readCharsmap(text string) (*charsmap, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return parseCharsmap(b)
}

func parseCharsmap(b []byte) (*charsmap, error) {
	if len(b) < 4 {
		return nil, errCharsmap
	}
	size := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if size%4 != 0 || uint64(size) > uint64(len(b)) || size == 0 {
		return nil, errCharsmap
	}
	m := &charsmap{units: make([]uint32, size/4), texts: b[size:]}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return m, nil
}

// lookup finds the shortest text that s begins with and that is replaced as a whole, or
// the longest, and its length.
func (m *charsmap) lookup(s string, longest bool) (with string, n int, ok bool) {
	at := m.offset(m.units[0])
	for i := range len(s) {
		if at ^= uint32(s[i]); s[i] == 0 || int(at) >= len(m.units) {
			break
		}
		unit := m.units[at]
		if unit&(1<<31|0xff) != uint32(s[i]) {
			break
		}
		if at ^= m.offset(unit); int(at) >= len(m.units) {
			break
		}
		if unit>>8&1 == 0 {
			continue
		}
		start := m.units[at] & (1<<31 - 1)
		if int(start) > len(m.texts) {
			break
		}
		text := m.texts[start:]
		if end := bytes.IndexByte(text, 0); end >= 0 {
			text = text[:end]
		}
		with, n, ok = string(text), i+1, true
		if !longest {
			break
		}
	}
	return with, n, ok
}

func (*charsmap) offset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// normalize replaces what users see as one character as a whole if the table has it, else
// character by character.
func (m *charsmap) normalize(s string) string {
	if s == "" {
		return s
	}
	if m.whole {
		return m.normalizeLongest(s)
	}
	var b strings.Builder
	for len(s) > 0 {
		n := cluster(s)
		if n < 6 {
			if with, _, ok := m.lookup(s[:n], false); ok {
				b.WriteString(with)
				s = s[n:]
				continue
			}
		}
		for _, r := range s[:n] {
			char := string(r)
			if with, _, ok := m.lookup(char, false); ok {
				b.WriteString(with)
			} else {
				b.WriteString(char)
			}
		}
		s = s[n:]
	}
	return b.String()
}

// normalizeLongest replaces the longest text at each place, whatever users see.
func (m *charsmap) normalizeLongest(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 {
		with, n, ok := m.lookup(s, true)
		if !ok {
			_, n = utf8.DecodeRuneInString(s)
			with = s[:n]
		}
		b.WriteString(with)
		s = s[n:]
	}
	return b.String()
}

// cluster is the length of the first character that users see: one with the marks and
// joiners behind it, or a line break of two.
func cluster(s string) int {
	if strings.HasPrefix(s, "\r\n") {
		return 2
	}
	_, n := utf8.DecodeRuneInString(s)
	for n < len(s) {
		r, w := utf8.DecodeRuneInString(s[n:])
		if !unicode.IsMark(r) && r != 0x200d {
			break
		}
		n += w
	}
	return n
}
