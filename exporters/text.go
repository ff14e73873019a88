package exporters

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanText makes foreign text, such as a server's error message, safe to print: it
// can neither move the cursor nor reorder what stands around it. Line feeds stay.
func cleanText(s string) string {
	clean := true
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != '\n' || c >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

// textWidth is the number of columns that s takes on a terminal.
func textWidth(s string) int {
	width := 0
	for _, r := range s {
		width += runeWidth(r)
	}
	return width
}

// runeWidth is 0 for marks that sit on the character before them, 2 for East Asian
// wide characters and pictures, else 1.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, // Hangul initials
		r >= 0x2e80 && r <= 0x303e,   // CJK radicals, punctuation
		r >= 0x3041 && r <= 0x33ff,   // kana, CJK symbols
		r >= 0x3400 && r <= 0x4dbf,   // ideographs, extension A
		r >= 0x4e00 && r <= 0x9fff,   // ideographs
		r >= 0xa000 && r <= 0xa4cf,   // Yi
		r >= 0xac00 && r <= 0xd7a3,   // Hangul syllables
		r >= 0xf900 && r <= 0xfaff,   // compatibility ideographs
		r >= 0xfe30 && r <= 0xfe6f,   // compatibility forms
		r >= 0xff00 && r <= 0xff60,   // full-width forms
		r >= 0xffe0 && r <= 0xffe6,   // full-width signs
		r >= 0x1f300 && r <= 0x1faff, // pictures
		r >= 0x20000 && r <= 0x3fffd: // ideographs, further extensions
		return 2
	}
	return 1
}

// wrapText breaks text into lines of at most width columns, between words where it
// can. Line feeds break too; the indentation of a line is kept for what is broken
// off it. Lines carry no space at their end.
func wrapText(s string, width int) []string {
	width = max(width, 1)
	var lines []string
	for _, line := range strings.Split(s, "\n") {
		lines = append(lines, wrapLine(line, width)...)
	}
	return lines
}

func wrapLine(line string, width int) []string {
	if textWidth(line) <= width {
		return []string{strings.TrimRight(line, " ")}
	}
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	if len(indent) > width/2 {
		indent = ""
	}
	var lines []string
	current, used := indent, len(indent)
	fresh := true // nothing but the indentation is on the current line
	emit := func() {
		lines = append(lines, strings.TrimRight(current, " "))
		current, used, fresh = indent, len(indent), true
	}
	for _, word := range strings.SplitAfter(text, " ") {
		bare := strings.TrimRight(word, " ")
		if !fresh && used+textWidth(bare) > width {
			emit()
		}
		for textWidth(bare) > width-used && bare != "" { // too long for any line
			head := cutWidth(bare, max(width-used, 1))
			current += head
			bare, word = bare[len(head):], word[len(head):]
			emit()
		}
		current += word
		used += textWidth(word)
		fresh = fresh && bare == ""
	}
	if !fresh {
		emit()
	}
	return lines
}

// cutWidth is the longest head of s that takes at most width columns, and at least
// one character.
func cutWidth(s string, width int) string {
	used := 0
	for i, r := range s {
		used += runeWidth(r)
		if used > width && i > 0 {
			return s[:i]
		}
	}
	return s
}

// thousands puts commas into the integer part of a plain decimal number.
func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, rest := s, ""
	if dot := strings.IndexByte(s, '.'); dot >= 0 {
		whole, rest = s[:dot], s[dot:]
	}
	var b strings.Builder
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(whole[i])
	}
	return sign + b.String() + rest
}

// title makes the first letter of a word a capital.
func title(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
