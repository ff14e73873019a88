package tokenizers

import (
	"strings"
	"unicode/utf8"
)

// Stream decodes tokens as they come. What it has given out never changes: a character that
// is not complete yet waits for the token that completes it.
//
//	s := t.Stream()
//	for id := range ids { fmt.Print(s.Add(id)) }
//	fmt.Print(s.End())
type Stream struct {
	t *Pipeline
	// What can still change the meaning of a new token: the last tokens, and the part of
	// them whose text was given out.
	ids   []int
	given string
	mark  int // where ids begin after the next text
}

// Stream begins to decode; special tokens are kept.
func (t *Pipeline) Stream() *Stream { return &Stream{t: t} }

// longestWait bounds how many tokens wait for one character to be complete: those that have
// not made one by then never will.
const longestWait = 32

// Add takes a token and returns the text that is certain now, often none.
func (s *Stream) Add(id int) string {
	s.ids = append(s.ids, id)
	text := s.t.Decode(s.ids)
	if strings.HasSuffix(text, string(utf8.RuneError)) && len(s.ids)-s.mark < longestWait {
		return ""
	}
	return s.give(text)
}

// End returns what was still waiting.
func (s *Stream) End() string {
	text := s.give(s.t.Decode(s.ids))
	s.ids, s.given, s.mark = nil, "", 0
	return text
}

// give keeps the tokens of the text that is given now: they decide how the next ones are
// joined to it.
func (s *Stream) give(text string) string {
	fresh := strings.TrimPrefix(text, s.given)
	rest := s.ids[s.mark:]
	s.ids = append(s.ids[:0:0], rest...)
	s.mark = len(s.ids)
	s.given = s.t.Decode(s.ids)
	return fresh
}
