package jinja

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Values of templates are: nil (none), bool, int64, float64, string, List, Tuple, *Dict,
// and what only templates make: undefined names, namespaces, macros and methods.
type (
	// List is a list; templates cannot change it.
	List []any
	// Tuple is a list that is written with round brackets.
	Tuple []any

	undefined struct{ name string }
	namespace struct{ vars *Dict }
	// function is anything that can be called.
	function struct {
		name string
		call func(e *evaluator, a values) any
	}
	// values are the arguments of a call.
	values struct {
		list  []any
		names []string
		named []any
	}
)

// Dict is a map that keeps its order.
type Dict struct {
	keys   []any
	values []any
	at     map[any]int
}

// NewDict makes an empty one.
func NewDict() *Dict { return &Dict{at: map[any]int{}} }

// hashable is a key as it is looked up: numbers of one value are one key.
func hashable(key any) (any, bool) {
	switch k := key.(type) {
	case bool:
		if k {
			return int64(1), true
		}
		return int64(0), true
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<62 {
			return int64(k), true
		}
		return k, true
	case nil, int64, string:
		return k, true
	}
	return nil, false
}

// Set enters a value; a key of a kind that cannot be one is refused.
func (d *Dict) Set(key, value any) bool {
	h, ok := hashable(key)
	if !ok {
		return false
	}
	if i, there := d.at[h]; there {
		d.values[i] = value
		return true
	}
	d.at[h] = len(d.keys)
	d.keys, d.values = append(d.keys, key), append(d.values, value)
	return true
}

// Get finds a value.
func (d *Dict) Get(key any) (any, bool) {
	h, ok := hashable(key)
	if !ok {
		return nil, false
	}
	i, ok := d.at[h]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// Len is the number of entries.
func (d *Dict) Len() int { return len(d.keys) }

func (d *Dict) items() List {
	l := make(List, len(d.keys))
	for i, k := range d.keys {
		l[i] = Tuple{k, d.values[i]}
	}
	return l
}

// items of a list or a tuple.
func items(v any) ([]any, bool) {
	switch v := v.(type) {
	case List:
		return v, true
	case Tuple:
		return v, true
	}
	return nil, false
}

func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case List:
		return len(v) > 0
	case Tuple:
		return len(v) > 0
	case *Dict:
		return v.Len() > 0
	}
	return true
}

// typeName is what Python calls the type.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case undefined:
		return "Undefined"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case List:
		return "list"
	case Tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *namespace:
		return "Namespace"
	}
	return "function"
}

// number is a value as a number; whole tells integers, which bool counts among.
func number(v any) (f float64, i int64, whole, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case int64:
		return float64(v), v, true, true
	case float64:
		return v, 0, false, true
	}
	return 0, 0, false, false
}

func equal(a, b any) bool {
	if fa, ia, wa, ok := number(a); ok {
		fb, ib, wb, ok := number(b)
		if wa && wb {
			return ok && ia == ib
		}
		return ok && fa == fb
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	case string:
		s, ok := b.(string)
		return ok && a == s
	case List:
		l, ok := b.(List)
		return ok && equalItems(a, l)
	case Tuple:
		l, ok := b.(Tuple)
		return ok && equalItems(a, l)
	case *Dict:
		d, ok := b.(*Dict)
		if !ok || a.Len() != d.Len() {
			return false
		}
		for i, k := range a.keys {
			if v, there := d.Get(k); !there || !equal(a.values[i], v) {
				return false
			}
		}
		return true
	case *namespace:
		return any(a) == b
	}
	return false
}

func equalItems(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// order compares as Python does: numbers, texts, lists; ok is false for a mixture.
func order(a, b any) (int, bool) {
	if fa, ia, wa, ok := number(a); ok {
		fb, ib, wb, ok := number(b)
		switch {
		case !ok:
			return 0, false
		case wa && wb:
			return sign(ia < ib, ia > ib), true
		}
		return sign(fa < fb, fa > fb), true
	}
	if s, ok := a.(string); ok {
		t, ok := b.(string)
		return strings.Compare(s, t), ok
	}
	x, okX := items(a)
	y, okY := items(b)
	if !okX || !okY || typeName(a) != typeName(b) {
		return 0, false
	}
	for i := range min(len(x), len(y)) {
		if !equal(x[i], y[i]) {
			return order(x[i], y[i])
		}
	}
	return sign(len(x) < len(y), len(x) > len(y)), true
}

func sign(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

// text is a value as it is written out.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case undefined:
		return ""
	}
	return repr(v)
}

// repr is a value as Python shows it.
func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return floatText(v)
	case string:
		return quoted(v)
	case List:
		return "[" + joined(v) + "]"
	case Tuple:
		if len(v) == 1 {
			return "(" + repr(v[0]) + ",)"
		}
		return "(" + joined(v) + ")"
	case *Dict:
		parts := make([]string, v.Len())
		for i, k := range v.keys {
			parts[i] = repr(k) + ": " + repr(v.values[i])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case undefined:
		return "Undefined"
	case *namespace:
		return "<Namespace>" // it may hold itself
	case *function:
		return "<function " + v.name + ">"
	}
	return fmt.Sprintf("<%T>", v)
}

func joined(l []any) string {
	parts := make([]string, len(l))
	for i, v := range l {
		parts[i] = repr(v)
	}
	return strings.Join(parts, ", ")
}

// floatText writes a number as Python does: the shortest text that reads back, with an
// exponent below 1e-4 and from 1e16.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		return s // Go writes two digits of exponent at least, as Python does
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.ContainsRune(s, '.') {
		s += ".0"
	}
	return s
}

// quoted is a string in Python's quotes.
func quoted(s string) string {
	quote := byte('\'')
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	var b strings.Builder
	b.WriteByte(quote)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f || r < 0x100 && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

// Of makes a template's value of a plain Go one: maps get their keys in order.
func Of(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case []any:
		l := make(List, len(v))
		for i, item := range v {
			l[i] = Of(item)
		}
		return l
	case []string:
		l := make(List, len(v))
		for i, item := range v {
			l[i] = item
		}
		return l
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		d := NewDict()
		for _, k := range keys {
			d.Set(k, Of(v[k]))
		}
		return d
	}
	return v
}

// Keys are the keys in their order.
func (d *Dict) Keys() []any { return d.keys }
