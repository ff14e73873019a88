package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Problem is one reason why a run cannot start: where it lies, what is wrong, what
// was found there, and what to do instead. Got never holds a secret.
type Problem struct {
	Where  string // the flag as typed, or the variable
	Reason string
	Got    string // "" = the value is not shown
	Hint   string // "" = the reason says it
}

// Error is the problem in one line: `where: reason (got value); hint`.
func (p Problem) Error() string {
	s := p.Where + ": " + p.Reason
	if p.Got != "" {
		s += " (got " + cut(p.Got) + ")"
	}
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// longestGot bounds how much of a value an error repeats, in characters.
const longestGot = 80

// cut shortens a value and keeps it on one line.
func cut(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > longestGot {
		return string([]rune(s)[:longestGot-1]) + "…"
	}
	return s
}

// Problems are all that is wrong at once.
type Problems []Problem

// Error lists the problems, one a line; a count ends a list of several.
func (ps Problems) Error() string {
	lines := make([]string, 0, len(ps)+1)
	for _, p := range ps {
		lines = append(lines, p.Error())
	}
	if len(ps) > 1 {
		lines = append(lines, fmt.Sprintf("%d problems", len(ps)))
	}
	return strings.Join(lines, "\n")
}

// add appends a problem.
func (ps *Problems) add(where, reason, got, hint string) {
	*ps = append(*ps, Problem{Where: where, Reason: reason, Got: got, Hint: hint})
}
