package endpoints

import (
	"encoding/json"

	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins"
)

func init() { plugins.Register("endpoint", "aiperf.endpoints:Chat", Constructor(NewChat)) }

// Chat is the chat completions dialect, streaming and not. Only the first choice of
// an answer is read.
type Chat struct {
	base
	messageCap string // name of the key that caps the output
}

var (
	_ Endpoint      = (*Chat)(nil)
	_ Replier       = (*Chat)(nil)
	_ StreamChecker = (*Chat)(nil)
)

// NewChat makes it.
func NewChat(c Config) (Endpoint, error) {
	chat := &Chat{base: newBase(c), messageCap: "max_completion_tokens"}
	if c.Endpoint.UseLegacyMaxTokens {
		chat.messageCap = "max_tokens"
	}
	return chat, nil
}

// AppendBody renders the whole history; model and output cap are the dispatching
// turn's.
//
//	messages, model, stream, max_completion_tokens, tools, extras, the turn's extras, stream_options
func (c *Chat) AppendBody(dst []byte, r *Request) ([]byte, error) {
	if len(r.Turns) == 0 {
		return dst, refuse("a chat request needs at least one turn")
	}
	last := &r.Turns[len(r.Turns)-1]
	rendered, err := renderMessages(r, c.config.ForceContentParts)
	if err != nil {
		return dst, err
	}
	b := &body{}
	b.set("messages", joinMessages(rendered))
	b.setString("model", c.model(r, last))
	b.setBool("stream", c.stream)
	if last.MaxTokens > 0 {
		b.setInt(c.messageCap, last.MaxTokens)
	}
	if tools := lastTools(r.Turns); tools != nil {
		b.set("tools", tools)
	}
	b.merge(c.config.Endpoint.Extra)
	b.mergeObject(last.ExtraBody)
	b.includeUsage()
	return b.append(dst), nil
}

// lastTools are the tools of the latest turn that declares any.
func lastTools(turns []dataset.Turn) json.RawMessage {
	for i := len(turns) - 1; i >= 0; i-- {
		if turns[i].RawTools != nil {
			return turns[i].RawTools
		}
	}
	return nil
}

func joinMessages(list []json.RawMessage) json.RawMessage {
	size := 2
	for _, m := range list {
		size += len(m) + 1
	}
	out := append(make([]byte, 0, size), '[')
	for i, m := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, m...)
	}
	return append(out, ']')
}

// Parse reads a completion or one chunk of it.
//
// hot: once per streamed event. Budget: no allocation. BenchmarkChatParse.
func (c *Chat) Parse(raw *messages.RawResponse, into *Response) bool {
	var a answer
	if !a.read(raw, into) {
		return false
	}
	node := a.delta
	switch {
	case a.object == "chat.completion":
		node = a.message
	case a.object == "" && !node.Exists(): // a server that does not name its objects
		node = a.message
	case a.object != "" && a.object != "chat.completion.chunk":
		return into.Usage != nil
	}
	readMessage(node, into)
	return into.Kind != NoData || into.Usage != nil
}
