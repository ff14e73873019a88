package tokenizers

import (
	"strings"
	"unicode/utf8"
)

// decoder turns the texts of tokens into what they mean.
type decoder interface {
	decode(tokens []string) []string
}

type decoders []decoder

func (d decoders) decode(tokens []string) []string {
	for _, each := range d {
		tokens = each.decode(tokens)
	}
	return tokens
}

// byteAlphabet is how byte-level tokens are written in a file: printable characters stand
// for themselves, the other bytes for the characters from U+0100 on.
var byteAlphabet, alphabetBytes = func() (of [256]rune, back map[rune]byte) {
	back = map[rune]byte{}
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			r = next
			next++
		}
		of[b], back[r] = r, byte(b)
	}
	return of, back
}()

// rawBytes reads a token in the byte alphabet; ok is false when it has other characters.
func rawBytes(token string) (raw string, ok bool) {
	b := make([]byte, 0, len(token))
	for _, r := range token {
		c, known := alphabetBytes[r]
		if !known {
			return token, false
		}
		b = append(b, c)
	}
	return string(b), true
}

// bytesDecoder reads the byte alphabet. The bytes of several tokens may make one
// character; what is no UTF-8 is replaced.
type bytesDecoder struct{}

func (bytesDecoder) decode(tokens []string) []string {
	var b []byte
	for _, t := range tokens {
		raw, _ := rawBytes(t)
		b = append(b, raw...)
	}
	return []string{lossy(b)}
}

// lossy makes a string of bytes: every longest beginning of a character that does not go
// on as one, and every byte that begins none, is replaced by U+FFFD.
func lossy(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r != utf8.RuneError || n > 1 {
			out.Write(b[i : i+n])
			i += n
			continue
		}
		out.WriteRune(utf8.RuneError)
		i += invalidPart(b[i:])
	}
	return out.String()
}

// invalidPart is the length of the beginning of a character that b starts with, at least 1.
func invalidPart(b []byte) int {
	lo, hi, more := byte(0x80), byte(0xbf), 0
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		more = 1
	case c >= 0xe0 && c <= 0xef:
		more = 2
		if c == 0xe0 {
			lo = 0xa0
		} else if c == 0xed {
			hi = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		more = 3
		if c == 0xf0 {
			lo = 0x90
		} else if c == 0xf4 {
			hi = 0x8f
		}
	}
	n := 1
	for n <= more && n < len(b) && b[n] >= lo && b[n] <= hi {
		n++
		lo, hi = 0x80, 0xbf
	}
	return min(n, max(more, 1))
}

// byteFallback joins tokens such as <0xE2>: a run that is UTF-8 as a whole is its text,
// any other is U+FFFD once for each byte.
type byteFallback struct{}

func (byteFallback) decode(tokens []string) []string {
	var out []string
	var run []byte
	flush := func() {
		switch {
		case len(run) == 0:
		case utf8.Valid(run):
			out = append(out, string(run))
		default:
			for range run {
				out = append(out, string(utf8.RuneError))
			}
		}
		run = run[:0]
	}
	for _, t := range tokens {
		if b, ok := byteToken(t); ok {
			run = append(run, b)
			continue
		}
		flush()
		out = append(out, t)
	}
	flush()
	return out
}

// byteToken reads <0xE2>.
func byteToken(t string) (b byte, ok bool) {
	if len(t) != 6 || t[:3] != "<0x" || t[5] != '>' {
		return 0, false
	}
	for _, c := range []byte(t[3:5]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		b = b<<4 | c
	}
	return b, true
}

type fuse struct{}

func (fuse) decode(tokens []string) []string { return []string{strings.Join(tokens, "")} }

// eachToken rewrites token by token.
type eachToken func(i int, token string) string

func (f eachToken) decode(tokens []string) []string {
	for i, t := range tokens {
		tokens[i] = f(i, t)
	}
	return tokens
}

// stripEnds takes so many of a character off both ends.
func stripEnds(of string, start, stop int) eachToken {
	return func(_ int, t string) string {
		for i := 0; i < start && strings.HasPrefix(t, of); i++ {
			t = t[len(of):]
		}
		for i := 0; i < stop && strings.HasSuffix(t, of); i++ {
			t = t[:len(t)-len(of)]
		}
		return t
	}
}

// spaces reads the visible spaces of Metaspace; those that were put in front go.
func spaces(mark, scheme string) eachToken {
	return func(i int, t string) string {
		if i == 0 && scheme != "never" {
			return strings.ReplaceAll(t, mark, "")
		}
		return strings.ReplaceAll(t, mark, " ")
	}
}

// wordPieces joins the pieces of words, and puts spaces between words.
func wordPieces(prefix string, clean bool) eachToken {
	return func(i int, t string) string {
		if i > 0 {
			if rest, part := strings.CutPrefix(t, prefix); part {
				t = rest
			} else {
				t = " " + t
			}
		}
		if clean {
			t = cleanUp(t)
		}
		return t
	}
}

var cleanings = []struct{ from, to string }{
	{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
}

func cleanUp(t string) string {
	for _, c := range cleanings {
		t = strings.ReplaceAll(t, c.from, c.to)
	}
	return t
}

// wordEnds reads the suffix of a word's last piece as a space, and as nothing at the end.
type wordEnds string

func (suffix wordEnds) decode(tokens []string) []string {
	for i, t := range tokens {
		with := " "
		if i == len(tokens)-1 {
			with = ""
		}
		tokens[i] = strings.ReplaceAll(t, string(suffix), with)
	}
	return tokens
}
