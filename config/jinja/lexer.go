package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	kindText kind = iota
	kindName
	kindString
	kindInt
	kindFloat
	kindOp
	kindBlockBegin
	kindBlockEnd
	kindVarBegin
	kindVarEnd
	kindEOF
)

// token is a piece of a template. text is what it says: of a string its value.
type token struct {
	kind kind
	text string
	line int
}

func (t token) String() string {
	switch t.kind {
	case kindEOF:
		return "the end of the template"
	case kindString:
		return "a string"
	case kindBlockEnd:
		return "%}"
	case kindVarEnd:
		return "}}"
	}
	return strconv.Quote(t.text)
}

// Error says what is wrong with a template, or why it could not be rendered.
type Error struct {
	Line   int // from 1
	Reason string
	// Undefined is the name of what is not there, when that is the reason.
	Undefined string
	// Raised: the template itself gave up, by raise_exception.
	Raised bool
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// lexer cuts a template. It panics with *Error.
type lexer struct {
	o      Options
	src    string
	at     int
	line   int
	tokens []token
	// fresh: what came before ended a line, so that blanks before a tag may be stripped.
	fresh bool
}

func lex(src string, o Options) []token {
	src = strings.ReplaceAll(strings.ReplaceAll(src, "\r\n", "\n"), "\r", "\n")
	if !o.KeepTrailingNewline {
		src = strings.TrimSuffix(src, "\n")
	}
	l := &lexer{o: o, src: src, line: 1, fresh: true}
	for l.at < len(l.src) {
		l.outside()
	}
	return append(l.tokens, token{kindEOF, "", l.line})
}

func (l *lexer) fail(format string, args ...any) {
	panic(&Error{Line: l.line, Reason: fmt.Sprintf(format, args...)})
}

func (l *lexer) emit(k kind, text string) { l.tokens = append(l.tokens, token{k, text, l.line}) }

// skip goes n bytes on and keeps count of lines.
func (l *lexer) skip(n int) {
	part := l.src[l.at : l.at+n]
	l.line += strings.Count(part, "\n")
	l.at += n
	if n > 0 {
		l.fresh = part[n-1] == '\n'
	}
}

// opening finds the next tag.
func opening(s string) int {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '{' && (s[i+1] == '{' || s[i+1] == '%' || s[i+1] == '#') {
			return i
		}
	}
	return -1
}

// outside takes a stretch of text and the tag behind it.
func (l *lexer) outside() {
	rest := l.src[l.at:]
	i := opening(rest)
	if i < 0 {
		l.emit(kindText, rest)
		l.skip(len(rest))
		return
	}
	text, tag := rest[:i], rest[i+1]
	sign := byte(0)
	if i+2 < len(rest) && (rest[i+2] == '-' || rest[i+2] == '+') {
		sign = rest[i+2]
	}
	kept := text
	switch {
	case sign == '-':
		kept = strings.TrimRightFunc(text, space)
	case sign != '+' && l.o.LstripBlocks && tag != '{':
		from := strings.LastIndexByte(text, '\n') + 1
		if (from > 0 || l.fresh) && strings.TrimFunc(text[from:], space) == "" {
			kept = text[:from]
		}
	}
	if kept != "" {
		l.emit(kindText, kept)
	}
	l.skip(len(text) + 2)
	if sign != 0 {
		l.skip(1)
	}
	switch tag {
	case '#':
		l.comment()
	case '%':
		if !l.raw() {
			l.emit(kindBlockBegin, "{%")
			l.inside("%}")
		}
	default:
		l.emit(kindVarBegin, "{{")
		l.inside("}}")
	}
}

// space is what Python calls one.
func space(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// closing goes past an end of a tag with the sign before it and what it swallows.
func (l *lexer) closing(end string, block bool) {
	sign := l.src[l.at]
	if sign == '-' || sign == '+' {
		l.skip(1)
	}
	l.skip(len(end))
	rest := l.src[l.at:]
	switch {
	case sign == '-':
		l.skip(len(rest) - len(strings.TrimLeftFunc(rest, space)))
	case sign != '+' && block && l.o.TrimBlocks && strings.HasPrefix(rest, "\n"):
		l.skip(1)
	}
}

func (l *lexer) comment() {
	i := strings.Index(l.src[l.at:], "#}")
	if i < 0 {
		l.fail("a comment without its end, #}")
	}
	if i > 0 && (l.src[l.at+i-1] == '-' || l.src[l.at+i-1] == '+') {
		i--
	}
	l.skip(i)
	l.closing("#}", true)
}

// raw takes a whole {% raw %} block, behind its first two characters.
func (l *lexer) raw() bool {
	rest := strings.TrimLeftFunc(l.src[l.at:], space)
	word, ok := strings.CutPrefix(rest, "raw")
	if !ok {
		return false
	}
	word = strings.TrimLeftFunc(word, space)
	if !strings.HasPrefix(word, "%}") && !strings.HasPrefix(word, "-%}") && !strings.HasPrefix(word, "+%}") {
		return false
	}
	l.skip(len(l.src) - l.at - len(word))
	l.closing("%}", true)
	for from := l.at; ; {
		i := strings.Index(l.src[from:], "{%")
		if i < 0 {
			l.fail("{%% raw %%} without {%% endraw %%}")
		}
		end := from + i
		tail := l.src[end+2:]
		sign := byte(0)
		if tail != "" && (tail[0] == '-' || tail[0] == '+') {
			sign, tail = tail[0], tail[1:]
		}
		tail, ok := strings.CutPrefix(strings.TrimLeftFunc(tail, space), "endraw")
		tail = strings.TrimLeftFunc(tail, space)
		if !ok || !strings.HasPrefix(strings.TrimLeft(tail, "-+"), "%}") {
			from = end + 2
			continue
		}
		text := l.src[l.at:end]
		if sign == '-' {
			text = strings.TrimRightFunc(text, space)
		}
		l.emit(kindText, text)
		l.skip(len(l.src) - l.at - len(tail))
		l.closing("%}", true)
		return true
	}
}

// inside takes what stands in a tag, to its end.
func (l *lexer) inside(end string) {
	var open []byte
	for {
		l.blanks()
		rest := l.src[l.at:]
		if rest == "" {
			l.fail("a tag without its end, %s", end)
		}
		if len(open) == 0 && (strings.HasPrefix(rest, end) || (rest[0] == '-' || rest[0] == '+') && strings.HasPrefix(rest[1:], end)) {
			l.emit(map[string]kind{"%}": kindBlockEnd, "}}": kindVarEnd}[end], end)
			l.closing(end, end == "%}")
			return
		}
		c := rest[0]
		switch {
		case c == '\'' || c == '"':
			l.str(c)
		case c >= '0' && c <= '9':
			l.number()
		case c == '_' || c >= utf8.RuneSelf || unicode.IsLetter(rune(c)):
			l.name()
		default:
			open = l.operator(open)
		}
	}
}

func (l *lexer) blanks() {
	rest := l.src[l.at:]
	l.skip(len(rest) - len(strings.TrimLeftFunc(rest, space)))
}

func (l *lexer) name() {
	rest := l.src[l.at:]
	n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if n < 0 {
		n = len(rest)
	}
	if n == 0 {
		l.fail("%q is not a name", rest[:1])
	}
	l.emit(kindName, rest[:n])
	l.skip(n)
}

func (l *lexer) number() {
	rest := l.src[l.at:]
	digits := func(i int) int {
		for i < len(rest) && (rest[i] >= '0' && rest[i] <= '9' || rest[i] == '_' && i > 0 && rest[i-1] != '_') {
			i++
		}
		return i
	}
	n, k := digits(0), kindInt
	if n+1 < len(rest) && rest[n] == '.' && rest[n+1] >= '0' && rest[n+1] <= '9' {
		n, k = digits(n+1), kindFloat
	}
	if n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
		m := n + 1
		if m < len(rest) && (rest[m] == '+' || rest[m] == '-') {
			m++
		}
		if end := digits(m); end > m {
			n, k = end, kindFloat
		}
	}
	l.emit(k, strings.ReplaceAll(rest[:n], "_", ""))
	l.skip(n)
}

var operators = []string{"**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}", "<", ">", "=", ".", ":", "|", ",", ";"}

var pairs = map[byte]byte{')': '(', ']': '[', '}': '{'}

func (l *lexer) operator(open []byte) []byte {
	rest := l.src[l.at:]
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		switch c := op[0]; c {
		case '(', '[', '{':
			open = append(open, c)
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != pairs[c] {
				l.fail("%q closes nothing", op)
			}
			open = open[:len(open)-1]
		}
		l.emit(kindOp, op)
		l.skip(len(op))
		return open
	}
	l.fail("%q does not belong here", string([]rune(rest)[:1]))
	return nil
}

// str takes a string: escapes as in Python, line ends allowed.
func (l *lexer) str(quote byte) {
	var b strings.Builder
	i := l.at + 1
	for ; i < len(l.src) && l.src[i] != quote; i++ {
		if l.src[i] != '\\' {
			b.WriteByte(l.src[i])
			continue
		}
		i++
		if i == len(l.src) {
			break
		}
		i += l.escape(&b, i) - 1
	}
	if i >= len(l.src) {
		l.fail("a string without its end, %c", quote)
	}
	l.emit(kindString, b.String())
	l.skip(i + 1 - l.at)
}

var plainEscapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '\\': '\\', '\'': '\'', '"': '"', 'a': 7, 'b': 8, 'f': 12, 'v': 11}

// escape writes what stands behind a backslash and returns its length.
func (l *lexer) escape(b *strings.Builder, i int) int {
	c := l.src[i]
	if p, ok := plainEscapes[c]; ok {
		b.WriteByte(p)
		return 1
	}
	if width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]; width > 0 {
		if i+1+width > len(l.src) {
			l.fail("a cut escape in a string")
		}
		n, err := strconv.ParseUint(l.src[i+1:i+1+width], 16, 32)
		if err != nil {
			l.fail(`\%c wants %d hexadecimal digits`, c, width)
		}
		b.WriteRune(rune(n))
		return 1 + width
	}
	switch {
	case c == '\n':
		return 1
	case c >= '0' && c <= '7':
		n := 1
		for n < 3 && i+n < len(l.src) && l.src[i+n] >= '0' && l.src[i+n] <= '7' {
			n++
		}
		v, _ := strconv.ParseUint(l.src[i:i+n], 8, 16)
		b.WriteRune(rune(v))
		return n
	}
	b.WriteByte('\\')
	b.WriteByte(c)
	return 1
}
