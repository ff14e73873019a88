package endpoints

import (
	"strings"

	"github.com/tidwall/gjson"

	"aiperf/messages"
)

// answer is the outer shape that completions and chat completions share.
type answer struct {
	object         string
	message, delta gjson.Result // of the first choice
	text           gjson.Result
}

// read resets the response and takes an answer apart; false when it is no JSON
// object. Results borrow the raw bytes.
func (a *answer) read(raw *messages.RawResponse, into *Response) bool {
	*into = Response{PerfNS: raw.PerfNS}
	root, ok := parseObject(raw.Bytes)
	if !ok {
		return false
	}
	var choices gjson.Result
	root.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "object":
			a.object = value.Str
		case "choices":
			choices = value
		case "usage":
			into.Usage = usageOf(value)
		}
		return true
	})
	if !choices.IsArray() {
		return true
	}
	choices.ForEach(func(_, choice gjson.Result) bool {
		if !choice.IsObject() {
			return false
		}
		choice.ForEach(func(key, value gjson.Result) bool {
			switch key.Str {
			case "delta":
				a.delta = value
			case "message":
				a.message = value
			case "text":
				a.text = value
			}
			return true
		})
		return false // the first choice alone counts
	})
	return true
}

// parseObject views bytes as a JSON object without copying them.
func parseObject(b []byte) (gjson.Result, bool) {
	s := borrowString(b)
	// The cheap test spares [DONE] and the like the walk.
	if len(s) == 0 || s[0] != '{' && strings.TrimLeft(s[:1], " \t\r\n") != "" || !gjson.Valid(s) {
		return gjson.Result{}, false
	}
	root := gjson.Parse(s)
	return root, root.IsObject()
}

// usageOf keeps a usage object as the bytes it came in.
func usageOf(v gjson.Result) []byte {
	if !truthy(v) {
		return nil
	}
	return borrowBytes(v.Raw)
}

// readMessage reads a message or a delta: content, reasoning and tool calls all count.
func readMessage(node gjson.Result, into *Response) {
	if !node.IsObject() {
		return
	}
	var reasoningContent, reasoning string
	var tools joiner
	node.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "content":
			into.Content = contentText(value)
		case "reasoning_content":
			reasoningContent = value.Str
		case "reasoning":
			reasoning = value.Str
		case "tool_calls":
			if value.IsArray() {
				value.ForEach(func(_, call gjson.Result) bool {
					addFunction(&tools, call.Get("function"))
					return true
				})
			}
		case "function_call":
			addFunction(&tools, value)
		}
		return true
	})
	into.Reasoning, into.ToolCall = reasoningContent, tools.text()
	if into.Reasoning == "" {
		into.Reasoning = reasoning
	}
	switch {
	case into.Reasoning != "":
		into.Kind = Reasoning
	case into.ToolCall != "":
		into.Kind = ToolCall
	case into.Content != "":
		into.Kind = Text
	}
}

// contentText is a string content, or the joined text parts of a list.
func contentText(v gjson.Result) string {
	if !v.IsArray() {
		return v.Str // empty for anything but a string
	}
	var j joiner
	v.ForEach(func(_, part gjson.Result) bool {
		if part.Type == gjson.String {
			j.add(part.Str)
		} else if part.IsObject() {
			j.add(part.Get("text").Str)
		}
		return true
	})
	return j.text()
}

func addFunction(j *joiner, function gjson.Result) {
	if !function.IsObject() {
		return
	}
	j.add(function.Get("name").Str)
	j.add(function.Get("arguments").Str)
}

// joiner concatenates strings; a single one is kept as it is, without a copy.
type joiner struct {
	first string
	rest  []byte
}

func (j *joiner) add(s string) {
	switch {
	case s == "":
	case j.first == "":
		j.first = s
	default:
		if j.rest == nil {
			j.rest = append(j.rest, j.first...)
		}
		j.rest = append(j.rest, s...)
	}
}

func (j *joiner) text() string {
	if j.rest != nil {
		return string(j.rest)
	}
	return j.first
}
