package endpoints

import (
	"strings"

	"github.com/tidwall/gjson"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
)

// Streams tells whether requests of this configuration ask for a stream: an extra
// input named stream overrides the switch, because it is what the server sees.
func Streams(e config.Endpoint) bool {
	if !e.Capabilities.SupportsStreaming {
		return false
	}
	streams := e.Streaming
	for _, x := range e.Extra {
		if x.Key == "stream" {
			streams = string(x.Value) == "true"
		}
	}
	return streams
}

// ExtraMaxTokens is the output cap that the extra inputs put into every body, 0 for
// none. It wins over a turn's own.
func ExtraMaxTokens(e config.Endpoint) int {
	for _, name := range []string{"max_tokens", "max_completion_tokens", "max_output_tokens"} {
		for _, x := range e.Extra {
			if n := gjson.ParseBytes(x.Value); x.Key == name && n.Type == gjson.Number && n.Int() >= 1 {
				return int(n.Int())
			}
		}
	}
	return 0
}

// base is what the dialects share.
type base struct {
	config Config
	stream bool
}

func newBase(c Config) base { return base{config: c, stream: Streams(c.Endpoint)} }

// Headers are the user's own, in order, then the API key.
func (b *base) Headers() []config.Header {
	headers := append([]config.Header(nil), b.config.Endpoint.Headers...)
	if key := b.config.Endpoint.APIKey; key != "" {
		headers = append(headers, config.Header{Name: "Authorization", Value: "Bearer " + key})
	}
	return headers
}

// AppendInput walks the body that was sent. The texts may borrow it.
func (b *base) AppendInput(dst []string, body []byte) (texts []string, ids int) {
	return appendInputTexts(dst, body)
}

// model is the dispatching turn's, else the request's, else the primary one.
func (b *base) model(r *Request, t *dataset.Turn) string {
	for _, name := range []string{t.Model, r.Model} {
		if name != "" {
			return name
		}
	}
	return b.config.Model
}

// refuse is the error of a request that a dialect cannot express.
func refuse(reason string) error { return messages.NewError("ValueError", reason) }

// only is the one turn of a dialect without history.
func only(r *Request, dialect string) (*dataset.Turn, error) {
	if len(r.Turns) != 1 {
		return nil, refuse(dialect + " requests take exactly one turn: use --endpoint-type chat for conversations")
	}
	return &r.Turns[0], nil
}

// texts are the non-empty text contents of a turn, in order.
func texts(t *dataset.Turn) []string {
	var out []string
	for _, item := range t.Texts {
		for _, content := range item.Contents {
			if content != "" {
				out = append(out, content)
			}
		}
	}
	return out
}

// truthy is the notion of truth that the field's JSON was written with: null, false,
// 0, "", [] and {} are not.
func truthy(v gjson.Result) bool {
	switch v.Type {
	case gjson.True:
		return true
	case gjson.Number:
		return v.Num != 0
	case gjson.String:
		return v.Str != ""
	case gjson.JSON:
		return strings.Trim(v.Raw, "{}[] \t\r\n") != ""
	}
	return false
}
