package loaders

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
	"aiperf/plugins"
)

func init() {
	plugins.Register("custom_dataset_loader", "aiperf.loaders:DAG", Constructor(newDAG))
}

var (
	dagKeys = set("session_id", "turns", "pre_session_spawns", "context_mode", "orchestrator", "spawns", "rounds",
		"think_time_ms", "think_time_sigma", "think_time_min_ms", "think_time_max_ms")
	dagTurnKeys  = set("messages", "model", "max_tokens", "tools", "extra", "forks", "spawns", "delay")
	dagForkKeys  = set("child", "background")
	dagSpawnKeys = set("children", "join_at")
)

// dagReader reads the conversations of a graph.
type dagReader struct {
	found *findings
	line  int
	file  string
	bad   bool
}

// say reports a mistake of shape; the words of the line stand in the message too.
func (d *dagReader) say(path, format string, args ...any) {
	d.bad = true
	reason := fmt.Sprintf(format, args...)
	if path != "" {
		reason = path + ": " + reason
	}
	d.found.add(Problem{File: d.file, Line: d.line, Reason: fmt.Sprintf("line %d: %s", d.line, reason)})
}

func newDAG(src *Source, c Config) (Set, error) {
	f := src.files[0]
	d := &dagReader{found: &findings{}, file: f.name}
	var list []dataset.Conversation
	lines := map[string]int{}
	r := &report{f: d.found, file: f.name}
	for i, line := range strings.Split(string(f.data), "\n") {
		d.line, r.line, d.bad = i+1, i+1, false
		v, ok := r.parse([]byte(line))
		if !ok {
			continue
		}
		conv := d.conversation(v)
		if first, taken := lines[conv.SessionID]; taken && conv.SessionID != "" {
			d.say("", "duplicate session_id '%s'; the first is on line %d", conv.SessionID, first)
			continue
		}
		lines[conv.SessionID] = d.line
		list = append(list, conv)
	}
	if err := d.found.err(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, empty(src, 0)
	}
	if err := d.topology(list); err != nil {
		return nil, err
	}
	roots := rootsOf(list)
	facts := Facts{Type: "dag_jsonl", FirstTimed: false, Rows: len(list)}
	limit := c.Dataset.Limit
	c.Dataset.Limit = 0
	if limit > 0 && limit < roots {
		list = firstRoots(list, limit)
		roots = limit
	}
	s, err := newListSet(c, facts, list, src, 0)
	if err != nil {
		return nil, err
	}
	s.facts.Conversations = roots
	for i := range list {
		if list[i].Coordinator != nil {
			s.facts.Turns -= len(list[i].Turns) // they are no requests
		}
	}
	s.facts.Isolated = !slices.ContainsFunc(list, func(c dataset.Conversation) bool { return len(c.Branches) > 0 || len(c.Turns) > 1 && !c.Isolated() })
	return s, nil
}

// conversation reads a row.
func (d *dagReader) conversation(v gjson.Result) (c dataset.Conversation) {
	f := d.fields(v, "", dagKeys)
	id := f["session_id"]
	if id.Type != gjson.String || id.Str == "" {
		d.say("session_id", "required: want a string that is not empty")
	}
	c.SessionID = id.Str
	if mode, ok := f["context_mode"]; ok {
		switch mode.Str {
		case dataset.DeltasWithoutResponses, dataset.DeltasWithResponses, dataset.MessageArrayWithResponses:
			c.ContextMode = mode.Str
		case "message_array_without_responses":
			d.say("context_mode", "message_array_without_responses is not implemented")
		default:
			d.say("context_mode", "want deltas_without_responses, deltas_with_responses or message_array_with_responses, got %s", mode.Raw)
		}
	}
	if o, ok := f["orchestrator"]; ok && !o.IsBool() {
		d.say("orchestrator", "want a boolean, got %s", kindName(o))
	}
	if f["orchestrator"].Bool() {
		d.coordinator(&c, f)
		return c
	}
	for _, key := range []string{"spawns", "rounds", "think_time_ms", "think_time_sigma", "think_time_min_ms", "think_time_max_ms"} {
		if f.has(key) {
			d.say(key, "needs 'orchestrator' to be true")
		}
	}
	turns := f["turns"]
	if turns.Exists() && !turns.IsArray() {
		d.say("turns", "want a list, got %s", kindName(turns))
		return c
	}
	if turns.Get("#").Int() == 0 {
		d.say("", "'turns' must be non-empty unless 'orchestrator' is true")
	}
	if pre := d.names(f["pre_session_spawns"], "pre_session_spawns"); len(pre) > 0 {
		c.Branches = append(c.Branches, dataset.Branch{ID: c.SessionID + ":pre", Mode: dataset.BranchSpawn, Children: pre, Turn: dataset.PreSession, JoinAt: dataset.NoJoin, Background: true})
	}
	n, count := 0, int(turns.Get("#").Int())
	turns.ForEach(func(_, v gjson.Result) bool {
		d.turn(&c, v, n, count)
		n++
		return true
	})
	return c
}

// fields are those of an object, unknown ones refused.
func (d *dagReader) fields(v gjson.Result, path string, known map[string]bool) fields {
	out := fields{}
	v.ForEach(func(key, item gjson.Result) bool {
		switch {
		case !known[key.Str]:
			d.say(join(path, key.Str), "unknown key; there are: %s", list(known))
		case item.Type != gjson.Null:
			out[key.Str] = item
		}
		return true
	})
	return out
}

func (d *dagReader) names(v gjson.Result, path string) (out []string) {
	if !v.Exists() {
		return nil
	}
	if !v.IsArray() {
		d.say(path, "want a list of session ids, got %s", kindName(v))
		return nil
	}
	v.ForEach(func(_, id gjson.Result) bool {
		if id.Type != gjson.String || id.Str == "" {
			d.say(path, "want a list of session ids, got %s in it", kindName(id))
		}
		out = append(out, id.Str)
		return true
	})
	return out
}

func (d *dagReader) number(f fields, path, key string, whole bool, least float64) float64 {
	v, ok := f[key]
	if !ok {
		return 0
	}
	path = join(path, key)
	switch {
	case v.IsBool():
		d.say(path, "want a number, not a boolean")
	case v.Type != gjson.Number:
		d.say(path, "want a number, got %s", kindName(v))
	case whole && v.Num != float64(int64(v.Num)):
		d.say(path, "want an integer, got %s", v.Raw)
	case v.Num < least:
		d.say(path, "must be at least %g (got %s)", least, v.Raw)
	}
	return v.Num
}

func (d *dagReader) turn(c *dataset.Conversation, v gjson.Result, n, count int) {
	path := at("turns", n)
	if !v.IsObject() {
		d.say(path, "want an object, got %s", kindName(v))
		return
	}
	f := d.fields(v, path, dagTurnKeys)
	t := dataset.Turn{DelayMS: d.number(f, path, "delay", false, 0), MaxTokens: int(d.number(f, path, "max_tokens", true, 1))}
	messages := f["messages"]
	if !messages.IsArray() || messages.Get("#").Int() == 0 {
		d.say(join(path, "messages"), "required: want a list of messages that is not empty")
	}
	k := 0
	messages.ForEach(func(_, m gjson.Result) bool {
		if !m.IsObject() || m.Get("role").Type != gjson.String {
			d.say(path, "every message needs a 'role'; message at index %d has none", k)
		}
		k++
		return true
	})
	t.RawMessages = rawItems(messages)
	if m, ok := f["model"]; ok {
		if t.Model = m.Str; m.Type != gjson.String {
			d.say(join(path, "model"), "want a string, got %s", kindName(m))
		}
	}
	if tools, ok := f["tools"]; ok {
		if !tools.IsArray() {
			d.say(join(path, "tools"), "want a list, got %s", kindName(tools))
		}
		t.RawTools = json.RawMessage(tools.Raw)
	}
	if extra, ok := f["extra"]; ok {
		if !extra.IsObject() {
			d.say(join(path, "extra"), "want an object, got %s", kindName(extra))
		}
		t.ExtraBody = json.RawMessage(extra.Raw)
	}
	c.Turns = append(c.Turns, t)
	branches := d.forks(f["forks"], path, n)
	branches = append(branches, d.spawns(f["spawns"], path, n, count)...)
	nameBranches(c.SessionID, n, branches)
	c.Branches = append(c.Branches, branches...)
}

// forks reads children that begin with the history of their parent.
func (d *dagReader) forks(v gjson.Result, path string, turn int) (out []dataset.Branch) {
	if !v.Exists() {
		return nil
	}
	path = join(path, "forks")
	if !v.IsArray() {
		d.say(path, "want a list, got %s", kindName(v))
		return nil
	}
	fork, back := dataset.Branch{Mode: dataset.BranchFork, Turn: turn, JoinAt: dataset.NoJoin}, dataset.Branch{Mode: dataset.BranchFork, Turn: turn, JoinAt: dataset.NoJoin, Background: true}
	n := 0
	v.ForEach(func(_, item gjson.Result) bool {
		where := at(path, n)
		n++
		child, background := item.Str, false
		if item.IsObject() {
			f := d.fields(item, where, dagForkKeys)
			child, background = f["child"].Str, f["background"].Bool()
		}
		if child == "" {
			d.say(where, "want a session id, or {child, background}")
		}
		if background {
			back.Children = append(back.Children, child)
		} else {
			fork.Children = append(fork.Children, child)
		}
		return true
	})
	for _, b := range []dataset.Branch{fork, back} {
		if len(b.Children) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// spawns reads children that begin with nothing: bare ids side by side are one group.
func (d *dagReader) spawns(v gjson.Result, path string, turn, count int) (out []dataset.Branch) {
	if !v.Exists() {
		return nil
	}
	path = join(path, "spawns")
	if !v.IsArray() {
		d.say(path, "want a list, got %s", kindName(v))
		return nil
	}
	next := turn + 1
	if next >= count {
		next = dataset.NoJoin
	}
	bare := -1
	n := 0
	v.ForEach(func(_, item gjson.Result) bool {
		where := at(path, n)
		n++
		switch {
		case item.Type == gjson.String && item.Str != "":
			if bare < 0 {
				bare = len(out)
				out = append(out, dataset.Branch{Mode: dataset.BranchSpawn, Turn: turn, JoinAt: next})
			}
			out[bare].Children = append(out[bare].Children, item.Str)
		case item.IsObject():
			bare = -1
			f := d.fields(item, where, dagSpawnKeys)
			b := dataset.Branch{Mode: dataset.BranchSpawn, Turn: turn, JoinAt: next, Children: d.names(f["children"], join(where, "children"))}
			if len(b.Children) == 0 {
				d.say(join(where, "children"), "required: want at least one session id")
			}
			if f.has("join_at") {
				b.JoinAt = int(d.number(f, where, "join_at", true, 0))
			}
			out = append(out, b)
		default:
			d.say(where, "want a session id, or {children, join_at}")
		}
		return true
	})
	return out
}

// nameBranches names the branches of a turn: by the turn alone, or by kind where there are
// several.
func nameBranches(session string, turn int, branches []dataset.Branch) {
	spawn := 0
	for i := range branches {
		b := &branches[i]
		b.ID = fmt.Sprintf("%s:%d", session, turn)
		kind := ":fork"
		switch {
		case b.Mode == dataset.BranchSpawn && spawn > 0:
			kind = fmt.Sprintf(":spawn%d", spawn)
			spawn++
		case b.Mode == dataset.BranchSpawn:
			kind = ":spawn"
			spawn++
		case b.Background:
			kind = ":bg_fork"
		}
		if len(branches) > 1 {
			b.ID += kind
		}
	}
}

// topology checks how conversations hang together.
func (d *dagReader) topology(list []dataset.Conversation) error {
	nodes := make([]dataset.Node, len(list))
	child, forked := map[string]bool{}, map[string]bool{}
	for i, c := range list {
		nodes[i] = dataset.Node{ID: c.SessionID, Turns: len(c.Turns), Branches: c.Branches, Isolated: c.Isolated()}
		for _, b := range c.Branches {
			for _, name := range b.Children {
				child[name] = true
				forked[name] = forked[name] || b.Mode == dataset.BranchFork
			}
		}
	}
	for _, p := range dataset.CheckBranches(nodes) {
		d.found.add(Problem{File: d.file, Reason: p.Error()})
	}
	for _, c := range list {
		d.systems(c, forked[c.SessionID])
	}
	return d.found.err()
}

// systems refuses system messages where a conversation is under way.
func (d *dagReader) systems(c dataset.Conversation, forked bool) {
	for i, t := range c.Turns {
		for k, m := range t.RawMessages {
			if gjson.GetBytes(m, "role").Str != "system" {
				continue
			}
			reason := ""
			switch {
			case c.Isolated() && k > 0:
				reason = "only the first message of an isolated turn may be a 'system' message"
			case c.Isolated():
			case forked:
				reason = "a FORK child goes on with its parent's messages and may not contain a 'system' message"
			case i > 0:
				reason = "non-root turns may not contain a 'system' message"
			}
			if reason != "" {
				d.found.add(Problem{File: d.file, Reason: dataset.BranchProblem{Session: c.SessionID, Turn: i, Reason: reason}.Error()})
			}
		}
	}
}

// rootsOf counts the conversations that no other starts.
func rootsOf(list []dataset.Conversation) int {
	child := map[string]bool{}
	for _, c := range list {
		for _, b := range c.Branches {
			for _, name := range b.Children {
				child[name] = true
			}
		}
	}
	n := 0
	for _, c := range list {
		if !child[c.SessionID] {
			n++
		}
	}
	return n
}

// firstRoots keeps the first n roots and all that they start.
func firstRoots(list []dataset.Conversation, n int) (out []dataset.Conversation) {
	byID, child, keep := map[string]*dataset.Conversation{}, map[string]bool{}, map[string]bool{}
	for i := range list {
		byID[list[i].SessionID] = &list[i]
		for _, b := range list[i].Branches {
			for _, name := range b.Children {
				child[name] = true
			}
		}
	}
	var visit func(id string)
	visit = func(id string) {
		if keep[id] {
			return
		}
		keep[id] = true
		for _, b := range byID[id].Branches {
			for _, name := range b.Children {
				visit(name)
			}
		}
	}
	for i := range list {
		if !child[list[i].SessionID] && n > 0 {
			n--
			visit(list[i].SessionID)
		}
	}
	for _, c := range list {
		if keep[c.SessionID] {
			out = append(out, c)
		}
	}
	return out
}
