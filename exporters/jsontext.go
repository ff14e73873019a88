package exporters

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"aiperf/messages"
)

// jsonText builds one JSON text, member by member in the order of the calls. Numbers
// are finite or absent; floats are the shortest text that reads back as the same
// number and always show that they are floats (12.0). Nothing is escaped for HTML.
type jsonText struct {
	buf    []byte
	pretty bool // members on lines of their own, indented by two spaces
	depth  int
	empty  bool // the object or list just opened has no member yet
}

// compactJSON appends to buf without white space. Reusing the buffer costs no allocation.
func compactJSON(buf []byte) jsonText { return jsonText{buf: buf} }

// prettyJSON starts an indented text.
func prettyJSON() jsonText { return jsonText{pretty: true} }

func (j *jsonText) open(c byte) {
	j.buf = append(j.buf, c)
	j.depth++
	j.empty = true
}

func (j *jsonText) close(c byte) {
	j.depth--
	if !j.empty {
		j.newline()
	}
	j.empty = false
	j.buf = append(j.buf, c)
}

func (j *jsonText) newline() {
	if !j.pretty {
		return
	}
	j.buf = append(j.buf, '\n')
	for range j.depth {
		j.buf = append(j.buf, ' ', ' ')
	}
}

// next separates what follows from the member before it.
func (j *jsonText) next() {
	if !j.empty {
		j.buf = append(j.buf, ',')
	}
	j.empty = false
	j.newline()
}

// key starts a member; its value must follow.
func (j *jsonText) key(name string) {
	j.next()
	j.buf = appendJSONText(j.buf, name)
	j.buf = append(j.buf, ':')
	if j.pretty {
		j.buf = append(j.buf, ' ')
	}
}

func (j *jsonText) beginObject() { j.open('{') }
func (j *jsonText) endObject()   { j.close('}') }

// object writes a member that is an object; members fills it.
func (j *jsonText) object(name string, members func()) {
	j.key(name)
	j.beginObject()
	members()
	j.endObject()
}

// list writes a member that is a list; items calls next before each item.
func (j *jsonText) list(name string, items func()) {
	j.key(name)
	j.open('[')
	items()
	j.close(']')
}

func (j *jsonText) text(name, v string) {
	j.key(name)
	j.buf = appendJSONText(j.buf, v)
}

func (j *jsonText) optText(name, v string) {
	if v != "" {
		j.text(name, v)
	}
}

func (j *jsonText) textList(name string, v []string) {
	j.list(name, func() {
		for _, s := range v {
			j.next()
			j.buf = appendJSONText(j.buf, s)
		}
	})
}

func (j *jsonText) integerList(name string, v []int64) {
	j.list(name, func() {
		for _, n := range v {
			j.next()
			j.buf = strconv.AppendInt(j.buf, n, 10)
		}
	})
}

func (j *jsonText) integer(name string, v int64) {
	j.key(name)
	j.buf = strconv.AppendInt(j.buf, v, 10)
}

func (j *jsonText) unsigned(name string, v uint64) {
	j.key(name)
	j.buf = strconv.AppendUint(j.buf, v, 10)
}

// optInteger leaves out a zero, which stands for "absent" in stamps and counts.
func (j *jsonText) optInteger(name string, v int64) {
	if v != 0 {
		j.integer(name, v)
	}
}

func (j *jsonText) boolean(name string, v bool) {
	j.key(name)
	j.buf = strconv.AppendBool(j.buf, v)
}

// number leaves the member out when there is no finite value.
func (j *jsonText) number(name string, v *float64) {
	if finite(v) {
		j.key(name)
		j.buf = appendJSONNumber(j.buf, *v)
	}
}

// raw writes a member whose value is already JSON; invalid JSON is left out. The
// text may have been escaped for HTML on its way through the run document: that is
// undone.
func (j *jsonText) raw(name string, v json.RawMessage) {
	if !json.Valid(v) {
		return
	}
	v = plainJSON(v)
	j.key(name)
	var b bytes.Buffer
	if j.pretty {
		prefix := string(bytes.Repeat([]byte("  "), j.depth))
		_ = json.Indent(&b, v, prefix, "  ") // cannot fail: v is valid
	} else {
		_ = json.Compact(&b, v)
	}
	j.buf = append(j.buf, b.Bytes()...)
}

// any writes a member of unknown shape; what has no JSON form is left out.
func (j *jsonText) any(name string, v any) {
	if b, err := json.Marshal(v); err == nil {
		j.raw(name, b)
	}
}

func finite(v *float64) bool { return v != nil && !math.IsNaN(*v) && !math.IsInf(*v, 0) }

// appendJSONNumber appends a finite float: decimal between 1e-5 and 1e16, with an
// exponent outside.
func appendJSONNumber(dst []byte, v float64) []byte {
	if a := math.Abs(v); a != 0 && (a < 1e-5 || a >= 1e16) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, '.', '0')
	}
	return dst
}

// appendJSONText appends s as a JSON string.
func appendJSONText(dst []byte, s string) []byte {
	// Fast path: names, ids and most messages need no escape.
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return messages.AppendJSONString(dst, []byte(s))
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// plainJSON replaces the escapes that encoding/json puts in for HTML by the
// characters they stand for.
func plainJSON(v []byte) []byte {
	if !bytes.Contains(v, []byte(`\u00`)) {
		return v
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' || i+1 >= len(v) {
			out = append(out, v[i])
			continue
		}
		if i+6 <= len(v) && v[i+1] == 'u' {
			switch string(bytes.ToLower(v[i+2 : i+6])) {
			case "003c":
				out = append(out, '<')
				i += 5
				continue
			case "003e":
				out = append(out, '>')
				i += 5
				continue
			case "0026":
				out = append(out, '&')
				i += 5
				continue
			}
		}
		out = append(out, v[i], v[i+1]) // any other escape stays, a backslash pair above all
		i++
	}
	return out
}
