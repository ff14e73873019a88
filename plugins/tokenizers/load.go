package tokenizers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/tidwall/gjson"

	"aiperf/config/jinja"
)

// largestFile is more than any tokenizer.json has: a file beyond it is not read.
const largestFile = 512 << 20

// mostTokens bounds the ids of a vocabulary.
const mostTokens = 8 << 20

func tooLarge(path string) error {
	return fmt.Errorf("%s: larger than %d MiB, which no tokenizer is", path, largestFile>>20)
}

// readFile reads a whole file of a size that a tokenizer can have.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case st.Size() > largestFile:
		return nil, tooLarge(path)
	}
	text, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err == nil && len(text) > largestFile {
		err = tooLarge(path)
	}
	return text, err
}

// parts is a tokenizer.json but for the model.
type parts struct {
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
}

// parseJSON builds a pipeline from the text of a tokenizer.json. An error names the key
// path of what cannot be used.
func parseJSON(text []byte) (*Pipeline, error) {
	if err := checkJSON(text); err != nil {
		return nil, err
	}
	var p parts
	into := map[string]any{
		"added_tokens": &p.AddedTokens, "normalizer": &p.Normalizer, "pre_tokenizer": &p.PreTokenizer, "post_processor": &p.PostProcessor, "decoder": &p.Decoder,
	}
	var model gjson.Result
	var err error
	gjson.ParseBytes(text).ForEach(func(key, v gjson.Result) bool { // once over a text of tens of megabytes
		if key.Str == "model" {
			model = v
		} else if to := into[key.Str]; to != nil {
			if bad := json.Unmarshal([]byte(v.Raw), to); bad != nil {
				err = fmt.Errorf("%s: %w", key.Str, plain(bad))
			}
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	if !model.IsObject() {
		return nil, errors.New("model: missing: this is no tokenizer.json")
	}
	return p.build(model)
}

// checkJSON tells what is wrong with a text that is no JSON object, and where.
func checkJSON(text []byte) error {
	if gjson.ValidBytes(text) {
		if !gjson.ParseBytes(text).IsObject() {
			return errors.New("want a JSON object")
		}
		return nil
	}
	var v any
	err := json.Unmarshal(text, &v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		return fmt.Errorf("no JSON: line %d, byte %d: %w", line, syntax.Offset, err)
	}
	if err == nil {
		err = errors.New("the text is damaged")
	}
	return fmt.Errorf("no JSON: %w", err)
}

// plain is a decoding error without Go's words for types.
func plain(err error) error {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		return fmt.Errorf("%s is not what belongs there (%s)", t.Value, t.Field)
	}
	return err
}

func newPipeline() *Pipeline {
	t := &Pipeline{named: namedTokens{-1, -1}}
	t.scratch.New = func() any { return &work{} }
	t.template = sync.OnceValues(func() (*jinja.Template, error) { return t.chat.parse() })
	return t
}

// readParts makes everything but the model and the added tokens.
func (t *Pipeline) readParts() (err error) {
	if t.norm, err = readNormalizer("normalizer", t.source.Normalizer); err != nil {
		return err
	}
	if t.cutters, err = readCutters("pre_tokenizer", t.source.PreTokenizer); err != nil {
		return err
	}
	if t.decode, err = readDecoder("decoder", t.source.Decoder); err != nil {
		return err
	}
	t.before, t.after, err = readTemplate("post_processor", t.source.PostProcessor)
	return err
}

// build puts the parts together.
func (p *parts) build(m gjson.Result) (*Pipeline, error) {
	t := newPipeline()
	t.source = *p
	if err := t.readParts(); err != nil {
		return nil, err
	}
	_, bytesBack := t.decode.(bytesDecoder)
	t.raw = bytesBack && endsInBytes(t.cutters) && m.Get("merges").Exists()
	if err := t.readModel(m); err != nil {
		return nil, err
	}
	if !t.raw {
		useAlphabet(t.cutters)
	}
	t.fuseCutters()
	if err := t.addTokens(p.AddedTokens); err != nil {
		return nil, err
	}
	t.source.AddedTokens = nil
	return t, nil
}

// fuseCutters finds the common case: one scanner, and bytes.
func (t *Pipeline) fuseCutters() {
	var cutters []cutter
	for _, c := range t.cutters {
		if b, ok := c.(byteLevel); ok && !b.prefixSpace && !b.alphabet {
			if !b.split {
				continue // nothing to do: pieces are bytes
			}
			c = splitter{by: scanner(scanGPT2), as: isolated}
		}
		cutters = append(cutters, c)
	}
	t.cutters = cutters
	if len(cutters) == 1 {
		if s, ok := cutters[0].(splitter); ok && s.as == isolated && !s.invert {
			t.scan, _ = s.by.(scanner)
		}
	}
}

// addTokens enters the added tokens.
func (t *Pipeline) addTokens(list []addedToken) error {
	var asIs, normalized []addedToken
	for i, a := range list {
		if a.ID < 0 || a.ID > mostTokens {
			return fmt.Errorf("added_tokens[%d].id: %d is out of range", i, a.ID)
		}
		if a.Normalized {
			normalized = append(normalized, a)
		} else {
			asIs = append(asIs, a)
		}
	}
	defer t.caught()
	t.useAdded(newAddedSet(asIs, func(s string) string { return s }), newAddedSet(normalized, func(s string) string {
		if t.norm != nil {
			return t.norm.normalize(s)
		}
		return s
	}))
	return nil
}

// useAdded makes the tokens known to the decoder too.
func (t *Pipeline) useAdded(asIs, normalized *addedSet) {
	t.added, t.normalized = asIs, normalized
	n := len(asIs.list) + len(normalized.list)
	t.extra, t.special = make(map[int]string, n), map[int]bool{}
	for _, id := range t.controls {
		t.special[id] = true
	}
	for _, set := range []*addedSet{asIs, normalized} {
		for _, a := range set.list {
			text := a.Content
			if t.raw {
				text, _ = rawBytes(text)
			}
			t.extra[a.ID] = text
			if a.Special {
				t.special[a.ID] = true
			}
		}
	}
}

// Open loads the tokenizer in a folder, or in a file.
func Open(path string) (*Pipeline, error) {
	s, err := locate(path)
	if err != nil {
		return nil, err
	}
	return s.load()
}

// readConfig finds out which tokens begin and end a text, and how the model is talked to.
// The files may be absent.
func (t *Pipeline) readConfig(s source) error {
	text, err := readFile(s.config)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := checkJSON(text); err != nil {
			return fmt.Errorf("%s: %w", s.config, err)
		}
	}
	if err := t.chat.read(text, s.template); err != nil {
		return err
	}
	named := func(key string) int {
		v := gjson.GetBytes(text, key)
		if v.IsObject() {
			v = v.Get("content")
		}
		if v.Type != gjson.String {
			return -1
		}
		return t.id(v.Str)
	}
	for key, into := range map[string]*int{"bos_token": &t.named.BOS, "eos_token": &t.named.EOS} {
		if id := named(key); id >= 0 {
			*into = id
		}
	}
	return nil
}

// id finds a token by its text as a file writes it; −1 when there is none.
func (t *Pipeline) id(text string) int {
	for _, set := range []*addedSet{t.added, t.normalized} {
		for _, a := range set.list {
			if a.Content == text {
				return a.ID
			}
		}
	}
	if t.raw {
		text, _ = rawBytes(text)
	}
	return t.lex.find(bytesOf(text))
}
