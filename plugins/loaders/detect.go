package loaders

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// shape tells whether a row, or a whole folder, is of a type.
type shape struct {
	name   string
	row    func(v gjson.Result) bool
	needs  []string // fields without which a row is not what its `type` says
	folder func(s *Source) bool
}

// shapes stand in the order in which they are tried: where two fit, the first one counts.
var shapes = []shape{
	{name: "sagemaker_data_capture", needs: []string{"captureData", "eventMetadata"}, row: has("captureData", "eventMetadata"), folder: anyFirst(".jsonl", has("captureData", "eventMetadata"))},
	{name: "tracelab", row: has("session_id", "round_index", "input_tokens_total", "prefix_tokens", "newly_append_tokens", "timing_events")},
	{name: "bailian_trace", needs: []string{"chat_id", "timestamp", "input_length", "output_length"}, row: has("chat_id", "timestamp", "input_length", "output_length")},
	{name: "inputs_json", needs: []string{"data"}, row: func(v gjson.Result) bool { return v.Get("data.0.payloads").IsArray() }},
	{name: "dag_jsonl", needs: []string{"session_id"}, row: isDAG},
	{name: "multi_turn", needs: []string{"turns"}, row: func(v gjson.Result) bool { return v.Get("turns").IsArray() }},
	{name: "mooncake_trace", row: isMooncake},
	{name: "raw_payload", needs: []string{"messages"}, row: func(v gjson.Result) bool {
		return v.Get("messages").IsArray() && !v.Get("conversation_id").Exists() && !v.Get("data").IsArray()
	}, folder: anyFirst(".jsonl", func(v gjson.Result) bool { return v.Get("messages").IsArray() })},
	{name: "single_turn", row: func(v gjson.Result) bool { return hasModality(v) && !v.Get("turns").Exists() }},
	{name: "random_pool", folder: func(s *Source) bool { return allFirst(s, hasModality) }},
}

// Types are the names that a row's `type` may have, and --custom-dataset-type.
func Types() []string {
	names := []string{"burst_gpt_trace"}
	for _, s := range shapes {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

func has(keys ...string) func(gjson.Result) bool {
	return func(v gjson.Result) bool {
		for _, key := range keys {
			if !v.Get(key).Exists() {
				return false
			}
		}
		return true
	}
}

func hasModality(v gjson.Result) bool {
	for _, m := range modalities {
		if v.Get(m.one).Exists() || v.Get(m.many).Exists() {
			return true
		}
	}
	return v.Get("image_uuids").Exists()
}

func isDAG(v gjson.Result) bool {
	if v.Get("session_id").Type != gjson.String {
		return false
	}
	if v.Get("orchestrator").Type == gjson.True {
		return true
	}
	found := false
	v.Get("turns").ForEach(func(_, t gjson.Result) bool {
		found = t.Get("messages").IsArray() || t.Get("forks").Exists() || t.Get("spawns").Exists()
		return !found
	})
	return found
}

func isMooncake(v gjson.Result) bool {
	if v.Get("input_length").Exists() || v.Get("text_input").Exists() || v.Get("payload").IsObject() {
		return true
	}
	if !v.Get("messages").IsArray() {
		return false
	}
	for _, key := range []string{"timestamp", "delay", "session_id", "output_length", "tools"} {
		if v.Get(key).Exists() {
			return true
		}
	}
	return false
}

// firsts are the first rows of the files that have one.
func firsts(s *Source, ext string) (out []gjson.Result) {
	for _, f := range s.files {
		if ext != "" && filepath.Ext(f.name) != ext {
			continue
		}
		if line, _ := f.first(); gjson.ValidBytes(line) {
			out = append(out, gjson.ParseBytes(line))
		}
	}
	return out
}

func anyFirst(ext string, is func(gjson.Result) bool) func(*Source) bool {
	return func(s *Source) bool { return slices.ContainsFunc(firsts(s, ext), is) }
}

func allFirst(s *Source, is func(gjson.Result) bool) bool {
	rows := firsts(s, "")
	return len(rows) == len(s.files) && !slices.ContainsFunc(rows, func(v gjson.Result) bool { return !is(v) })
}

// Detect finds the type of a source: what its first row says it is, else what it looks like.
func Detect(s *Source) (string, error) {
	if s.Folder {
		for _, one := range shapes {
			if one.folder != nil && one.folder(s) {
				return one.name, nil
			}
		}
		return "", unknown(s, "")
	}
	f := s.files[0]
	if isBurstGPT(f) {
		return "burst_gpt_trace", nil
	}
	line, number := f.first()
	if line == nil {
		return "", empty(s, 0)
	}
	r := &report{f: &findings{}, file: f.name, line: number}
	if bytes.Equal(line, []byte("{")) || filepath.Ext(f.name) == ".json" { // a document over several lines
		if v := gjson.ParseBytes(f.data); gjson.ValidBytes(f.data) && v.IsObject() {
			line = f.data
		}
	}
	v, ok := r.parse(line)
	if !ok {
		return "", r.f.err()
	}
	if name := v.Get("type").Str; slices.Contains(Types(), name) {
		for _, one := range shapes {
			if one.name != name {
				continue
			}
			for _, key := range one.needs {
				if !v.Get(key).Exists() {
					r.say("type", "declares type `%s`, but the field `%s` is missing", name, key)
				}
			}
		}
		return name, r.f.err()
	}
	for _, one := range shapes {
		if one.row != nil && one.row(v) {
			return one.name, nil
		}
	}
	return "", unknown(s, fmt.Sprintf(" (the first row has the keys %s)", strings.Join(keysOf(v), ", ")))
}

func keysOf(v gjson.Result) (out []string) {
	v.ForEach(func(key, _ gjson.Result) bool {
		out = append(out, key.Str)
		return len(out) < 12
	})
	return out
}

func unknown(s *Source, hint string) error {
	return &Problems{List: []Problem{{File: s.Path, Reason: "format not recognised" + hint + "; name it with --custom-dataset-type"}}}
}

func isBurstGPT(f *file) bool {
	line, _ := f.first()
	if len(line) == 0 || line[0] == '{' {
		return false
	}
	header, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return false
	}
	for _, name := range []string{"Timestamp", "Request tokens", "Response tokens"} {
		if !slices.ContainsFunc(header, func(h string) bool { return strings.TrimSpace(h) == name }) {
			return false
		}
	}
	return true
}
