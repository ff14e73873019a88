package tokenizers

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is one that the model's vocabulary need not have. It is found in the text
// before anything else happens to that.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// addedSet finds added tokens: the leftmost first, of those the longest.
type addedSet struct {
	list   []addedToken
	trie   *trie
	starts [256]bool // bytes that some token begins with
}

func newAddedSet(list []addedToken, spelled func(string) string) *addedSet {
	a := &addedSet{list: list}
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = spelled(t.Content)
		if texts[i] != "" {
			a.starts[texts[i][0]] = true
		}
	}
	a.trie = newTrie(texts)
	return a
}

// each walks over a text: token ≥ 0 for an added token, −1 for a stretch of other text.
func (a *addedSet) each(s string, emit func(token int, text string)) {
	done := 0 // what has been emitted
	if len(a.list) > 0 {
		for i := 0; i < len(s); {
			if !a.starts[s[i]] {
				i++
				continue
			}
			k, n := a.trie.longest(s[i:])
			if k < 0 {
				i++
				continue
			}
			from, to := i, i+n
			i = to
			t := &a.list[k]
			if t.SingleWord && (endsInWord(s[:from]) || beginsWithWord(s[to:])) {
				continue
			}
			if t.LStrip {
				from = max(len(strings.TrimRightFunc(s[:from], unicode.IsSpace)), done)
			}
			if t.RStrip {
				to = len(s) - len(strings.TrimLeftFunc(s[to:], unicode.IsSpace))
			}
			if done < from {
				emit(-1, s[done:from])
			}
			emit(t.ID, "")
			done = to
		}
	}
	if done < len(s) {
		emit(-1, s[done:])
	}
}

func endsInWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func beginsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}
