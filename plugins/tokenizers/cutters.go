package tokenizers

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cutter cuts pieces into smaller ones. Pieces are parts of the text, but for a few
// cutters that change it. first tells that the pieces begin the text as it was given.
type cutter interface {
	cut(dst, pieces []string, first bool) []string
}

// behavior is what becomes of the matches of a split.
type behavior int

const (
	removed behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

var behaviors = map[string]behavior{
	"Removed": removed, "Isolated": isolated, "MergedWithPrevious": mergedWithPrevious, "MergedWithNext": mergedWithNext, "Contiguous": contiguous,
}

// splitter cuts by a pattern. Inverted, what lies between the matches is a match.
type splitter struct {
	by     pattern
	as     behavior
	invert bool
}

func (c splitter) cut(dst, pieces []string, _ bool) []string {
	scan, everywhere := c.by.(scanner)
	for _, s := range pieces {
		if everywhere && c.as == isolated { // the common case, without a list of matches
			dst = scan.cut(dst, s)
		} else {
			dst = c.split(dst, s)
		}
	}
	return dst
}

func (c splitter) split(dst []string, s string) []string {
	g := gatherer{as: c.as, s: s, dst: dst, from: -1}
	last := 0
	c.by.each(s, func(from, to int) {
		if from > last {
			g.add(last, from, c.invert)
		}
		g.add(from, to, !c.invert)
		last = to
	})
	if last < len(s) {
		g.add(last, len(s), c.invert)
	}
	return g.end()
}

// gatherer makes pieces of matches and of what lies between them.
type gatherer struct {
	as       behavior
	s        string
	dst      []string
	from, to int // a piece that may still grow; from < 0: none
	match    bool
}

func (g *gatherer) add(from, to int, match bool) {
	grows := false
	switch g.as {
	case removed:
		g.flush()
		if !match {
			g.dst = append(g.dst, g.s[from:to])
		}
		return
	case mergedWithPrevious:
		grows = match && !g.match && g.from >= 0
	case mergedWithNext:
		grows = !match && g.match && g.from >= 0
	case contiguous:
		grows = match == g.match && g.from >= 0
	}
	if !grows {
		g.flush()
		g.from = from
	}
	g.to, g.match = to, match
}

func (g *gatherer) flush() {
	if g.from >= 0 {
		g.dst = append(g.dst, g.s[g.from:g.to])
		g.from = -1
	}
}

func (g *gatherer) end() []string {
	g.flush()
	return g.dst
}

// when is a pattern of runs of characters, one by one or all of a run together.
type when struct {
	is     func(rune) bool
	single bool
}

func (p when) each(s string, emit func(from, to int)) { finder(p.next).each(s, emit) }

func (p when) next(s string, i int) (from, to int) {
	from = -1
	for k, r := range s[i:] {
		if p.is(r) {
			if from < 0 {
				from = i + k
			}
			if p.single {
				return from, from + utf8.RuneLen(r)
			}
		} else if from >= 0 {
			return from, i + k
		}
	}
	if from < 0 {
		return -1, -1
	}
	return from, len(s)
}

// metaspace writes spaces as a visible character, puts one in front, and cuts there.
type metaspace struct {
	mark   string
	scheme string // always, first, never
	split  bool
}

func (c metaspace) cut(dst, pieces []string, first bool) []string {
	for i, s := range pieces {
		s = strings.ReplaceAll(s, " ", c.mark)
		if !strings.HasPrefix(s, c.mark) && (c.scheme == "always" || c.scheme == "first" && first && i == 0) {
			s = c.mark + s
		}
		if !c.split {
			dst = append(dst, s)
			continue
		}
		dst = splitter{by: literal(c.mark), as: mergedWithNext}.split(dst, s)
	}
	return dst
}

// byteLevel puts a space in front, and cuts as GPT-2 does if it is asked to. That its
// pieces are bytes is the model's business.
type byteLevel struct {
	prefixSpace, split bool
	alphabet           bool // pieces are written in the byte alphabet
}

func (c byteLevel) cut(dst, pieces []string, _ bool) []string {
	start := len(dst)
	for _, s := range pieces {
		if c.prefixSpace && s != "" && s[0] != ' ' {
			s = " " + s
		}
		if c.split {
			dst = scanner(scanGPT2).cut(dst, s)
		} else {
			dst = append(dst, s)
		}
	}
	if c.alphabet {
		for i, s := range dst[start:] {
			dst[start+i] = inAlphabet(s)
		}
	}
	return dst
}

func inAlphabet(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(byteAlphabet[s[i]])
	}
	return b.String()
}

// isPunctuation tells what the reference library's punctuation is: that of ASCII with its
// symbols, and Unicode's.
func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7f && asciiClasses[r]&(letter|digit) == 0
	}
	return unicode.IsPunct(r) != exception("punctuation", r)
}

func isNumber(r rune) bool { return unicode.IsNumber(r) != exception("number", r) }

// isWord is \w.
func isWord(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsMark(r) || r == 0x200c || r == 0x200d ||
		unicode.In(r, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic)) != exception("word", r)
}

// findWordsAndSigns is \w+|[^\w\s]+.
func findWordsAndSigns(s string, i int) (from, to int) {
	kind := func(r rune) int {
		switch {
		case isWord(r):
			return 1
		case unicode.IsSpace(r):
			return 0
		}
		return 2
	}
	from, of := -1, 0
	for k, r := range s[i:] {
		is := kind(r)
		if from >= 0 && is != of {
			return from, i + k
		}
		if from < 0 && is != 0 {
			from, of = i+k, is
		}
	}
	if from < 0 {
		return -1, -1
	}
	return from, len(s)
}

// fixedLength cuts after so many characters.
type fixedLength int

func (c fixedLength) cut(dst, pieces []string, _ bool) []string {
	for _, s := range pieces {
		n, from := 0, 0
		for i := range s {
			if n == int(c) {
				dst = append(dst, s[from:i])
				from, n = i, 0
			}
			n++
		}
		if from < len(s) {
			dst = append(dst, s[from:])
		}
	}
	return dst
}
