package loaders

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
	"aiperf/plugins"
)

func init() {
	plugins.Register("custom_dataset_loader", "aiperf.loaders:Bailian", Constructor(newBailian))
	plugins.Register("custom_dataset_loader", "aiperf.loaders:BurstGPT", Constructor(newBurstGPT))
	plugins.Register("custom_dataset_loader", "aiperf.loaders:SageMaker", Constructor(newSageMaker))
}

// listSet is a set that lies in memory.
type listSet struct {
	c     Config
	facts Facts
	list  []dataset.Conversation
	first []int
	// text makes the text of a turn that is given by its length; nil: there are none.
	text func(i, turn, number int) (string, error)
}

func newListSet(c Config, facts Facts, list []dataset.Conversation, src *Source, dropped int) (*listSet, error) {
	if len(list) == 0 {
		return nil, empty(src, dropped)
	}
	if n := c.Dataset.Limit; n > 0 && n < len(list) {
		list = list[:n]
	}
	s := &listSet{c: c, facts: facts, list: list, first: []int{0}}
	for i := range list {
		s.first = append(s.first, s.first[i]+len(list[i].Turns))
	}
	s.facts.Conversations, s.facts.Turns, s.facts.Dropped = len(list), s.first[len(list)], dropped
	if s.facts.Rows == 0 {
		s.facts.Rows = s.facts.Turns
	}
	return s, nil
}

func (s *listSet) Len() int        { return len(s.list) }
func (s *listSet) Turns(i int) int { return len(s.list[i].Turns) }
func (s *listSet) Facts() Facts    { return s.facts }

func (s *listSet) Compose(i int) (dataset.Conversation, error) {
	c := s.list[i]
	if c.SessionID == "" {
		c.SessionID = s.c.Seeds.SessionID(i, s.c.Seeded)
	}
	c.Turns = slices.Clone(c.Turns)
	for k := range c.Turns {
		if s.text == nil {
			break
		}
		text, err := s.text(i, k, s.first[i]+k)
		if err != nil {
			return c, err
		}
		c.Turns[k].Texts = []dataset.Media{{Name: "text", Contents: []string{text}}}
	}
	s.c.finish(&c, i, s.first[i])
	return c, nil
}

var bailianKeys = set("chat_id", "parent_chat_id", "timestamp", "input_length", "output_length", "type", "turn", "hash_ids")

// newBailian reads traces whose rows name the chat that they go on from.
func newBailian(src *Source, c Config) (Set, error) {
	found := &findings{}
	t := index(src, src.files, found, func(r *report, v gjson.Result) noted {
		f := r.read(v, "", bailianKeys, false)
		for _, key := range []string{"chat_id", "timestamp", "input_length", "output_length"} {
			if !f.has(key) {
				r.say(key, "required")
			}
		}
		r.whole(f, "", "chat_id", math.MinInt32)
		r.whole(f, "", "parent_chat_id", math.MinInt32)
		length, ok := r.whole(f, "", "input_length", 1)
		if ids := r.ids(f, "", "hash_ids"); ok && len(ids) > 0 {
			c.checkLength(r, length, ids)
		}
		r.whole(f, "", "output_length", 0)
		r.whole(f, "", "turn", 0)
		sec, timed := r.number(f, "", "timestamp", 0)
		ms := sec * 1000
		// All rows are kept for now: the dropped ones may lead from others to their root.
		n := noted{turns: 1}
		if timed && c.limits().dropTime(&ms) {
			n.flags = flagA
		}
		return n
	})
	if err := found.err(); err != nil {
		return nil, err
	}
	t.bailianSessions()
	facts := Facts{Type: "bailian_trace", FirstTimed: true, Synthesised: true, Isolated: true}
	s, err := newRowSet(t, c, facts, found)
	if err != nil {
		return nil, err
	}
	s.less = func(a, b gjson.Result) bool { return turnOf(a) < turnOf(b) }
	s.times = func(v gjson.Result) dataset.TurnOutline {
		ms := v.Get("timestamp").Num * 1000
		return dataset.TurnOutline{TimestampMS: &ms}
	}
	s.turn = func(s *rowSet, conv *dataset.Conversation, _ *row, v gjson.Result, number int) error {
		t := dataset.Turn{MaxTokens: max(1, int(v.Get("output_length").Int())), TimestampMS: s.times(v).TimestampMS}
		var ids []int64
		v.Get("hash_ids").ForEach(func(_, id gjson.Result) bool {
			ids = append(ids, id.Int())
			return true
		})
		text, err := s.prompt(number, int(v.Get("input_length").Int()), ids)
		t.Texts = []dataset.Media{{Name: "text", Contents: []string{text}}}
		// Each row's prompt holds its history.
		conv.Turns, conv.ContextMode = append(conv.Turns, t), dataset.MessageArrayWithResponses
		return err
	}
	return s, nil
}

func turnOf(v gjson.Result) int64 {
	if t := v.Get("turn"); t.Exists() {
		return t.Int()
	}
	return 1
}

// bailianSessions joins rows that lead to one root, and leaves out those that are dropped.
func (t *table) bailianSessions() {
	parent := make(map[int64]int64, len(t.rows))
	chat := make([]int64, len(t.rows))
	for i := range t.rows {
		v := t.value(&t.rows[i])
		chat[i] = v.Get("chat_id").Int()
		p := int64(-1)
		if g := v.Get("parent_chat_id"); g.Type == gjson.Number {
			p = g.Int()
		}
		parent[chat[i]] = p
	}
	number := map[int64]int32{}
	kept := t.rows[:0]
	for i := range t.rows {
		if t.rows[i].flags&flagA != 0 {
			t.dropped++
			continue
		}
		root := chat[i]
		for range len(parent) { // no more steps than chats: a circle ends
			p := parent[root]
			if _, known := parent[p]; p == -1 || !known || p == chat[i] {
				break
			}
			root = p
		}
		id, known := number[root]
		if !known {
			id = int32(len(t.sessions))
			number[root] = id
			t.sessions = append(t.sessions, strconv.FormatInt(root, 10))
		}
		r := t.rows[i]
		r.session = id
		kept = append(kept, r)
	}
	t.rows = kept
}

// newBurstGPT reads a CSV file of times and lengths.
func newBurstGPT(src *Source, c Config) (Set, error) {
	f := src.files[0]
	in := csv.NewReader(strings.NewReader(string(f.data)))
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	header, err := in.Read()
	if err != nil {
		return nil, empty(src, 0)
	}
	column := map[string]int{}
	for i, name := range header {
		column[strings.TrimSpace(name)] = i
	}
	wanted := []string{"Timestamp", "Request tokens", "Response tokens"}
	for _, name := range wanted {
		if _, ok := column[name]; !ok {
			return nil, &Problems{List: []Problem{{File: f.name, Line: 1, Reason: fmt.Sprintf("missing column `%s`; a BurstGPT trace has %s", name, strings.Join(wanted, ", "))}}}
		}
	}
	facts := Facts{Type: "burst_gpt_trace", FirstTimed: true, Synthesised: true, Isolated: true}
	var list []dataset.Conversation
	var lengths []int
	dropped, bad, firstBad := 0, 0, 0
	for {
		record, err := in.Read()
		if record == nil && err != nil {
			break
		}
		line, _ := in.FieldPos(0)
		var v [3]float64
		good := err == nil
		for i, name := range wanted {
			good = good && column[name] < len(record)
			if good {
				v[i], err = strconv.ParseFloat(strings.TrimSpace(record[column[name]]), 64)
				good = err == nil && !math.IsInf(v[i], 0) && !math.IsNaN(v[i])
			}
		}
		if !good || v[0] < 0 || v[1] < 1 {
			if bad++; firstBad == 0 {
				firstBad = line
			}
			continue
		}
		ms := v[0] * 1000
		if c.limits().dropTime(&ms) {
			dropped++
			continue
		}
		list = append(list, dataset.Conversation{Turns: []dataset.Turn{{TimestampMS: &ms, MaxTokens: max(1, int(v[2]))}}})
		lengths = append(lengths, int(v[1]))
	}
	if bad > 0 {
		facts.Warnings = append(facts.Warnings, fmt.Sprintf("%s: %d rows skipped that cannot be read, the first at line %d", src.Path, bad, firstBad))
	}
	s, err := newListSet(c, facts, list, src, dropped)
	if err != nil {
		return nil, err
	}
	maker := &rowSet{t: &table{src: src}, c: c}
	s.text = func(i, _, number int) (string, error) { return maker.prompt(number, lengths[i], nil) }
	return s, nil
}

// newSageMaker reads what SageMaker captured of an endpoint's data.
func newSageMaker(src *Source, c Config) (Set, error) {
	files := src.files
	if src.Folder {
		files = slices.DeleteFunc(slices.Clone(files), func(f *file) bool { return filepath.Ext(f.name) != ".jsonl" })
	}
	own := &Source{Path: src.Path, Folder: src.Folder, files: files, trace: src.trace}
	found := &findings{}
	t := index(own, files, found, func(r *report, v gjson.Result) noted {
		capture(r, v)
		return noted{turns: 1}
	})
	if err := found.err(); err != nil {
		return nil, err
	}
	type record struct {
		turn dataset.Turn
		ms   float64
	}
	records := make([]record, len(t.rows))
	for i := range t.rows {
		records[i].turn, records[i].ms = capture(quiet(), t.value(&t.rows[i]))
	}
	sort.SliceStable(records, func(i, k int) bool { return records[i].ms < records[k].ms })
	var list []dataset.Conversation
	dropped := 0
	for i := range records {
		ms := records[i].ms - records[0].ms
		if c.limits().dropTime(&ms) {
			dropped++
			continue
		}
		turn := records[i].turn
		turn.TimestampMS = &ms
		list = append(list, dataset.Conversation{ContextMode: dataset.MessageArrayWithResponses, Turns: []dataset.Turn{turn}})
	}
	return newListSet(c, Facts{Type: "sagemaker_data_capture", FirstTimed: true, Isolated: true}, list, own, dropped)
}

// capture reads one record.
func capture(r *report, v gjson.Result) (t dataset.Turn, ms float64) {
	event := "event " + v.Get("eventMetadata.eventId").String()
	when, err := time.Parse(time.RFC3339Nano, v.Get("eventMetadata.inferenceTime").String())
	if err != nil {
		r.say("eventMetadata.inferenceTime", "%s: want an ISO-8601 time, got %.40q (inferenceTime)", event, v.Get("eventMetadata.inferenceTime").String())
	}
	input := v.Get("captureData.endpointInput")
	text := input.Get("data").String()
	if !strings.EqualFold(input.Get("encoding").String(), "JSON") {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			r.say("captureData.endpointInput.data", "%s: no base64: %s", event, err)
			return t, 0
		}
		text = string(b)
	}
	body := gjson.Parse(text)
	if !gjson.Valid(text) || !body.Get("messages").IsArray() {
		r.say("captureData.endpointInput.data", "%s: the request has no messages", event)
		return t, 0
	}
	r.messages(body.Get("messages"), "captureData.endpointInput.data.messages")
	extra := map[string]json.RawMessage{}
	body.ForEach(func(key, v gjson.Result) bool {
		switch key.Str {
		case "messages":
			t.RawMessages = rawItems(v)
		case "tools":
			t.RawTools = json.RawMessage(v.Raw)
		case "max_tokens", "max_completion_tokens":
			if t.MaxTokens == 0 || key.Str == "max_tokens" {
				t.MaxTokens = max(1, int(v.Int()))
			}
		case "model", "stream", "stream_options":
		default:
			extra[key.Str] = json.RawMessage(v.Raw)
		}
		return true
	})
	if len(extra) > 0 {
		t.ExtraBody, _ = json.Marshal(extra)
	}
	return t, float64(when.UnixNano()) / 1e6
}
