package endpoints

import "github.com/tidwall/gjson"

// appendInputTexts finds the texts of a request body that a model reads:
//
//	messages, else input, when it is a list of objects with role or type: contents,
//	    replayed tool calls and their outputs
//	tools: names, descriptions, parameters
//	only if there were no messages: prompt, input, query with passages, inputs
//
// Anything else has none. ids is how many token ids stand where a text could.
func appendInputTexts(dst []string, body []byte) (texts []string, ids int) {
	root, ok := parseObject(body)
	if !ok {
		return dst, 0
	}
	w := textWalk{texts: dst}
	found := w.messages(root.Get("messages")) || w.messages(root.Get("input"))
	w.tools(root)
	if !found {
		w.plain(root)
	}
	return w.texts, w.ids
}

// SplitChat finds the list of messages of a request body and, beside it, the texts of its
// tools; ok is false when there is none.
func SplitChat(dst []string, body []byte) (messages string, tools []string, ok bool) {
	root, valid := parseObject(body)
	list := root.Get("messages")
	if !valid || !list.IsArray() || !list.Get("#(role)").Exists() {
		return "", dst, false
	}
	w := textWalk{texts: dst}
	w.tools(root)
	return list.Raw, w.texts, true
}

type textWalk struct {
	texts []string
	ids   int
}

func (w *textWalk) add(v gjson.Result) {
	if v.Type == gjson.String && v.Str != "" {
		w.texts = append(w.texts, v.Str)
	}
}

// strings adds a string, or every string of a list; it tells whether there was any.
// Token ids, in the list itself or in lists inside it, are counted.
func (w *textWalk) strings(v gjson.Result) bool {
	before := len(w.texts) + w.ids
	if v.IsArray() {
		v.ForEach(func(_, item gjson.Result) bool {
			switch {
			case item.Type == gjson.Number:
				w.ids++
			case item.IsArray():
				item.ForEach(func(_, id gjson.Result) bool {
					if id.Type == gjson.Number {
						w.ids++
					}
					return true
				})
			case item.IsObject():
				w.add(item.Get("text"))
			default:
				w.add(item)
			}
			return true
		})
	} else {
		w.add(v)
	}
	return len(w.texts)+w.ids > before
}

// messages walks a list of messages; false when v is none.
func (w *textWalk) messages(v gjson.Result) bool {
	if !v.IsArray() {
		return false
	}
	found := false
	v.ForEach(func(_, m gjson.Result) bool {
		found = m.IsObject() && (m.Get("role").Exists() || m.Get("type").Exists())
		return !found
	})
	if !found {
		return false
	}
	v.ForEach(func(_, m gjson.Result) bool {
		if m.IsObject() {
			w.message(m)
		}
		return true
	})
	return true
}

func (w *textWalk) message(m gjson.Result) {
	content := m.Get("content")
	if content.IsArray() {
		content.ForEach(func(_, part gjson.Result) bool {
			switch part.Get("type").Str {
			case "text", "input_text", "output_text":
				w.add(part.Get("text"))
			}
			return true
		})
	} else {
		w.add(content)
	}
	m.Get("tool_calls").ForEach(func(_, call gjson.Result) bool {
		w.add(call.Get("function.name"))
		w.add(call.Get("function.arguments"))
		return true
	})
	w.add(m.Get("function_call.name"))
	w.add(m.Get("function_call.arguments"))
	switch m.Get("type").Str {
	case "function_call":
		w.add(m.Get("name"))
		w.add(m.Get("arguments"))
	case "function_call_output":
		w.add(m.Get("output"))
	}
}

func (w *textWalk) tools(root gjson.Result) {
	root.Get("tools").ForEach(func(_, tool gjson.Result) bool {
		w.tool(tool.Get("function"))
		w.tool(tool)
		return true
	})
}

// tool adds the description of a tool; parameters count as the compact JSON they are sent as.
func (w *textWalk) tool(t gjson.Result) {
	if !t.IsObject() {
		return
	}
	w.add(t.Get("name"))
	w.add(t.Get("description"))
	if p := t.Get("parameters"); p.IsObject() {
		w.texts = append(w.texts, p.Get("@ugly").Raw)
	}
}

// plain takes the first of the shapes without messages that matches.
func (w *textWalk) plain(root gjson.Result) {
	if w.strings(root.Get("prompt")) || w.strings(root.Get("input")) {
		return
	}
	query := root.Get("query")
	for _, key := range []string{"passages", "documents", "texts"} {
		if passages := root.Get(key); query.Exists() && passages.Exists() {
			if query.IsObject() {
				query = query.Get("text")
			}
			w.strings(query)
			w.strings(passages)
			return
		}
	}
	w.strings(root.Get("inputs"))
}
