package tokenizers

import (
	"unicode"
	"unicode/utf8"
)

// Text is cut into pieces before bytes are merged; a merge never crosses a piece.
// The vocabularies define their pieces by regular expressions with look-ahead.
// Each expression is written out by hand here: the engine that could run them as
// they are needs 50 times as long.

// class is what a character is, as far as the expressions ask.
type class uint8

const (
	upper   class = 1 << iota // \p{Lu} \p{Lt}
	lower                     // \p{Ll}
	uncased                   // \p{Lm} \p{Lo}
	mark                      // \p{M}
	digit                     // \p{N}
	space                     // \s
	newline                   // \r \n, beside space
	// 0 is everything else
)

const (
	letter    = upper | lower | uncased
	startWord = upper | uncased | mark // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
	restWord  = lower | uncased | mark // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
	both      = uncased | mark
)

var asciiClasses = func() (t [utf8.RuneSelf]class) {
	for r := range t {
		t[r] = classify(rune(r))
	}
	return t
}()

func classify(r rune) class {
	switch {
	case r == '\r' || r == '\n':
		return space | newline
	case unicode.IsLower(r):
		return lower
	case unicode.IsUpper(r), unicode.IsTitle(r):
		return upper
	case unicode.IsLetter(r):
		return uncased
	case unicode.IsNumber(r):
		return digit
	case unicode.IsSpace(r):
		return space
	case unicode.IsMark(r):
		return mark
	}
	return newerClasses[newerCategory(r)]
}

var newerClasses = map[string]class{"Lu": upper, "Ll": lower, "Lm": uncased, "Lo": uncased, "M": mark, "N": digit}

// at classifies the character at s[i]; n is its length in bytes, 0 at the end.
// A byte that is no UTF-8 is a character of its own that is nothing special.
func at(s string, i int) (c class, n int) {
	if i >= len(s) {
		return 0, 0
	}
	if b := s[i]; b < utf8.RuneSelf {
		return asciiClasses[b], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	if r == utf8.RuneError && n == 1 {
		return 0, 1
	}
	return classify(r), n
}

// run skips the characters from i on that have one of the classes.
func run(s string, i int, of class) int {
	for {
		c, n := at(s, i)
		if n == 0 || c&of == 0 {
			return i
		}
		i += n
	}
}

// runOther skips [^\s\p{L}\p{N}].
func runOther(s string, i int) int {
	for {
		c, n := at(s, i)
		if n == 0 || c&(space|letter|digit) != 0 {
			return i
		}
		i += n
	}
}

// scanner returns the end of the piece that begins at i; i is inside s.
type scanner func(s string, i int) int

// scanO200K cuts like
//
//	[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//	[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//	\p{N}{1,3} |  ?[^\s\p{L}\p{N}]+[\r\n/]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// the first that matches wins.
func scanO200K(s string, i int) int {
	c, n := at(s, i)
	// A character in front of a word belongs to it.
	prefixed := i
	if c&(newline|letter|digit) == 0 {
		prefixed = i + n
	}
	for _, word := range [...]func(string, int) int{word200A, word200B} {
		if prefixed > i {
			if end := word(s, prefixed); end > prefixed {
				return contraction(s, end, true)
			}
		}
		if c&(letter|mark) != 0 {
			if end := word(s, i); end > i {
				return contraction(s, end, true)
			}
		}
	}
	if c&digit != 0 {
		return digits(s, i)
	}
	if end := others(s, i); end > i {
		for end < len(s) && (s[end] == '\r' || s[end] == '\n' || s[end] == '/') {
			end++
		}
		return end
	}
	return blanks(s, i, true)
}

// word200A is [start]*[rest]+ with its backtracking: the run of starting characters
// is as long as it can be, and when nothing follows it, it gives back up to its last
// character that may also end a word.
func word200A(s string, i int) int {
	lastBoth := i
	for {
		c, n := at(s, i)
		if n == 0 || c&startWord == 0 {
			if c&restWord != 0 {
				return run(s, i, restWord)
			}
			return lastBoth
		}
		i += n
		if c&both != 0 {
			lastBoth = i
		}
	}
}

// word200B is [start]+[rest]*.
func word200B(s string, i int) int {
	end := run(s, i, startWord)
	if end == i {
		return i
	}
	return run(s, end, restWord)
}

// scanCL100K cuts like
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,3} |
//	 ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
func scanCL100K(s string, i int) int {
	if end := contraction(s, i, true); end > i {
		return end
	}
	c, n := at(s, i)
	if c&letter != 0 {
		return run(s, i, letter)
	}
	if c&(newline|digit) == 0 {
		if end := run(s, i+n, letter); end > i+n {
			return end
		}
	}
	if c&digit != 0 {
		return digits(s, i)
	}
	if end := others(s, i); end > i {
		for end < len(s) && (s[end] == '\r' || s[end] == '\n') {
			end++
		}
		return end
	}
	return blanks(s, i, true)
}

// scanGPT2 cuts like
//
//	's|'t|'re|'ve|'m|'ll|'d |  ?\p{L}+ |  ?\p{N}+ |  ?[^\s\p{L}\p{N}]+ | \s+(?!\S) | \s+
func scanGPT2(s string, i int) int {
	if end := contraction(s, i, false); end > i {
		return end
	}
	from := i
	if s[i] == ' ' {
		from++
	}
	c, _ := at(s, from)
	switch {
	case c&letter != 0:
		return run(s, from, letter)
	case c&digit != 0:
		return run(s, from, digit)
	}
	if end := others(s, i); end > i {
		return end
	}
	return blanks(s, i, false)
}

// digits is \p{N}{1,3}.
func digits(s string, i int) int {
	for range 3 {
		c, n := at(s, i)
		if n == 0 || c&digit == 0 {
			break
		}
		i += n
	}
	return i
}

// others is " ?[^\s\p{L}\p{N}]+"; i when it does not match.
func others(s string, i int) int {
	from := i
	if s[i] == ' ' {
		from++
	}
	if end := runOther(s, from); end > from {
		return end
	}
	return i
}

// blanks cuts white space: with breaks, up to the last line break of the run; else
// all of it at the end of the text, and all but the last blank before a word.
func blanks(s string, i int, breaks bool) int {
	end, lastBreak, lastStart := i, i, i
	for {
		c, n := at(s, end)
		if n == 0 || c&space == 0 {
			break
		}
		lastStart = end
		end += n
		if c&newline != 0 {
			lastBreak = end
		}
	}
	switch {
	case breaks && lastBreak > i:
		return lastBreak
	case end < len(s) && lastStart > i:
		return lastStart
	}
	return end
}

// contraction skips 's 't 're 've 'm 'll 'd at i; i when there is none. Without
// regard to case, 's is also spelled with the long s (U+017F).
func contraction(s string, i int, fold bool) int {
	if i+1 >= len(s) || s[i] != '\'' {
		return i
	}
	b, next := s[i+1], byte(0)
	if i+2 < len(s) {
		next = s[i+2]
	}
	if fold {
		if b == 0xc5 && next == 0xbf {
			return i + 3
		}
		b, next = fold8(b), fold8(next)
	}
	switch {
	case b == 's', b == 't', b == 'm', b == 'd':
		return i + 2
	case b == 'r' && next == 'e', b == 'v' && next == 'e', b == 'l' && next == 'l':
		return i + 3
	}
	return i
}

func fold8(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// scanQwen cuts like scanCL100K, but for digits, which are pieces one by one.
func scanQwen(s string, i int) int {
	if c, n := at(s, i); c&digit != 0 {
		return i + n
	}
	return scanCL100K(s, i)
}

// findDigits is \p{N}{1,3}.
func findDigits(s string, i int) (from, to int) {
	for i < len(s) {
		c, n := at(s, i)
		if c&digit != 0 {
			return i, digits(s, i)
		}
		i += n
	}
	return -1, -1
}

// findEastAsian is [一-龥぀-ゟ゠-ヿ]+: common Chinese characters and Japanese kana.
func findEastAsian(s string, i int) (from, to int) {
	in := func(i int) int {
		if i >= len(s) || s[i] < 0xe3 || s[i] > 0xe9 {
			return 0
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r >= 0x4e00 && r <= 0x9fa5 || r >= 0x3040 && r <= 0x30ff {
			return n
		}
		return 0
	}
	for ; i < len(s); i++ {
		n := in(i)
		if n == 0 {
			continue
		}
		for to = i + n; ; to += n {
			if n = in(to); n == 0 {
				return i, to
			}
		}
	}
	return -1, -1
}

// findDeepSeek is
//
//	[!-/:-@\[-`{-~][A-Za-z]+ | [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+ |  ?[\p{P}\p{S}]+[\r\n]* |
//	\s*[\r\n]+ | \s+(?!\S) | \s+
//
// Digits and controls match nowhere but in front of a word.
func findDeepSeek(s string, i int) (from, to int) {
	for i < len(s) {
		if end := deepSeekAt(s, i); end > i {
			return i, end
		}
		_, n := at(s, i)
		i += n
	}
	return -1, -1
}

func deepSeekAt(s string, i int) int {
	c, n := at(s, i)
	sign := c&(letter|mark|digit|space) == 0 && isSign(s, i)
	if sign && s[i] < utf8.RuneSelf {
		end := i + 1
		for end < len(s) && (s[end] >= 'a' && s[end] <= 'z' || s[end] >= 'A' && s[end] <= 'Z') {
			end++
		}
		if end > i+1 {
			return end
		}
	}
	// A character in front of a word belongs to it; if there is no word behind it, it may
	// be the word's first itself.
	if !sign && c&(letter|newline) == 0 {
		if end := run(s, i+n, letter|mark); end > i+n {
			return end
		}
	}
	if c&(letter|mark) != 0 {
		return run(s, i, letter|mark)
	}
	start := i
	if s[i] == ' ' {
		start++
	}
	if end := runSigns(s, start); end > start {
		for end < len(s) && (s[end] == '\r' || s[end] == '\n') {
			end++
		}
		return end
	}
	if c&space != 0 {
		return blanks(s, i, true)
	}
	return i
}

// isSign tells [\p{P}\p{S}].
func isSign(s string, i int) bool {
	if b := s[i]; b < utf8.RuneSelf {
		return b > ' ' && b < 0x7f // neither letter nor digit, as the caller knows
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	newer := newerCategory(r)
	return unicode.In(r, unicode.P, unicode.S) || newer == "P" || newer == "S"
}

func runSigns(s string, i int) int {
	for i < len(s) {
		c, n := at(s, i)
		if c&(letter|mark|digit|space) != 0 || !isSign(s, i) {
			return i
		}
		i += n
	}
	return i
}

// findCLIP is 's|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
func findCLIP(s string, i int) (from, to int) {
	for i < len(s) {
		if end := contraction(s, i, false); end > i {
			return i, end
		}
		c, n := at(s, i)
		switch {
		case c&letter != 0:
			return i, run(s, i, letter)
		case c&digit != 0:
			return i, i + n
		case c&space == 0:
			return i, runOther(s, i)
		}
		i += n
	}
	return -1, -1
}
