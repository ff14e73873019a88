package tokenizers

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites a text before it is cut.
type normalizer interface{ normalize(s string) string }

type normalizers []normalizer

func (n normalizers) normalize(s string) string {
	for _, each := range n {
		s = each.normalize(s)
	}
	return s
}

// form is one of Unicode's normal forms.
type form struct{ norm.Form }

func (f form) normalize(s string) string {
	if ascii(s) {
		return s
	}
	if f.Form == norm.NFKC || f.Form == norm.NFKD {
		return f.compatible(s)
	}
	return f.String(s)
}

// compatible leaves characters alone that the reference library does not know to have
// equivalents.
func (f form) compatible(s string) string {
	at := strings.IndexFunc(s, func(r rune) bool { return exception("compatibility", r) })
	if at < 0 {
		return f.String(s)
	}
	_, n := utf8.DecodeRuneInString(s[at:])
	return f.String(s[:at]) + s[at:at+n] + f.compatible(s[at+n:])
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// mapping rewrites character by character; a negative one is left out.
type mapping func(rune) rune

func (m mapping) normalize(s string) string { return strings.Map(m, s) }

// lowerCase maps each character by itself. One of them becomes two.
type lowerCase struct{}

func (lowerCase) normalize(s string) string {
	if strings.ContainsRune(s, 'İ') {
		s = strings.ReplaceAll(s, "İ", "i̇")
	}
	return strings.Map(toLower, s)
}

func toLower(r rune) rune {
	if r < utf8.RuneSelf {
		return unicode.ToLower(r)
	}
	if l, ok := lowerToo[r]; ok {
		return l
	}
	return unicode.ToLower(r)
}

type strip struct{ left, right bool }

func (p strip) normalize(s string) string {
	if p.left {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
	if p.right {
		s = strings.TrimRightFunc(s, unicode.IsSpace)
	}
	return s
}

type prepend string

func (p prepend) normalize(s string) string {
	if s == "" {
		return s
	}
	return string(p) + s
}

type replacement struct {
	what pattern
	with string
}

func (r replacement) normalize(s string) string {
	if text, ok := r.what.(literal); ok {
		return strings.ReplaceAll(s, string(text), r.with)
	}
	var b strings.Builder
	last := 0
	r.what.each(s, func(from, to int) {
		b.WriteString(s[last:from])
		b.WriteString(r.with)
		last = to
	})
	if last == 0 {
		return s
	}
	b.WriteString(s[last:])
	return b.String()
}

// nmt is the clean-up of machine translation: controls go, odd blanks become spaces.
func nmt(r rune) rune {
	switch {
	case r >= 0x01 && r <= 0x08, r == 0x0b, r >= 0x0e && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
		return -1
	case r == 0x09, r == 0x0a, r == 0x0c, r == 0x0d, r == 0x1680, r >= 0x200b && r <= 0x200f, r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == 0xfffd:
		return ' '
	}
	return r
}

func withoutMarks(r rune) rune {
	if unicode.IsMark(r) != exception("mark", r) {
		return -1
	}
	return r
}

// bertNormalizer is what BERT does before it cuts.
type bertNormalizer struct{ clean, chinese, accents, lower bool }

func (n bertNormalizer) normalize(s string) string {
	if n.clean {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == 0, r == 0xfffd, isControl(r):
				return -1
			case unicode.IsSpace(r):
				return ' '
			}
			return r
		}, s)
	}
	if n.chinese {
		s = spaceChinese(s)
	}
	if n.accents {
		s = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) != exception("nonspacing", r) {
				return -1
			}
			return r
		}, form{norm.NFD}.normalize(s))
	}
	if n.lower {
		s = lowerCase{}.normalize(s)
	}
	return s
}

// isControl tells control and format characters.
func isControl(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) != exception("control", r)
}

func spaceChinese(s string) string {
	if ascii(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isChinese(r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isChinese(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0x3400 && r <= 0x4dbf || r >= 0x20000 && r <= 0x2a6df || r >= 0x2a700 && r <= 0x2b73f ||
		r >= 0x2b740 && r <= 0x2b81f || r >= 0x2b920 && r <= 0x2ceaf || r >= 0xf900 && r <= 0xfaff || r >= 0x2f800 && r <= 0x2fa1f
}
