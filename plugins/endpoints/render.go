package endpoints

import (
	"encoding/json"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
)

// renderMessages flattens a history into message objects: raw messages as they are,
// any other turn as one message; the conversation's own messages come first.
func renderMessages(r *Request, forceParts bool) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, 0, len(r.Turns)+2)
	rendered := make([]json.RawMessage, 0, len(r.Turns))
	for i := range r.Turns {
		t := &r.Turns[i]
		if t.RawMessages != nil {
			rendered = append(rendered, t.RawMessages...)
		} else {
			m, err := renderTurn(t, forceParts)
			if err != nil {
				return nil, err
			}
			rendered = append(rendered, m)
		}
	}
	if r.SystemMessage != "" {
		if len(rendered) > 0 && gjson.GetBytes(rendered[0], "role").Str == "system" {
			out = append(out, mergeSystem(r.SystemMessage, rendered[0]))
			rendered = rendered[1:]
		} else {
			out = append(out, message("system", appendString(nil, r.SystemMessage)))
		}
	}
	if r.UserContextMessage != "" {
		out = append(out, message("user", appendString(nil, r.UserContextMessage)))
	}
	return append(out, rendered...), nil
}

// message is a message object with content as JSON.
func message(role string, content json.RawMessage) json.RawMessage {
	dst := make([]byte, 0, len(content)+len(role)+24)
	dst = append(dst, `{"role":`...)
	dst = appendString(dst, role)
	dst = append(dst, `,"content":`...)
	dst = append(dst, content...)
	return append(dst, '}')
}

// renderTurn renders a turn's own contents: one text alone as a bare string, anything else
// as a list of parts, texts before media.
func renderTurn(t *dataset.Turn, forceParts bool) (json.RawMessage, error) {
	role := t.Role
	if role == "" {
		role = "user"
	}
	media := len(t.Images)+len(t.Audios)+len(t.Videos) > 0
	if !forceParts && !media && len(t.Texts) == 1 && len(t.Texts[0].Contents) == 1 {
		return message(role, appendString(nil, t.Texts[0].Contents[0])), nil
	}
	parts := newParts(t)
	for _, text := range texts(t) {
		parts.next()
		parts.b = appendTextPart(parts.b, text)
	}
	if err := parts.media(t); err != nil {
		return nil, err
	}
	if len(parts.b) == 1 {
		return message(role, json.RawMessage(`""`)), nil // servers refuse an empty list
	}
	return message(role, append(parts.b, ']')), nil
}

func appendTextPart(dst []byte, text string) []byte {
	dst = append(dst, `{"type":"text","text":`...)
	dst = appendString(dst, text)
	return append(dst, '}')
}

// mergeSystem puts prefix in front of the content of a system message, in a copy.
func mergeSystem(prefix string, original json.RawMessage) json.RawMessage {
	out := &body{}
	gjson.ParseBytes(original).ForEach(func(key, value gjson.Result) bool {
		out.set(key.String(), json.RawMessage(value.Raw))
		return true
	})
	content := gjson.ParseBytes(out.get("content"))
	switch {
	case content.Type == gjson.String && content.Str != "":
		out.setString("content", prefix+"\n\n"+content.Str)
	case content.IsArray():
		parts := appendTextPart([]byte{'['}, prefix)
		content.ForEach(func(_, part gjson.Result) bool {
			parts = append(append(parts, ','), part.Raw...)
			return true
		})
		out.set("content", append(parts, ']'))
	default:
		out.setString("content", prefix)
	}
	return out.append(nil)
}
