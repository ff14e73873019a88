package endpoints

import (
	"encoding/json"

	"aiperf/messages"
	"aiperf/plugins"
)

func init() {
	plugins.Register("endpoint", "aiperf.endpoints:Completions", Constructor(NewCompletions))
}

// Completions is the text completions dialect. It has no history.
type Completions struct{ base }

var _ Endpoint = (*Completions)(nil)

// NewCompletions makes it.
func NewCompletions(c Config) (Endpoint, error) { return &Completions{newBase(c)}, nil }

// AppendBody takes all texts of the one turn as prompts; a single one is a bare string.
//
//	prompt, model, stream, max_tokens, extras, stream_options
func (c *Completions) AppendBody(dst []byte, r *Request) ([]byte, error) {
	t, err := only(r, "completions")
	if err != nil {
		return dst, err
	}
	b := &body{}
	prompts := texts(t)
	if len(prompts) == 1 {
		b.setString("prompt", prompts[0])
	} else {
		b.set("prompt", stringArray(prompts))
	}
	b.setString("model", c.model(r, t))
	b.setBool("stream", c.stream)
	if t.MaxTokens > 0 {
		b.setInt("max_tokens", t.MaxTokens)
	}
	b.merge(c.config.Endpoint.Extra)
	b.mergeObject(t.ExtraBody)
	b.includeUsage()
	return b.append(dst), nil
}

func stringArray(list []string) json.RawMessage {
	out := []byte{'['}
	for i, s := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, s)
	}
	return append(out, ']')
}

// Parse reads a completion, whole or in pieces: both have the same shape.
//
// hot: once per streamed event. Budget: no allocation. BenchmarkCompletionsParse.
func (c *Completions) Parse(raw *messages.RawResponse, into *Response) bool {
	var a answer
	if !a.read(raw, into) {
		return false
	}
	switch a.object {
	case "", "completion", "text_completion":
		if into.Content = a.text.Str; into.Content != "" {
			into.Kind = Text
		}
	}
	return into.Kind != NoData || into.Usage != nil
}
