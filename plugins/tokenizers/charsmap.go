package tokenizers

import (
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

// lookup finds the shortest text that s begins with and that is replaced as a whole.
func (m *charsmap) lookup(s string) (with string, ok bool) {
	at := m.offset(m.units[0])
	for i := range len(s) {
		if s[i] == 0 {
			return "", false
		}
		at ^= uint32(s[i])
		if int(at) >= len(m.units) {
			return "", false
		}
		unit := m.units[at]
		if unit&(1<<31|0xff) != uint32(s[i]) {
			return "", false
		}
		at ^= m.offset(unit)
		if unit>>8&1 == 1 {
			if int(at) >= len(m.units) {
				return "", false
			}
			start := m.units[at] & (1<<31 - 1)
			if int(start) > len(m.texts) {
				return "", false
			}
			text := string(m.texts[start:])
			if end := strings.IndexByte(text, 0); end >= 0 {
				text = text[:end]
			}
			return text, true
		}
	}
	return "", false
}

func (*charsmap) offset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// normalize replaces what users see as one character as a whole if the table has it, else
// character by character.
func (m *charsmap) normalize(s string) string {
	if s == "" {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		n := cluster(s)
		if n < 6 {
			if with, ok := m.lookup(s[:n]); ok {
				b.WriteString(with)
				s = s[n:]
				continue
			}
		}
		for _, r := range s[:n] {
			char := string(r)
			if with, ok := m.lookup(char); ok {
				b.WriteString(with)
			} else {
				b.WriteString(char)
			}
		}
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
