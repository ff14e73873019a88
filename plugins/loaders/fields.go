package loaders

import (
	"fmt"
	"math"
	"strings"

	"github.com/tidwall/gjson"
)

// fields are those of an object by their names: one walk over the row, instead of one for
// each.
type fields map[string]gjson.Result

// read takes the known fields of v; null counts as absent. What is not known is counted as
// ignored, or refused when strict.
func (r *report) read(v gjson.Result, path string, known map[string]bool, strict bool) fields {
	out := fields{}
	v.ForEach(func(key, item gjson.Result) bool {
		switch {
		case known[key.Str]:
			if item.Type != gjson.Null {
				out[key.Str] = item
			}
		case strict:
			r.say(join(path, key.Str), "unknown key; there are: %s", list(known))
		case r.ignored != nil:
			r.ignored[key.Str]++
		}
		return true
	})
	return out
}

func list(known map[string]bool) string {
	return strings.Join(sortedKeys(known), ", ")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func at(path string, i int) string { return join(path, fmt.Sprint(i)) }

func (f fields) has(key string) bool { _, ok := f[key]; return ok }

// text is a string field, "" when it is absent.
func (r *report) text(f fields, path, key string) string {
	v, ok := f[key]
	if !ok {
		return ""
	}
	if v.Type != gjson.String {
		r.say(join(path, key), "want a string, got %s", kindName(v))
		return ""
	}
	return v.Str
}

// number is a finite number from least on; ok is false when it is absent or wrong.
func (r *report) number(f fields, path, key string, least float64) (n float64, ok bool) {
	v, there := f[key]
	if !there {
		return 0, false
	}
	switch {
	case v.Type != gjson.Number:
		r.say(join(path, key), "want a number, not %s", kindName(v))
	case math.IsInf(v.Num, 0) || math.IsNaN(v.Num):
		r.say(join(path, key), "want a finite number")
	case v.Num < least:
		r.say(join(path, key), "must be at least %g (got %s)", least, v.Raw)
	default:
		return v.Num, true
	}
	return 0, false
}

// whole is an integer above 0 (or from 0 on).
func (r *report) whole(f fields, path, key string, least int) (n int, ok bool) {
	v, there := f[key]
	if !there {
		return 0, false
	}
	switch {
	case v.Type != gjson.Number || v.Num != math.Trunc(v.Num) || math.Abs(v.Num) > 1<<53:
		r.say(join(path, key), "want an integer, not %s", numberOr(v))
	case v.Num < float64(least) && least == 1:
		r.say(join(path, key), "must be greater than 0 (got %s)", v.Raw)
	case v.Num < float64(least):
		r.say(join(path, key), "must be at least %d (got %s)", least, v.Raw)
	default:
		return int(v.Num), true
	}
	return 0, false
}

func numberOr(v gjson.Result) string {
	if v.Type == gjson.Number {
		return v.Raw
	}
	return kindName(v)
}

// object is a field that must be one.
func (r *report) object(f fields, path, key string) {
	if v, ok := f[key]; ok && !v.IsObject() {
		r.say(join(path, key), "want an object, got %s", kindName(v))
	}
}

// messages checks a list of chat messages.
func (r *report) messages(v gjson.Result, path string) {
	if !v.IsArray() {
		r.say(path, "want a list of messages, got %s", kindName(v))
		return
	}
	n := 0
	v.ForEach(func(_, m gjson.Result) bool {
		switch {
		case !m.IsObject():
			r.say(at(path, n), "want a message, got %s", kindName(m))
		case m.Get("role").Type != gjson.String:
			r.say(at(path, n), "the message has no 'role'")
		}
		n++
		return true
	})
	if n == 0 {
		r.say(path, "want at least one message")
	}
}

// times checks when a turn goes: at an instant, or after a pause.
func (r *report) times(f fields, path string) (timed bool, ms float64) {
	if f.has("timestamp") && f.has("delay") {
		r.say(path, "timestamp and delay cannot be set together")
	}
	r.number(f, path, "delay", 0)
	ms, timed = r.number(f, path, "timestamp", 0)
	return timed, ms
}

func set(keys ...string) map[string]bool {
	m := make(map[string]bool, len(keys))
	for _, k := range keys {
		m[k] = true
	}
	return m
}

func sortedKeys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	// few keys: insertion is enough
	for i := range out {
		for j := i; j > 0 && out[j] < out[j-1]; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}
