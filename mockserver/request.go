package mockserver

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

// Bounds of a request. A body is read whole before it is looked at.
const (
	maxBody      = 64 << 20
	maxDepth     = 128 // of nested values; the parser below recurses
	maxTokens    = 1 << 20
	maxModelName = 512
	echoTokens   = 512 // most tokens of an answer whose length nobody asked for
)

// request is what the server reads out of a body. Its strings borrow the body.
type request struct {
	model        string // "" = none named
	stream       bool
	includeUsage bool
	maxTokens    int    // 0 = not limited
	text         string // everything that counts as prompt, joined with spaces
	pretokenised int    // prompt tokens that came as ids
	inputs       int    // texts to embed
	passages     int    // texts to rank
	base64       bool   // vectors are wanted in base64
}

// parseRequest reads a body of any of the routes. Unknown keys are ignored, as model
// servers do. The error is the answer to the client.
func parseRequest(body []byte) (r request, err error) {
	if err := checkJSON(body); err != nil {
		return r, err
	}
	root := gjson.Parse(borrowString(body))
	if !root.IsObject() {
		return r, errors.New("the body must be a JSON object")
	}
	var p prompt
	var prompts, input gjson.Result
	root.ForEach(func(key, v gjson.Result) bool {
		switch key.Str {
		case "model":
			r.model, err = modelName(v)
		case "stream":
			r.stream, err = boolean("stream", v)
		case "stream_options":
			r.includeUsage = v.Get("include_usage").Type == gjson.True
		case "max_completion_tokens", "max_tokens":
			// Where both are given, the newer name wins whatever their order.
			if n, e := tokenLimit(key.Str, v); e != nil {
				err = e
			} else if n > 0 && (r.maxTokens == 0 || key.Str == "max_completion_tokens") {
				r.maxTokens = n
			}
		case "messages":
			err = p.messages(v)
		case "tools":
			p.tools(v)
		case "prompt":
			prompts = v
		case "input":
			input = v
		case "query":
			p.queries(v)
		case "passages", "texts", "documents":
			r.passages += p.queries(v)
		case "encoding_format":
			r.base64 = v.Str == "base64"
		}
		return err == nil
	})
	if err != nil {
		return r, err
	}
	if !p.found {
		if prompts.Exists() {
			p.values(prompts)
		} else if input.Exists() {
			r.inputs = p.values(input)
		}
	}
	if !p.found {
		return r, errors.New("the body has neither messages nor a prompt nor an input")
	}
	r.text, r.pretokenised = p.text(), p.ids
	return r, nil
}

// prompt gathers the texts of a request.
type prompt struct {
	texts []string
	ids   int
	found bool
}

func (p *prompt) add(v gjson.Result) {
	if v.Type == gjson.String && v.Str != "" {
		p.texts = append(p.texts, v.Str)
	}
}

func (p *prompt) messages(v gjson.Result) error {
	if !v.IsArray() {
		return errors.New("messages must be a list")
	}
	v.ForEach(func(_, m gjson.Result) bool {
		p.found = true
		content := m.Get("content")
		p.add(content)
		if content.IsArray() {
			content.ForEach(func(_, part gjson.Result) bool {
				p.add(part.Get("text"))
				return true
			})
		}
		m.Get("tool_calls").ForEach(func(_, call gjson.Result) bool {
			p.add(call.Get("function.name"))
			p.add(call.Get("function.arguments"))
			return true
		})
		return true
	})
	if !p.found {
		return errors.New("messages must not be empty")
	}
	return nil
}

// queries reads a text, an object with a text, or a list of either, and returns how many
// those are.
func (p *prompt) queries(v gjson.Result) (n int) {
	switch {
	case v.IsArray():
		v.ForEach(func(_, item gjson.Result) bool {
			n += p.queries(item)
			return true
		})
	case v.IsObject():
		return p.queries(v.Get("text"))
	case v.Type == gjson.String:
		p.add(v)
		p.found = true
		n = 1
	}
	return n
}

func (p *prompt) tools(v gjson.Result) {
	v.ForEach(func(_, tool gjson.Result) bool {
		f := tool.Get("function")
		p.add(f.Get("name"))
		p.add(f.Get("description"))
		if params := f.Get("parameters"); params.IsObject() {
			p.texts = append(p.texts, params.Get("@ugly").Raw)
		}
		return true
	})
}

// values takes a text, a list of texts, a list of token ids, or a list of such lists,
// and returns how many inputs that is.
func (p *prompt) values(v gjson.Result) (inputs int) {
	switch {
	case v.Type == gjson.String:
		p.found = true
		p.add(v)
		return 1
	case !v.IsArray():
		return 0
	}
	idsHere := false
	v.ForEach(func(_, item gjson.Result) bool {
		switch {
		case item.Type == gjson.Number:
			idsHere = true
			p.ids++
		case item.Type == gjson.String:
			inputs++
			p.add(item)
		case item.IsArray():
			inputs++
			item.ForEach(func(_, id gjson.Result) bool {
				p.ids++
				return true
			})
		}
		return true
	})
	if idsHere {
		inputs++
	}
	p.found = p.found || inputs > 0
	return inputs
}

func (p *prompt) text() string {
	if len(p.texts) == 1 {
		return p.texts[0]
	}
	return strings.Join(p.texts, " ")
}

func modelName(v gjson.Result) (string, error) {
	if v.Type != gjson.String || len(v.Str) > maxModelName {
		return "", fmt.Errorf("model must be a string of at most %d bytes", maxModelName)
	}
	return v.Str, nil
}

func boolean(key string, v gjson.Result) (bool, error) {
	switch v.Type {
	case gjson.True, gjson.False, gjson.Null:
		return v.Type == gjson.True, nil
	}
	return false, fmt.Errorf("%s must be true or false", key)
}

// tokenLimit reads a limit; null is none.
func tokenLimit(key string, v gjson.Result) (int, error) {
	if v.Type == gjson.Null {
		return 0, nil
	}
	n := v.Int()
	if v.Type != gjson.Number || float64(n) != v.Num || n < 1 || n > maxTokens {
		return 0, fmt.Errorf("%s must be a whole number from 1 to %d", key, maxTokens)
	}
	return int(n), nil
}

// checkJSON refuses what is no JSON or nests too deep for the parser.
func checkJSON(body []byte) error {
	depth, inText := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inText:
			if c == '\\' {
				i++
			} else if c == '"' {
				inText = false
			}
		case c == '"':
			inText = true
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("the body nests deeper than %d", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	if !gjson.ValidBytes(body) {
		return errors.New("the body is not valid JSON")
	}
	return nil
}

// borrowString views bytes as a string; they must not change while it is in use.
func borrowString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
