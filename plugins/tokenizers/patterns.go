package tokenizers

import (
	"strings"

	"github.com/dlclark/regexp2/v2"
)

// pattern finds its next match in s at or after i: from < 0 when there is none.
type pattern interface {
	next(s string, i int) (from, to int)
}

// literal is a plain text.
type literal string

func (p literal) next(s string, i int) (from, to int) {
	if p == "" {
		return -1, -1
	}
	if at := strings.Index(s[i:], string(p)); at >= 0 {
		return i + at, i + at + len(p)
	}
	return -1, -1
}

// next makes a scanner, which matches everywhere, a pattern.
func (scan scanner) next(s string, i int) (from, to int) {
	if i >= len(s) {
		return -1, -1
	}
	return i, scan(s, i)
}

// finder is a scanner that does not match everywhere: it skips what it cannot match.
type finder func(s string, i int) (from, to int)

func (f finder) next(s string, i int) (from, to int) { return f(s, i) }

// known are the expressions of the common vocabularies, written out by hand: they run many
// times as fast as an engine with look-ahead could run them.
var known = map[string]pattern{
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`:                                                                                                                                                                scanner(scanCL100K),
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`:                                                                                                                                                                     scanner(scanQwen),
	`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`: scanner(scanO200K),
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`:                                                                                                                                                                                                         scanner(scanGPT2),
	`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`:                                                                                                                                                                                                                          finder(findCLIP),
	`\p{N}{1,3}`:   finder(findDigits),
	"[一-龥぀-ゟ゠-ヿ]+": finder(findEastAsian),
	"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+": finder(findDeepSeek),
}

// expression is any other regular expression.
type expression struct{ re *regexp2.Regexp }

// compile makes a pattern of a regular expression.
func compile(text string) (pattern, error) {
	if p, ok := known[text]; ok {
		return p, nil
	}
	re, err := regexp2.Compile(withNewer(text))
	if err != nil {
		return nil, err
	}
	return &expression{re}, nil
}

// next is for callers that want one match; eachMatch is cheaper for all.
func (e *expression) next(s string, i int) (from, to int) {
	from = -1
	e.each(s[i:], func(f, t int) bool {
		from, to = i+f, i+t
		return false
	})
	return from, to
}

func (e *expression) each(s string, emit func(from, to int) bool) {
	all, err := e.re.FindAllStringIndex(s, -1)
	if err != nil {
		return // it has no time limit: nothing can go wrong
	}
	for _, m := range all {
		if !emit(m[0], m[1]) {
			return
		}
	}
}

// eachMatch walks over the matches in a text; empty ones are left out.
func eachMatch(p pattern, s string, emit func(from, to int)) {
	if e, ok := p.(*expression); ok {
		e.each(s, func(from, to int) bool {
			if to > from {
				emit(from, to)
			}
			return true
		})
		return
	}
	for i := 0; i < len(s); {
		from, to := p.next(s, i)
		if from < 0 || to <= from {
			return
		}
		emit(from, to)
		i = to
	}
}
