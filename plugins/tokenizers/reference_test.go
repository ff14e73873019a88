package tokenizers

import (
	"strings"
	"sync"

	"github.com/dlclark/regexp2"
	loader "github.com/pkoukk/tiktoken-go-loader"

	tiktoken "github.com/pkoukk/tiktoken-go"
)

// reference is the slow, obvious encoder: the published expression, run by an engine
// with look-ahead, and the public library's merges.
var reference = func() func(encoding string) *tiktoken.Tiktoken {
	var mu sync.Mutex
	loaded := map[string]*tiktoken.Tiktoken{}
	return func(encoding string) *tiktoken.Tiktoken {
		mu.Lock()
		defer mu.Unlock()
		if loaded[encoding] == nil {
			tiktoken.SetBpeLoader(loader.NewOfflineLoader())
			t, err := tiktoken.GetEncoding(encoding)
			if err != nil {
				panic(err)
			}
			loaded[encoding] = t
		}
		return loaded[encoding]
	}
}()

// patterns are the published expressions; the long s, which the reference engine
// does not fold, is spelled out.
var patterns = map[string]*regexp2.Regexp{
	"o200k_base": regexp2.MustCompile(strings.Join([]string{
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'ſ|'t|'re|'ve|'m|'ll|'d)?`,
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'ſ|'t|'re|'ve|'m|'ll|'d)?`,
		`\p{N}{1,3}`, ` ?[^\s\p{L}\p{N}]+[\r\n/]*`, `\s*[\r\n]+`, `\s+(?!\S)`, `\s+`,
	}, "|"), regexp2.None),
	"cl100k_base": regexp2.MustCompile(
		`(?i:'s|'ſ|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`, regexp2.None),
	"p50k_base": regexp2.MustCompile(`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, regexp2.None),
}

// referencePieces cuts a text with the expression.
func referencePieces(encoding, text string) []string {
	var pieces []string
	m, _ := patterns[encoding].FindStringMatch(text)
	for m != nil {
		pieces = append(pieces, m.String())
		m, _ = patterns[encoding].FindNextMatch(m)
	}
	return pieces
}

func pieces(encoding, text string) []string {
	scan := dialects[encoding].scanner()
	var out []string
	for i := 0; i < len(text); {
		end := scan(text, i)
		out = append(out, text[i:end])
		i = end
	}
	return out
}

// slowMerge is the textbook byte-pair encoding: scan all neighbours, join the best.
func slowMerge(v *vocabulary, piece []byte) []int {
	var parts [][]byte
	for i := range piece {
		parts = append(parts, piece[i:i+1])
	}
	for {
		best, bestRank := -1, 0
		for i := 0; i+1 < len(parts); i++ {
			joined := append(append([]byte(nil), parts[i]...), parts[i+1]...)
			if id := v.find(joined); id >= 0 && (best < 0 || id < bestRank) {
				best, bestRank = i, id
			}
		}
		if best < 0 {
			break
		}
		joined := append(append([]byte(nil), parts[best]...), parts[best+1]...)
		parts = append(append(append([][]byte(nil), parts[:best]...), joined), parts[best+2:]...)
	}
	var ids []int
	for _, p := range parts {
		ids = append(ids, v.find(p))
	}
	return ids
}
