package transports

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"

	"aiperf/messages"
)

// streamErrorType is the type of errors that a server reports inside a stream, or
// that its stream amounts to.
const streamErrorType = "SSEResponseError"

// StreamError is the error of a stream that began well: code 400–599, 502 when the
// server named none.
func StreamError(code int64, text string) *messages.ErrorDetails {
	return messages.NewError(streamErrorType, "Error occurred in SSE response: "+text).WithCode(code)
}

// errorInEvent finds an error that the server reports inside a stream, by the event's
// type or inside its data.
//
// hot: once per event; without an error a substring test.
func errorInEvent(e *event) *messages.ErrorDetails {
	typed := bytes.EqualFold(e.Type, []byte("error"))
	if !typed && !bytes.Contains(e.Data, []byte(`"error"`)) {
		return nil
	}
	text, code := errorInData(e)
	switch {
	case typed && len(e.Comment) > 0:
		return StreamError(badGateway, string(e.Comment))
	case text != "":
		return StreamError(code, text)
	case typed && len(e.Data) > 0:
		return StreamError(badGateway, "Unknown error: "+string(e.Data))
	case typed:
		return StreamError(badGateway, "Unknown error")
	}
	return nil
}

const badGateway = 502

// errorInData reads the error member of the data, taken as a whole or line by line.
func errorInData(e *event) (text string, code int64) {
	if text, code = errorMember(string(e.Data)); text != "" || e.Lines == 1 {
		return text, code
	}
	for line := range strings.SplitSeq(string(e.Data), "\n") {
		if text, code = errorMember(line); text != "" {
			return text, code
		}
	}
	return "", badGateway
}

// errorMember is the text and code of a JSON object's truthy error member; the text is
// empty when there is none.
func errorMember(data string) (text string, code int64) {
	code = badGateway
	if !gjson.Valid(data) {
		return "", code
	}
	root := gjson.Parse(data)
	member := root.Get("error")
	if !root.IsObject() || !member.Exists() {
		return "", code
	}
	switch {
	case member.Type == gjson.Null, member.Type == gjson.False, member.Type == gjson.Number && member.Num == 0:
		return "", code
	case member.Type == gjson.String:
		return member.Str, code
	case !member.IsObject():
		return emptyless(member.Raw), code
	}
	if c := member.Get("code"); c.Type == gjson.Number && c.Num == float64(c.Int()) && c.Int() >= 400 && c.Int() <= 599 {
		code = c.Int()
	}
	if m := member.Get("message"); m.Type == gjson.String && m.Str != "" {
		return m.Str, code
	}
	return emptyless(member.Raw), code
}

// emptyless is empty for an empty object or list, which report nothing.
func emptyless(raw string) string {
	if strings.Trim(raw, "{}[] \t\r\n") == "" {
		return ""
	}
	return raw
}
