// Package tokenizers holds what counts tokens: a contract, the embedded byte-pair
// vocabularies, and the rule that finds a vocabulary for a name.
package tokenizers

import (
	"strings"

	"aiperf/config"
)

// Tokenizer turns text into token ids and back. It is safe for concurrent use.
type Tokenizer interface {
	Encode(text string) []int
	Decode(ids []int) string
	Count(text string) int
	// NumSpecialTokens is how many tokens are added to a single sequence.
	NumSpecialTokens() int
	VocabSize() int
	Name() string
}

// Special is a tokenizer that knows which of its tokens are special.
type Special interface {
	Tokenizer
	// EncodeSpecial adds the tokens that the tokenizer puts around a text.
	EncodeSpecial(text string) []int
	// DecodePlain leaves special tokens out, which Decode keeps.
	DecodePlain(ids []int) string
}

// Failing is a tokenizer that can meet a text it cannot get through. Whoever has encoded
// or decoded asks once afterwards.
type Failing interface{ Err() error }

// Check asks t for its failure; t may be nil.
func Check(t Tokenizer) error {
	if f, ok := t.(Failing); ok {
		return f.Err()
	}
	return nil
}

// Chat is a tokenizer that knows how its model is talked to.
type Chat interface {
	Tokenizer
	// HasChatTemplate tells whether there is a template at all.
	HasChatTemplate() bool
	// RenderChat makes the text that the model reads of a JSON list of messages, with the
	// beginning of the model's answer when prompt is set. It fails where the template does.
	RenderChat(messages string, prompt bool) (string, error)
}

// Config names the vocabulary: an embedded one, or a file's.
type Config struct {
	Encoding string
	Path     string // a compiled tokenizer, or a folder or file to load
	Name     string // what the user calls it
}

// Chosen is what makes the tokenizer of a run.
func Chosen(t config.Tokenizer) Config {
	return Config{Encoding: t.Encoding, Path: t.Path, Name: t.Asked}
}

// Constructor loads a tokenizer; plugins of category "tokenizer" register one.
type Constructor = func(Config) (Tokenizer, error)

// DefaultEncoding is the vocabulary that stands in for one that is not at hand.
const DefaultEncoding = "o200k_base"

// Encodings are the embedded vocabularies, with the number of token ids of each.
var Encodings = map[string]int{
	"o200k_base": 200019, "cl100k_base": 100277, "p50k_base": 50281, "r50k_base": 50257,
}

// models are families whose text is counted by an embedded vocabulary exactly; the first
// prefix that fits wins. (gpt-oss has more special tokens, and the same ones for text.)
var models = []struct{ prefix, encoding string }{
	{"gpt-oss", "o200k_base"}, {"gpt-4o", "o200k_base"}, {"chatgpt-4o", "o200k_base"}, {"gpt-4.1", "o200k_base"}, {"gpt-4.5", "o200k_base"},
	{"gpt-5", "o200k_base"}, {"o1", "o200k_base"}, {"o3", "o200k_base"}, {"o4-mini", "o200k_base"},
	{"gpt-4", "cl100k_base"}, {"gpt-3.5", "cl100k_base"},
}

// Embedded finds the embedded vocabulary that counts exactly for a name: one of their own
// names, or a model of a family that uses it.
func Embedded(name string) (encoding string, ok bool) {
	switch low := strings.ToLower(name); {
	case low == "builtin":
		return DefaultEncoding, true
	case Encodings[low] > 0:
		return low, true
	default:
		base := low[strings.LastIndexByte(low, '/')+1:]
		for _, known := range models {
			if strings.HasPrefix(base, known.prefix) {
				return known.encoding, true
			}
		}
	}
	return "", false
}
