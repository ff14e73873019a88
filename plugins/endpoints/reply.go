package endpoints

import (
	"encoding/json"
	"sort"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
	"aiperf/messages"
)

// AssistantTurn joins the texts of an answer into one assistant turn. An answer with
// tool calls becomes the message that the server would expect to see replayed.
func (c *Chat) AssistantTurn(responses []messages.RawResponse) (dataset.Turn, bool) {
	var content, reasoning joiner
	var calls toolCalls
	for i := range responses {
		var r Response
		if !c.Parse(&responses[i], &r) {
			continue
		}
		content.add(r.Content)
		reasoning.add(r.Reasoning)
		if r.ToolCall != "" {
			calls.read(responses[i].Bytes)
		}
	}
	text := content.text()
	if len(calls.list) > 0 {
		return dataset.Turn{Role: "assistant", RawMessages: []json.RawMessage{calls.message(text)}}, true
	}
	if text == "" {
		text = reasoning.text()
	}
	if text == "" {
		return dataset.Turn{}, false
	}
	// The answer's bytes go back to their pool; the history needs its own.
	return dataset.Turn{Role: "assistant", Texts: []dataset.Media{{Contents: []string{string([]byte(text))}}}}, true
}

// toolCalls merges the pieces of streamed calls by their index.
type toolCalls struct{ list []*toolCall }

type toolCall struct {
	index    int64
	fields   body   // beside function, in order
	function body   // beside arguments
	args     []byte // appended piece by piece
}

func (c *toolCalls) at(index int64) *toolCall {
	for _, call := range c.list {
		if call.index == index {
			return call
		}
	}
	call := &toolCall{index: index}
	c.list = append(c.list, call)
	return call
}

func (c *toolCalls) nextFree() int64 {
	next := int64(0)
	for _, call := range c.list {
		next = max(next, call.index+1)
	}
	return next
}

// read takes the calls of one response.
func (c *toolCalls) read(raw []byte) {
	root, ok := parseObject(raw)
	if !ok {
		return
	}
	node := root.Get("choices.0.delta")
	if !node.Exists() {
		node = root.Get("choices.0.message")
	}
	node.Get("tool_calls").ForEach(func(_, piece gjson.Result) bool {
		if piece.IsObject() {
			index := c.nextFree()
			if given := piece.Get("index"); given.Type == gjson.Number {
				index = given.Int()
			}
			c.at(index).merge(piece)
		}
		return true
	})
	if legacy := node.Get("function_call"); legacy.IsObject() {
		call := c.at(0)
		if call.fields.get("type") == nil {
			call.fields.setString("id", "call_0")
			call.fields.setString("type", "function")
		}
		name := gjson.ParseBytes(call.function.get("name")).Str
		call.function.setString("name", name+legacy.Get("name").Str)
		call.args = append(call.args, legacy.Get("arguments").Str...)
	}
}

// merge lets later values win, but appends arguments; the index is of the stream alone.
func (t *toolCall) merge(piece gjson.Result) {
	piece.ForEach(func(key, value gjson.Result) bool {
		switch {
		case key.Str == "index", value.Type == gjson.Null:
		case key.Str == "function" && value.IsObject():
			value.ForEach(func(key, value gjson.Result) bool {
				switch {
				case key.Str == "arguments":
					t.args = append(t.args, value.Str...)
				case value.Type != gjson.Null:
					t.function.set(key.String(), json.RawMessage(value.Raw))
				}
				return true
			})
		default:
			t.fields.set(key.String(), json.RawMessage(value.Raw))
		}
		return true
	})
}

// message renders the calls in the order of their indices.
func (c *toolCalls) message(text string) json.RawMessage {
	sort.SliceStable(c.list, func(i, j int) bool { return c.list[i].index < c.list[j].index })
	list := []byte{'['}
	for i, call := range c.list {
		if i > 0 {
			list = append(list, ',')
		}
		call.function.setString("arguments", string(call.args))
		call.fields.set("function", call.function.append(nil))
		list = call.fields.append(list)
	}
	out := &body{}
	out.setString("role", "assistant")
	if text == "" {
		out.set("content", json.RawMessage("null"))
	} else {
		out.setString("content", text)
	}
	out.set("tool_calls", append(list, ']'))
	return out.append(nil)
}
