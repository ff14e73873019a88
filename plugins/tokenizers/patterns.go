package tokenizers

import (
	"fmt"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// pattern finds parts of a text.
type pattern interface {
	// each walks over the matches from left to right; empty ones are left out.
	each(s string, emit func(from, to int))
}

// finder finds its next match in s at or after i: from < 0 when there is none.
type finder func(s string, i int) (from, to int)

func (f finder) each(s string, emit func(from, to int)) {
	for i := 0; i < len(s); {
		from, to := f(s, i)
		if from < 0 {
			return
		}
		emit(from, to)
		i = to
	}
}

// literal is a plain text.
type literal string

func (p literal) each(s string, emit func(from, to int)) {
	finder(func(s string, i int) (from, to int) {
		at := strings.Index(s[i:], string(p))
		if at < 0 || p == "" {
			return -1, -1
		}
		return i + at, i + at + len(p)
	}).each(s, emit)
}

// A scanner is a pattern that matches everywhere.
func (scan scanner) each(s string, emit func(from, to int)) {
	for i := 0; i < len(s); {
		end := scan(s, i)
		emit(i, end)
		i = end
	}
}

// cut appends the pieces of s to dst: each without the detour of a function for each piece.
func (scan scanner) cut(dst []string, s string) []string {
	for i := 0; i < len(s); {
		end := scan(s, i)
		dst = append(dst, s[i:end])
		i = end
	}
	return dst
}

// Expressions of the common vocabularies.
const (
	expressionCL100K = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	expressionO200K  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	expressionGPT2   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
)

// known are the expressions of the common vocabularies, written out by hand: they run many
// times as fast as an engine with look-ahead could run them.
var known = map[string]pattern{
	expressionCL100K: scanner(scanCL100K),
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: scanner(scanQwen),
	expressionO200K: scanner(scanO200K),
	expressionGPT2:  scanner(scanGPT2),
	`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`: finder(findCLIP),
	`\p{N}{1,3}`:   finder(findDigits),
	"[一-龥぀-ゟ゠-ヿ]+": finder(findEastAsian),
	"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+": finder(findDeepSeek),
}

// expression is any other regular expression.
type expression struct{ re *regexp2.Regexp }

// patience is how long one search may take. Expressions that look back can take longer than
// anybody lives: (a+)+$ does.
var patience = 5 * time.Second

// patternError is what a pipeline panics with, and catches, when an expression takes too long.
type patternError struct{ err error }

// compile makes a pattern of a regular expression.
func compile(text string) (pattern, error) {
	if p, ok := known[text]; ok {
		return p, nil
	}
	re, err := regexp2.Compile(withNewer(text))
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = patience
	return expression{re}, nil
}

func (e expression) each(s string, emit func(from, to int)) {
	all, err := e.re.FindAllStringIndex(s, -1)
	if err != nil {
		panic(patternError{fmt.Errorf("the expression %.60q takes longer than %s on a text of %d bytes", e.re.String(), patience, len(s))})
	}
	for _, m := range all {
		if m[1] > m[0] {
			emit(m[0], m[1])
		}
	}
}
