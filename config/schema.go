package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Schema is the JSON Schema of configuration files, made of the keys that are read. Keys may
// be written in camel case too.
func Schema() string {
	body := schemaOf(keyTree())
	props := body["properties"].(map[string]any)
	one := props["datasets"].(map[string]any)["items"]
	phase := props["phases"].(map[string]any)["items"]
	phase.(map[string]any)["properties"].(map[string]any)["type"] = map[string]any{"enum": slices.Sorted(maps.Keys(phaseTypes))}
	props["dataset"], props["warmup"], props["profiling"] = one, phase, phase
	props["phases"] = map[string]any{"anyOf": []any{phase, props["phases"]}}
	props["model"] = map[string]any{"type": []string{"string", "array", "object"}}
	props["models"] = map[string]any{"anyOf": []any{map[string]any{"type": []string{"string", "array"}}, props["models"]}}
	props["endpoint"].(map[string]any)["properties"].(map[string]any)["url"] = map[string]any{"type": "string"}
	for _, key := range []string{"isl", "osl"} {
		one.(map[string]any)["properties"].(map[string]any)[key] = map[string]any{"type": []string{"number", "string", "object"}}
	}
	root := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "aiperf configuration", "type": "object", "additionalProperties": false, "required": []string{"benchmark"},
		"properties": map[string]any{
			"schema_version": map[string]any{"const": "2.0"}, "schemaVersion": map[string]any{"const": "2.0"},
			"random_seed": map[string]any{"type": []string{"integer", "string"}}, "randomSeed": map[string]any{"type": []string{"integer", "string"}},
			"variables": map[string]any{"type": "object"}, "benchmark": body,
		},
	}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return "" // plain values always have a JSON form
	}
	return string(text)
}

func schemaOf(n *keyNode) map[string]any {
	if item := n.children["*"]; item != nil {
		return map[string]any{"type": "array", "items": schemaOf(item)}
	}
	switch n.kind {
	case keyOpen:
		return map[string]any{"type": "object"}
	case keyDistrib:
		return map[string]any{"type": []string{"number", "string", "object"}, "description": "a number, or a distribution"}
	case keyDuration:
		return map[string]any{"type": []string{"number", "string", "object"}, "description": "a duration, or {duration, strategy}"}
	case keyOwn:
		return map[string]any{}
	case keyFlag:
		out := map[string]any{}
		if n.flag != nil {
			out["description"] = n.flag.Help
			if len(n.flag.Value.Choices) > 0 {
				out["enum"] = n.flag.Value.Choices
			}
		}
		return out
	}
	props := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(n.children)) {
		child := n.children[key]
		if child.kind == keyLater {
			continue
		}
		props[key] = schemaOf(child)
		if camel := camelCase(key); camel != key {
			props[camel] = props[key]
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": props}
}

// camelCase is the other spelling of a key.
func camelCase(key string) string {
	parts := strings.Split(key, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}
