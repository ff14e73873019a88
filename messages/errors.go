package messages

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrorDetails is how an error leaves the process it happened in. Two are equal,
// and grouped together, when Code, Type and Message are equal.
type ErrorDetails struct {
	Code       *int64   `msgpack:"code,omitempty"`        // HTTP status, 499 for a cancel, or an internal code
	Type       string   `msgpack:"type,omitempty"`        // stable class-like name, such as TimeoutError
	Message    string   `msgpack:"message"`               // one line, redacted, at most 4096 bytes plus an ellipsis
	Cause      string   `msgpack:"cause,omitempty"`       // what was behind it
	CauseChain []string `msgpack:"cause_chain,omitempty"` // outer to root
	Details    any      `msgpack:"details,omitempty"`     // more, such as {"fatal": true}
}

// ErrorCount is one line of an error summary.
type ErrorCount struct {
	Details ErrorDetails `msgpack:"error_details"`
	Count   int64        `msgpack:"count"`
}

// maxErrorText is where messages and causes are cut.
const maxErrorText = 4096

// CutErrorText makes a text fit for an ErrorDetails field: one line, bounded without
// splitting a rune. A server's control characters must reach neither a terminal nor a
// table.
func CutErrorText(s string) string {
	if strings.ContainsFunc(s, breaksLine) {
		s = strings.Join(strings.FieldsFunc(s, breaksLine), " ")
	}
	if len(s) <= maxErrorText {
		return s
	}
	s = s[:maxErrorText]
	for len(s) > 0 {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + "…"
}

// breaksLine is true for control characters and for Unicode's line ends.
func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// NewError builds error details with a stable type name.
func NewError(typ, message string) *ErrorDetails {
	return &ErrorDetails{Type: typ, Message: CutErrorText(strings.ToValidUTF8(message, "�"))}
}

// WithCode returns e with a code.
func (e *ErrorDetails) WithCode(code int64) *ErrorDetails {
	e.Code = &code
	return e
}

// Error makes details usable as a Go error.
func (e *ErrorDetails) Error() string {
	if e.Type == "" {
		return e.Message
	}
	return e.Type + ": " + e.Message
}

// AsErrorDetails turns any error into details: one that already carries them keeps
// them, any other becomes typ.
func AsErrorDetails(typ string, err error) *ErrorDetails {
	var d *ErrorDetails
	if errors.As(err, &d) {
		return d
	}
	return NewError(typ, err.Error())
}

func (e *ErrorDetails) append(w *Writer) {
	w.nested(func(n *int) {
		w.optIntPtr(n, "code", e.Code)
		w.optStr(n, "type", e.Type)
		w.Str("message")
		w.Str(e.Message)
		*n++
		w.optStr(n, "cause", e.Cause)
		if len(e.CauseChain) > 0 {
			w.Str("cause_chain")
			w.Array(len(e.CauseChain))
			for _, c := range e.CauseChain {
				w.Str(c)
			}
			*n++
		}
	})
}

func readError(r *Reader) *ErrorDetails {
	e := &ErrorDetails{}
	for n := r.MapLen(); n > 0 && r.err == nil; n-- {
		switch string(r.StrBytes()) {
		case "code":
			code := r.Int()
			e.Code = &code
		case "type":
			e.Type = Intern(r.StrBytes())
		case "message":
			e.Message = r.Str()
		case "cause":
			e.Cause = r.Str()
		case "cause_chain":
			for k := r.ArrayLen(); k > 0 && r.err == nil; k-- {
				e.CauseChain = append(e.CauseChain, r.Str())
			}
		default:
			r.Skip()
		}
	}
	return e
}
