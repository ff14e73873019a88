package loaders

import (
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
	"aiperf/plugins"
)

func init() {
	plugins.Register("custom_dataset_loader", "aiperf.loaders:Mooncake", Constructor(newMooncake))
}

var mooncakeKeys = set("type", "timestamp", "delay", "session_id", "input_length", "hash_ids", "text_input", "messages", "tools", "payload", "output_length", "extra")

// What the index pass notes of a row: where its input comes from.
const (
	fromLength   = flagA
	fromText     = flagB
	fromMessages = flagC
	fromPayload  = flagD
)

// modes are the ways to give an input; a row has exactly one.
var modes = []struct {
	key  string
	flag uint8
}{{"input_length", fromLength}, {"text_input", fromText}, {"messages", fromMessages}, {"payload", fromPayload}}

func (c *Config) checkMooncake(r *report, v gjson.Result) (n noted) {
	f := r.read(v, "", mooncakeKeys, false)
	n = noted{turns: 1, session: r.text(f, "", "session_id")}
	given := 0
	for _, m := range modes {
		if f.has(m.key) {
			given++
			n.flags |= m.flag
		}
	}
	switch {
	case given == 0:
		r.say("", "want exactly one of input_length, text_input, messages, payload")
	case given > 1:
		r.say("", "input_length, text_input, messages and payload are mutually exclusive input modes")
	}
	if f.has("hash_ids") && !f.has("input_length") {
		r.say("hash_ids", "is only allowed when input_length is given; it needs input_length")
	}
	if tools, ok := f["tools"]; ok {
		switch {
		case !f.has("messages"):
			r.say("tools", "is only allowed when messages is given; it needs messages")
		case !tools.IsArray() || tools.Get("#").Int() == 0:
			r.say("tools", "want a list that is not empty")
		}
	}
	length, ok := r.whole(f, "", "input_length", 1)
	if ids := r.ids(f, "", "hash_ids"); ok && len(ids) > 0 && c.checkLength(r, length, ids) {
		n.drop = false
	}
	r.text(f, "", "text_input")
	if f.has("messages") {
		r.messages(f["messages"], "messages")
	}
	if p, ok := f["payload"]; ok && (!p.IsObject() || p.Get("@keys.#").Int() == 0) {
		r.say("payload", "must be a non-empty object")
	}
	r.object(f, "", "extra")
	r.whole(f, "", "output_length", 0)
	timed, ms := r.times(f, "")
	n.drop = timed && c.limits().dropTime(&ms)
	return n
}

// checkLength tells whether blocks make a prompt of a length.
func (c *Config) checkLength(r *report, length int, ids []int64) bool {
	if last := length - (len(ids)-1)*c.BlockSize; last <= 0 {
		r.say("input_length", "%d tokens do not fit %d hash ids of block size %d: the final block would have %d tokens", length, len(ids), c.BlockSize, last)
		return false
	}
	return true
}

// ids reads a list of integers.
func (r *report) ids(f fields, path, key string) (out []int64) {
	v, ok := f[key]
	if !ok {
		return nil
	}
	if !v.IsArray() {
		r.say(join(path, key), "want a list of integers, got %s", kindName(v))
		return nil
	}
	v.ForEach(func(_, id gjson.Result) bool {
		if id.Type != gjson.Number {
			r.say(join(path, key), "want a list of integers, got %s in it", kindName(id))
			return false
		}
		out = append(out, id.Int())
		return true
	})
	return out
}

func newMooncake(src *Source, c Config) (Set, error) {
	found := &findings{}
	t := index(src, src.files, found, c.checkMooncake)
	facts := Facts{Type: "mooncake_trace", FirstTimed: firstTimed(src), Isolated: true}
	for i := range t.rows {
		facts.Synthesised = facts.Synthesised || t.rows[i].flags&fromLength != 0
		facts.Whole = facts.Whole || t.rows[i].flags&fromPayload != 0
	}
	s, err := newRowSet(t, c, facts, found)
	if err != nil {
		return nil, err
	}
	if err := s.checkMixed(); err != nil {
		return nil, err
	}
	s.turn, s.times = (*rowSet).mooncakeTurn, mooncakeTimes
	s.end = func(s *rowSet, c *dataset.Conversation, rows []int32) {
		if s.t.rows[rows[0]].flags&(fromMessages|fromPayload) != 0 {
			c.ContextMode = dataset.MessageArrayWithResponses
		}
	}
	return s, nil
}

// checkMixed refuses sessions whose rows do not go together, and learns whether any request
// depends on an answer.
func (s *rowSet) checkMixed() error {
	if s.order == nil {
		return nil
	}
	found := &findings{}
	kind := func(flags uint8) uint8 {
		if flags&(fromLength|fromText) != 0 {
			return fromLength
		}
		return flags
	}
	for i := range s.Len() {
		rows := s.order[s.first[i]:s.first[i+1]]
		first := &s.t.rows[rows[0]]
		for _, k := range rows[1:] {
			r := &s.t.rows[k]
			if kind(r.flags) != kind(first.flags) {
				found.add(Problem{File: s.t.src.files[r.file].name, Line: int(r.line), Reason: fmt.Sprintf(
					"session `%s`, lines %d and %d: mixed input modes; messages and payload go with rows of their own kind alone", s.t.sessions[r.session], first.line, r.line)})
				break
			}
		}
		if len(rows) > 1 && kind(first.flags) == fromLength {
			s.facts.Isolated = false
		}
	}
	return found.err()
}

func mooncakeTimes(v gjson.Result) (t dataset.TurnOutline) {
	t.DelayMS = v.Get("delay").Num
	if ts := v.Get("timestamp"); ts.Type == gjson.Number {
		t.TimestampMS = &ts.Num
	}
	return t
}

func (s *rowSet) mooncakeTurn(conv *dataset.Conversation, _ *row, v gjson.Result, number int) error {
	when := mooncakeTimes(v)
	t := dataset.Turn{MaxTokens: int(v.Get("output_length").Int()), DelayMS: when.DelayMS, TimestampMS: when.TimestampMS}
	if extra := v.Get("extra"); extra.IsObject() {
		t.ExtraBody = json.RawMessage(extra.Raw)
	}
	switch {
	case v.Get("payload").IsObject():
		t.RawPayload = []byte(v.Get("payload").Raw)
	case v.Get("messages").IsArray():
		t.RawMessages = rawItems(v.Get("messages"))
		if tools := v.Get("tools"); tools.IsArray() {
			t.RawTools = json.RawMessage(tools.Raw)
		}
	case v.Get("text_input").Type == gjson.String:
		t.Texts = []dataset.Media{{Name: "text", Contents: []string{v.Get("text_input").Str}}}
	default:
		var ids []int64
		v.Get("hash_ids").ForEach(func(_, id gjson.Result) bool {
			ids = append(ids, id.Int())
			return true
		})
		text, err := s.prompt(number, int(v.Get("input_length").Int()), ids)
		if err != nil {
			return err
		}
		t.Texts = []dataset.Media{{Name: "text", Contents: []string{text}}}
	}
	conv.Turns = append(conv.Turns, t)
	return nil
}

// prompt makes the text of the number-th turn.
func (s *rowSet) prompt(number, length int, ids []int64) (string, error) {
	if s.c.Prompts == nil {
		return "", fmt.Errorf("a prompt of %d tokens needs a tokenizer that measures it; name one with --tokenizer", length)
	}
	rng := s.c.Seeds.Item(streamText, number)
	if len(ids) == 0 {
		return s.c.Prompts.Text(rng, length)
	}
	return s.c.Prompts.Blocks(rng, s.t.src.Trace(), length, ids)
}

func rawItems(v gjson.Result) (out []json.RawMessage) {
	v.ForEach(func(_, item gjson.Result) bool {
		out = append(out, json.RawMessage(item.Raw))
		return true
	})
	return out
}
