package tokenizers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// use does with a tokenizer all that a run may do.
func use(t *Pipeline, text string) {
	ids := t.EncodeSpecial(text)
	t.Count(text)
	t.Decode(ids)
	t.DecodePlain(ids)
	t.BlockSeparator()
}

func seeds(f *testing.F, file string) {
	f.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "tiny", "*", file))
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

// FuzzTokenizerJSON: whatever the file holds, it is refused or can be used.
func FuzzTokenizerJSON(f *testing.F) {
	seeds(f, "tokenizer.json")
	for _, s := range []string{
		`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}`,
		`{"model":{"type":"Unigram","vocab":[["a",-1]],"unk_id":0,"byte_fallback":true}}`,
		`{"model":{"type":"WordPiece","vocab":{"[UNK]":0},"unk_token":"[UNK]","max_input_chars_per_word":-1}}`,
		`{"added_tokens":[{"id":7,"content":""},{"id":3,"content":"x","normalized":true,"lstrip":true}],"normalizer":{"type":"Prepend","prepend":"x"},"model":{"type":"WordLevel","vocab":{"x":1}}}`,
		`{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?=a)|"},"behavior":"Isolated"},"model":{"type":"WordLevel","vocab":{"x":1}}}`,
		`{"normalizer":{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAA="},"model":{"type":"WordLevel","vocab":{"x":1}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parseJSON(text)
		if err == nil {
			use(p, "a xab b\u0301 <s>\xff 中文 12")
		}
	})
}

// FuzzSentencePiece: the same for a tokenizer.model.
func FuzzSentencePiece(f *testing.F) {
	f.Add([]byte("\n\x0b\n\x05<unk>\x18\x02\n\x06\n\x01a\x15\x00\x00\x80\xbf\x12\x02\x18\x02"))
	f.Add([]byte("\n\x06\n\x01a\x15\x00\x00\x80\xbf\n\x06\n\x01b\x15\x00\x00\x80\xbf\n\x07\n\x02ab\x15\x00\x00\x80\xbf"))
	f.Fuzz(func(t *testing.T, model []byte) {
		p, err := parseSentencePiece(model)
		if err == nil {
			use(p, "ab a  b\xff 中")
		}
	})
}

// FuzzCompiled: a file that somebody has changed is noticed.
func FuzzCompiled(f *testing.F) {
	p, err := Open(filepath.Join("testdata", "tiny", "wordlevel"))
	if err != nil {
		f.Fatal(err)
	}
	file, err := p.compile()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:100])
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := fromCompiled(file, true)
		if err == nil {
			use(p, "a b c")
		}
	})
}

// FuzzRoundTrip: a byte-level tokenizer gives every text back.
func FuzzRoundTrip(f *testing.F) {
	builtin, err := NewBuiltin(Config{})
	if err != nil {
		f.Fatal(err)
	}
	list := []Tokenizer{builtin}
	if t, err := Open(filepath.Join(bigTokenizers(), "llama3")); err == nil {
		list = append(list, t)
	}
	for _, s := range []string{"", "Hello, world", "  \n\t", "中文 123 <|endoftext|>", "e\u0301 👩‍👩‍👧", strings.Repeat("a", 3000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		for _, z := range list {
			if got := z.Decode(z.Encode(text)); got != text {
				t.Fatalf("%s: %q came back as %q", z.Name(), text, got)
			}
		}
	})
}
