package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// headers takes `Name:Value` words, or JSON objects of strings. Commas belong to the
// value. Messages never repeat what was given: it may be a credential.
func headers(at func(*Flags) *Opt[[]Header]) Value {
	return Value{Metavar: "NAME:VALUE", arity: takesWords, redact: redactHeader, parse: func(f *Flags, as string, words []string) []fault {
		o := at(f)
		if !o.Set {
			*o = Opt[[]Header]{[]Header{}, true, as}
		}
		var faults []fault
		for _, word := range words {
			if strings.HasPrefix(strings.TrimSpace(word), "{") {
				pairs, reason := jsonObject(word)
				if reason != "" {
					faults = append(faults, fault{reason: reason, hint: `write {"Name": "value"}`})
				}
				for _, kv := range pairs {
					var value string
					if json.Unmarshal(kv.Value, &value) != nil {
						faults = append(faults, fault{reason: "the value of a JSON header must be a string", hint: `write {"Name": "value"}`})
						continue
					}
					faults = addHeader(o, kv.Key, value, faults)
				}
				continue
			}
			name, value, ok := strings.Cut(word, ":")
			if !ok {
				faults = append(faults, fault{reason: "a header has no colon between name and value", hint: "write Name:Value"})
				continue
			}
			faults = addHeader(o, name, value, faults)
		}
		return faults
	}}
}

func addHeader(o *Opt[[]Header], name, value string, faults []fault) []fault {
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case name == "":
		return append(faults, fault{reason: "a header has no name", hint: "write Name:Value"})
	case !httpguts.ValidHeaderFieldName(name):
		return append(faults, fault{reason: "a header's name has a character that HTTP does not allow", hint: "write Name:Value"})
	case !httpguts.ValidHeaderFieldValue(value):
		return append(faults, fault{reason: "the value of header " + name + " has a control character"})
	}
	o.Value = append(o.Value, Header{name, value})
	return faults
}

// pairs takes `name:value` words, separated by commas or spaces, or a JSON object.
// Scalars are coerced; a value that begins with [ or { is JSON.
func pairs(at func(*Flags) *Opt[[]KeyValue]) Value {
	return Value{Metavar: "NAME:VALUE", arity: takesWords, redact: redactPairs, parse: func(f *Flags, as string, words []string) []fault {
		o := at(f)
		if !o.Set {
			*o = Opt[[]KeyValue]{[]KeyValue{}, true, as}
		}
		var faults []fault
		for _, word := range words {
			var found []KeyValue
			var reason, hint string
			if strings.HasPrefix(strings.TrimSpace(word), "{") {
				found, reason = jsonObject(word)
			} else {
				found, reason, hint = splitPairs(word)
			}
			if reason != "" {
				faults = append(faults, fault{reason: reason, got: redactPairs(word), hint: hint})
			}
			for _, kv := range found {
				o.Value = setPair(o.Value, kv)
			}
		}
		return faults
	}}
}

// setPair replaces the value of a key where it stands, or appends the pair.
func setPair(list []KeyValue, kv KeyValue) []KeyValue {
	for i := range list {
		if list[i].Key == kv.Key {
			list[i] = kv
			return list
		}
	}
	return append(list, kv)
}

// splitPairs reads `name:value,name:value`.
func splitPairs(word string) (out []KeyValue, reason, hint string) {
	rest := word
	for {
		name, after, ok := strings.Cut(rest, ":")
		name = strings.TrimSpace(name)
		switch {
		case !ok || strings.Contains(name, ","):
			if before, value, is := strings.Cut(name, "="); is && !strings.Contains(before, ",") {
				return out, "a pair needs a colon between name and value", fmt.Sprintf("write %s:%s", before, shownPair(before, value))
			}
			return out, "a pair needs a colon between name and value", "write name:value"
		case name == "":
			return out, "a pair has no name", "write name:value"
		}
		value := strings.TrimLeft(after, " ")
		if strings.HasPrefix(value, "[") || strings.HasPrefix(value, "{") {
			raw, tail, err := leadingJSON(value)
			if err != nil {
				return out, "the value of " + name + " is not valid JSON", ""
			}
			out = append(out, KeyValue{name, raw})
			if tail == "" {
				return out, "", ""
			}
			if !strings.HasPrefix(tail, ",") {
				return out, "there is text after the JSON value of " + name, "separate pairs by commas"
			}
			rest = tail[1:]
			continue
		}
		value, next, more := strings.Cut(after, ",")
		out = append(out, KeyValue{name, coerce(strings.TrimSpace(value))})
		if !more {
			return out, "", ""
		}
		rest = next
	}
}

func shownPair(name, value string) string {
	if SensitiveField(name) {
		return Redacted
	}
	return value
}

// leadingJSON reads one JSON value from the start of s; tail is what follows it.
func leadingJSON(s string) (value json.RawMessage, tail string, err error) {
	dec := json.NewDecoder(strings.NewReader(s))
	if err := dec.Decode(&value); err != nil {
		return nil, "", err
	}
	return compact(value), strings.TrimSpace(s[dec.InputOffset():]), nil
}

// jsonObject reads the members of a JSON object in their order.
func jsonObject(s string) (out []KeyValue, reason string) {
	dec := json.NewDecoder(strings.NewReader(s))
	t, err := dec.Token()
	if err != nil || t != json.Delim('{') {
		return nil, "not a valid JSON object"
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, "not a valid JSON object"
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, "not a valid JSON object"
		}
		if key.(string) == "" {
			return nil, "a JSON member has no name"
		}
		out = setPair(out, KeyValue{key.(string), compact(value)})
	}
	if _, err := dec.Token(); err != nil {
		return nil, "not a valid JSON object"
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, "there is text after the JSON object"
	}
	return out, ""
}

func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

// coerce gives untyped text its JSON form, in this order: true and false, none and
// null, whole numbers without a leading zero, numbers with one point, text.
func coerce(s string) json.RawMessage {
	switch strings.ToLower(s) {
	case "true", "false":
		return json.RawMessage(strings.ToLower(s))
	case "none", "null":
		return json.RawMessage("null")
	}
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	isDigits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	switch {
	case !point && isDigits(digits) && (digits == "0" || digits[0] != '0'):
		return json.RawMessage(s)
	case point && (whole == "" || isDigits(whole)) && (fraction == "" || isDigits(fraction)) && whole+fraction != "":
		// JSON wants digits on both sides of the point, and no leading zeros.
		if whole = strings.TrimLeft(whole, "0"); whole == "" {
			whole = "0"
		}
		if fraction == "" {
			fraction = "0"
		}
		sign := ""
		if strings.HasPrefix(s, "-") {
			sign = "-"
		}
		return json.RawMessage(sign + whole + "." + fraction)
	}
	return jsonText(s)
}

// jsonText is the JSON form of a string; <, > and & stay readable.
func jsonText(s string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always has a JSON form
	return bytes.TrimRight(b.Bytes(), "\n")
}
