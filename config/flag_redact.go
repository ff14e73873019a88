package config

import (
	"encoding/json"
	"strings"
)

// redactHeader is a header word as it may be written down.
func redactHeader(word string) string {
	if strings.HasPrefix(strings.TrimSpace(word), "{") {
		members, reason := jsonObject(word)
		if reason != "" {
			return Redacted
		}
		for i, kv := range members {
			if SensitiveHeader(kv.Key) {
				members[i].Value = jsonText(Redacted)
			}
		}
		return joinObject(members)
	}
	name, _, ok := strings.Cut(word, ":")
	switch {
	case !ok:
		return Redacted // whatever it is, it may be the credential alone
	case SensitiveHeader(name):
		return name + ":" + Redacted
	}
	return word
}

// redactPairs is a word of name:value pairs as it may be written down.
func redactPairs(word string) string {
	if strings.HasPrefix(strings.TrimSpace(word), "{") {
		members, reason := jsonObject(word)
		if reason != "" {
			return NewRedactor().Text(word)
		}
		hidden := false
		for i, kv := range members {
			if SensitiveField(kv.Key) {
				members[i].Value, hidden = jsonText(Redacted), true
			}
		}
		if !hidden {
			return word
		}
		return joinObject(members)
	}
	found, reason, _ := splitPairs(word)
	hidden := false
	for i, kv := range found {
		if SensitiveField(kv.Key) {
			found[i].Value, hidden = json.RawMessage(Redacted), true
		}
	}
	switch {
	case !hidden:
		return NewRedactor().Text(word)
	case reason != "":
		return Redacted // half understood, and a secret is in it
	}
	parts := make([]string, len(found))
	for i, kv := range found {
		parts[i] = kv.Key + ":" + plainText(kv.Value)
	}
	return strings.Join(parts, ",")
}

// plainText is a JSON scalar without quotes.
func plainText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// joinObject is a JSON object of the members, in their order.
func joinObject(members []KeyValue) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, kv := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(jsonText(kv.Key))
		b.WriteByte(':')
		b.Write(kv.Value)
	}
	b.WriteByte('}')
	return b.String()
}
