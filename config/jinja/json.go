package jinja

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// FromJSON makes a value of JSON; objects keep their order.
func FromJSON(v gjson.Result) any {
	switch v.Type {
	case gjson.True:
		return true
	case gjson.False:
		return false
	case gjson.String:
		return v.Str
	case gjson.Number:
		if n, err := strconv.ParseInt(v.Raw, 10, 64); err == nil {
			return n
		}
		return v.Num
	case gjson.JSON:
		if v.IsArray() {
			l := List{}
			v.ForEach(func(_, item gjson.Result) bool {
				l = append(l, FromJSON(item))
				return true
			})
			return l
		}
		d := NewDict()
		v.ForEach(func(key, item gjson.Result) bool {
			d.Set(key.Str, FromJSON(item))
			return true
		})
		return d
	}
	return nil
}

// jsonStyle is how tojson writes.
type jsonStyle struct {
	item, key string // separators
	indent    string // empty: all on one line
	lines     bool
	ascii     bool
	html      bool // Jinja's own filter escapes what HTML would read
	sorted    bool
}

// writeJSON writes a value as Python's json module does.
func (e *evaluator) writeJSON(b *strings.Builder, v any, s *jsonStyle, depth int) {
	e.step()
	if depth > mostNested {
		e.fail("tojson: nested deeper than %d levels", mostNested)
	}
	newline := func(depth int) {
		if s.lines {
			b.WriteByte('\n')
			b.WriteString(strings.Repeat(s.indent, depth))
		}
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			e.fail("tojson: %s is no JSON", floatText(v))
		}
		b.WriteString(floatText(v))
	case string:
		writeString(b, v, s)
	case *Dict:
		if v.Len() == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteByte('{')
		for n, i := range sortedKeys(v, s.sorted) {
			if n > 0 {
				b.WriteString(s.item)
			}
			newline(depth + 1)
			key, ok := v.keys[i].(string)
			if !ok {
				key = strings.ToLower(repr(v.keys[i]))
				if v.keys[i] == nil {
					key = "null"
				}
			}
			writeString(b, key, s)
			b.WriteString(s.key)
			e.writeJSON(b, v.values[i], s, depth+1)
		}
		newline(depth)
		b.WriteByte('}')
	case undefined:
		e.missing(v)
	default:
		list, ok := items(v)
		if !ok {
			e.fail("tojson: a value of type %s is no JSON", typeName(v))
		}
		if len(list) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteByte('[')
		for i, item := range list {
			if i > 0 {
				b.WriteString(s.item)
			}
			newline(depth + 1)
			e.writeJSON(b, item, s, depth+1)
		}
		newline(depth)
		b.WriteByte(']')
	}
}

func writeString(b *strings.Builder, v string, s *jsonStyle) {
	b.WriteByte('"')
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRuneInString(v[i:])
		i += n
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20 || s.html && strings.ContainsRune("<>&'", r):
			unicodeEscape(b, r)
		case s.ascii && r >= 0x7f:
			if r > 0xffff {
				r -= 0x10000
				unicodeEscape(b, 0xd800+r>>10)
				r = 0xdc00 + r&0x3ff
			}
			unicodeEscape(b, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

func unicodeEscape(b *strings.Builder, r rune) {
	const hex = "0123456789abcdef"
	b.WriteString(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		b.WriteByte(hex[r>>shift&15])
	}
}
