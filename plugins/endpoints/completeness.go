package endpoints

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"

	"aiperf/messages"
)

// StreamChecker is an endpoint that can tell a finished stream from one whose server
// went away in the middle.
type StreamChecker interface {
	// CheckStream returns what is wrong with a stream that ended cleanly, nil when it
	// is complete.
	CheckStream(responses []messages.RawResponse) error
}

// CheckStream wants every event to be a chunk with choices, and the stream to end
// with [DONE] or with a finish reason for each choice that was seen.
//
// hot: once per request, a short walk per event. BenchmarkCheckStream.
func (c *Chat) CheckStream(responses []messages.RawResponse) error {
	var s streamState
	for i := range responses {
		if err := s.event(responses[i].Bytes); err != nil {
			return err
		}
	}
	return s.end()
}

// streamState follows a stream. Choices are bits for the first 64 indices, which are
// all that anybody asks for.
type streamState struct {
	done           bool
	seen, finished uint64
	alike          alike
}

func (s *streamState) event(data []byte) error {
	if s.done {
		return errors.New("data after [DONE]")
	}
	if s.alike.as(data) {
		return nil
	}
	text := borrowString(data)
	if text == "[DONE]" {
		s.done = true
		return nil
	}
	if !gjson.Valid(text) {
		return errors.New("the data is not JSON")
	}
	choices := gjson.Get(text, "choices")
	if !choices.IsArray() {
		return errors.New("the chunk has no choices array")
	}
	var err error
	choices.ForEach(func(_, choice gjson.Result) bool {
		err = s.choice(choice)
		return err == nil
	})
	if err == nil {
		s.alike.learn(data)
	}
	return err
}

// alike knows a chunk that is in order, and recognises others that differ from it in
// their content alone: what holds of the one then holds of the other. The chunks of a
// stream are nearly all such.
type alike struct{ before, after []byte } // of the content: up to its opening quote, and from its closing one

// A quote inside a JSON string has a backslash before it, so the last one of this always
// opens a value.
var contentKey = []byte(`"content":"`)

func (a *alike) learn(valid []byte) {
	*a = alike{}
	i := bytes.Index(valid, contentKey)
	if i < 0 {
		return
	}
	i += len(contentKey)
	if n := plainText(valid[i:]); i+n < len(valid) && valid[i+n] == '"' {
		a.before, a.after = valid[:i], valid[i+n:]
	}
}

// as tells that a chunk is like the one that was learned; false says nothing.
func (a *alike) as(data []byte) bool {
	n := len(data) - len(a.after)
	if a.before == nil || n < len(a.before) || !bytes.HasPrefix(data, a.before) || !bytes.HasSuffix(data, a.after) {
		return false
	}
	text := data[len(a.before):n]
	return plainText(text) == len(text)
}

// plainText is how much of text can stand inside a JSON string, up to a quote, a control
// character, or an escape that needs a closer look.
func plainText(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c < 0x20:
			return i
		case c == '\\':
			if i+1 == len(text) || bytes.IndexByte([]byte(`"\/bfnrt`), text[i+1]) < 0 {
				return i
			}
			i++
		}
	}
	return len(text)
}

func (s *streamState) choice(choice gjson.Result) error {
	if !choice.IsObject() {
		return errors.New("a choice is not an object")
	}
	var index, reason gjson.Result
	choice.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "index":
			index = value
		case "finish_reason":
			reason = value
		}
		return true
	})
	if index.Exists() && (index.Type != gjson.Number || index.Num < 0 || index.Num != float64(int64(index.Num))) {
		return fmt.Errorf("a choice index is not a non-negative integer: %.40s", index.Raw)
	}
	if reason.Type != gjson.Null && reason.Str == "" {
		return fmt.Errorf("a finish_reason is neither null nor a text: %.40s", reason.Raw)
	}
	bit := uint64(1) << min(63, uint64(index.Num))
	s.seen |= bit
	if reason.Str != "" {
		s.finished |= bit
	}
	return nil
}

func (s *streamState) end() error {
	if s.done || s.seen != 0 && s.seen == s.finished {
		return nil
	}
	return errors.New("the stream ended without [DONE] and without a finish_reason for every choice")
}
