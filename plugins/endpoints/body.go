package endpoints

import (
	"encoding/json"
	"strconv"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"

	"aiperf/config"
	"aiperf/messages"
)

// body is a JSON object under construction: keys in the order in which they were
// first set. Values are JSON texts that may be shared with the configuration; they
// are only read.
type body struct{ fields []config.KeyValue }

// set puts a value. An existing key keeps its place.
func (b *body) set(key string, value json.RawMessage) {
	for i := range b.fields {
		if b.fields[i].Key == key {
			b.fields[i].Value = value
			return
		}
	}
	b.fields = append(b.fields, config.KeyValue{Key: key, Value: value})
}

func (b *body) get(key string) json.RawMessage {
	for i := range b.fields {
		if b.fields[i].Key == key {
			return b.fields[i].Value
		}
	}
	return nil
}

func (b *body) setString(key, value string) { b.set(key, appendString(nil, value)) }

func (b *body) setInt(key string, value int) { b.set(key, strconv.AppendInt(nil, int64(value), 10)) }

func (b *body) setBool(key string, value bool) { b.set(key, strconv.AppendBool(nil, value)) }

// merge sets fields one after another: later ones win, nested objects are replaced.
func (b *body) merge(fields []config.KeyValue) {
	for _, f := range fields {
		b.set(f.Key, f.Value)
	}
}

// mergeObject sets the fields of an object that a turn brings.
func (b *body) mergeObject(object json.RawMessage) {
	if len(object) == 0 {
		return
	}
	gjson.ParseBytes(object).ForEach(func(key, value gjson.Result) bool {
		b.set(key.String(), json.RawMessage(value.Raw))
		return true
	})
}

// includeUsage asks for the usage object in the stream's last event, unless the user
// has decided about it. It comes after all merges, because only then is it known
// whether the request streams. Servers attach per-request figures to that event, so
// it is asked for on every stream.
func (b *body) includeUsage() {
	if string(b.get("stream")) != "true" {
		return
	}
	options := gjson.Parse(borrowString(b.get("stream_options")))
	switch {
	case !options.Exists(), options.Type == gjson.Null:
		b.set("stream_options", json.RawMessage(`{"include_usage":true}`))
	case !options.IsObject(), options.Get("include_usage").Exists():
	default:
		raw := strings.TrimRight(options.Raw, " \t\r\n")
		at := len(raw) - 1 // the closing brace
		comma := ","
		if isEmptyObject(options) {
			comma = ""
		}
		b.set("stream_options", json.RawMessage(raw[:at]+comma+`"include_usage":true}`))
	}
}

func isEmptyObject(o gjson.Result) bool {
	empty := true
	o.ForEach(func(_, _ gjson.Result) bool {
		empty = false
		return false
	})
	return empty
}

// append writes the object compactly.
func (b *body) append(dst []byte) []byte {
	dst = append(dst, '{')
	for i, f := range b.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, f.Key)
		dst = append(dst, ':')
		dst = append(dst, f.Value...)
	}
	return append(dst, '}')
}

// appendString appends s as JSON, without escaping for HTML.
func appendString(dst []byte, s string) []byte {
	return messages.AppendJSONString(dst, borrowBytes(s))
}

// borrowString views bytes as a string without copying. It is valid while the bytes
// stay as they are; every use in this package reads a raw response or a body.
func borrowString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// borrowBytes views a string as bytes, which must not be written to.
func borrowBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
