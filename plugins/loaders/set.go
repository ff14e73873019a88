package loaders

import (
	"fmt"
	"path/filepath"
	"sort"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
)

// Streams of the parts that are drawn by chance.
const (
	streamMaxTokens = "composer.turn.max_tokens"
	streamModel     = "composer.turn.model_selection"
	streamText      = "dataset.prompt.corpus"
	streamPool      = "dataset.loader.random_pool"
)

// rowSet is a set whose conversations are one row each, or several of one session.
type rowSet struct {
	t     *table
	c     Config
	facts Facts
	// order are the rows by conversation; nil: each is one by itself, in order.
	order []int32
	first []int32 // of order, where each conversation begins; one more than there are
	turns []int32 // before each conversation; one more than there are; nil: one each
	// turn adds the turns of a row to a conversation.
	turn func(s *rowSet, c *dataset.Conversation, r *row, v gjson.Result, number int) error
	// times says when the turn of a row goes; nil: rows have several, or it is not known
	// beforehand.
	times func(v gjson.Result) dataset.TurnOutline
	// end looks at a conversation as a whole; nil: nothing to do.
	end func(s *rowSet, c *dataset.Conversation, rows []int32)
	// less orders the turns of a session; nil: as in the file.
	less func(a, b gjson.Result) bool
}

// newRowSet groups the rows of a table by session.
func newRowSet(t *table, c Config, facts Facts, found *findings) (*rowSet, error) {
	if err := found.err(); err != nil {
		return nil, err
	}
	s := &rowSet{t: t, c: c, facts: facts}
	if len(t.rows) == 0 {
		return nil, empty(t.src, t.dropped)
	}
	if len(t.sessions) > 0 {
		s.group()
	}
	s.limit(c.Dataset.Limit)
	s.number()
	s.facts.Rows, s.facts.Conversations, s.facts.Dropped = s.rowsUsed(), s.Len(), t.dropped
	s.facts.Warnings = append(s.facts.Warnings, found.warnings(t.src.Path)...)
	return s, nil
}

func empty(src *Source, dropped int) error {
	reason := "dataset is empty"
	if dropped > 0 {
		reason = fmt.Sprintf("dataset is empty: all %d rows lie outside the limits of the run", dropped)
	}
	return &Problems{List: []Problem{{File: src.Path, Reason: reason}}}
}

// group lays rows of one session side by side, where its first one stands.
func (s *rowSet) group() {
	rows := s.t.rows
	place := make([]int32, len(s.t.sessions)) // conversation + 1
	of := make([]int32, len(rows))
	n := int32(0)
	for i := range rows {
		id := rows[i].session
		if id != noSession && place[id] != 0 {
			of[i] = place[id] - 1
			continue
		}
		of[i] = n
		n++
		if id != noSession {
			place[id] = n
		}
	}
	s.first = make([]int32, n+1)
	for _, c := range of {
		s.first[c+1]++
	}
	for i := range n {
		s.first[i+1] += s.first[i]
	}
	next := append([]int32(nil), s.first...)
	s.order = make([]int32, len(rows))
	for i, c := range of {
		s.order[next[c]] = int32(i)
		next[c]++
	}
}

// limit keeps the first conversations.
func (s *rowSet) limit(n int) {
	if n <= 0 || n >= s.Len() {
		return
	}
	if s.order == nil {
		s.t.rows = s.t.rows[:n]
		return
	}
	s.first = s.first[:n+1]
	s.order = s.order[:s.first[n]]
}

// number counts the turns before each conversation.
func (s *rowSet) number() {
	several := s.order != nil
	for i := range s.t.rows {
		several = several || s.t.rows[i].turns != 1
	}
	if !several {
		s.facts.Turns = s.Len()
		return
	}
	s.turns = make([]int32, s.Len()+1)
	for i := range s.Len() {
		n := int32(0)
		s.each(i, func(r *row) { n += r.turns })
		s.turns[i+1] = s.turns[i] + n
	}
	s.facts.Turns = int(s.turns[s.Len()])
}

func (s *rowSet) rowsUsed() int {
	if s.order == nil {
		return len(s.t.rows)
	}
	return len(s.order)
}

// each calls use with the rows of conversation i.
func (s *rowSet) each(i int, use func(*row)) {
	if s.order == nil {
		use(&s.t.rows[i])
		return
	}
	for _, k := range s.order[s.first[i]:s.first[i+1]] {
		use(&s.t.rows[k])
	}
}

// Len implements Set.
func (s *rowSet) Len() int {
	if s.order == nil {
		return len(s.t.rows)
	}
	return len(s.first) - 1
}

// Turns implements Set.
func (s *rowSet) Turns(i int) int {
	if s.turns == nil {
		return 1
	}
	return int(s.turns[i+1] - s.turns[i])
}

// Facts implements Set.
func (s *rowSet) Facts() Facts { return s.facts }

// turnNumber is the number of turns before conversation i.
func (s *rowSet) turnNumber(i int) int {
	if s.turns == nil {
		return i
	}
	return int(s.turns[i])
}

// own are the rows of conversation i, in the order of its turns.
func (s *rowSet) own(i int) []int32 {
	if s.order == nil {
		return []int32{int32(i)}
	}
	own := s.order[s.first[i]:s.first[i+1]]
	if s.less != nil && len(own) > 1 {
		own = append([]int32(nil), own...)
		sort.SliceStable(own, func(a, b int) bool { return s.less(s.t.value(&s.t.rows[own[a]]), s.t.value(&s.t.rows[own[b]])) })
	}
	return own
}

// name is the id of conversation i.
func (s *rowSet) name(i int, own []int32) string {
	if id := s.t.rows[own[0]].session; id != noSession {
		return s.t.sessions[id]
	}
	return s.c.Seeds.SessionID(i, s.c.Seeded)
}

// Outline implements Outliner.
func (s *rowSet) Outline(i int, o *dataset.Outline) bool {
	if s.times == nil {
		return false
	}
	own := s.own(i)
	o.ID = s.name(i, own)
	for _, k := range own {
		o.Turns = append(o.Turns, s.times(s.t.value(&s.t.rows[k])))
	}
	return true
}

// Compose implements Set.
func (s *rowSet) Compose(i int) (c dataset.Conversation, err error) {
	own := s.own(i)
	c.SessionID = s.name(i, own)
	number := s.turnNumber(i)
	for _, k := range own {
		r := &s.t.rows[k]
		if err := s.turn(s, &c, r, s.t.value(r), number+len(c.Turns)); err != nil {
			return c, fmt.Errorf("%s: %w", s.t.where(r), err)
		}
	}
	if s.end != nil {
		s.end(s, &c, own)
	}
	s.c.finish(&c, i, number)
	return c, nil
}

// finish gives turns what their rows leave open: the output cap, the model, the system
// message of the run.
func (c *Config) finish(conv *dataset.Conversation, i, number int) {
	osl, rng := &c.Dataset.Prompts.OSL, c.Seeds.Item(streamMaxTokens, i)
	model := c.Seeds.Item(streamModel, i)
	for k := range conv.Turns {
		t := &conv.Turns[k]
		if t.RawPayload != nil {
			continue
		}
		if t.MaxTokens == 0 && osl.Enabled() {
			t.MaxTokens = osl.Int(rng)
		}
		if t.Model == "" {
			t.Model = c.Models.Pick(number+k, model)
		}
	}
	if system := c.Dataset.SystemPrompt; system != "" {
		if conv.SystemMessage != "" {
			system += "\n\n" + conv.SystemMessage
		}
		conv.SystemMessage = system
	}
}

// folder is where a row's media paths are looked for too.
func (t *table) folder(r *row) string { return filepath.Dir(t.src.files[r.file].name) }
