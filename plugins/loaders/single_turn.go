package loaders

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
	"aiperf/plugins"
)

func init() {
	plugins.Register("custom_dataset_loader", "aiperf.loaders:SingleTurn", Constructor(newSingleTurn))
	plugins.Register("custom_dataset_loader", "aiperf.loaders:MultiTurn", Constructor(newMultiTurn))
}

var (
	turnKeys = set("type", "text", "texts", "image", "images", "audio", "audios", "video", "videos", "timestamp", "delay", "role", "session_id", "output_length", "extra", "image_uuids")
	// conversationKeys are those of a multi_turn row.
	conversationKeys = set("type", "session_id", "turns")
)

// readTurn checks a row of single_turn, or a turn of multi_turn, and makes its turn.
func (r *report) readTurn(v gjson.Result, path, base string) (t dataset.Turn, session string) {
	if !v.IsObject() {
		r.say(path, "want an object, got %s", kindName(v))
		return t, ""
	}
	f := r.read(v, path, turnKeys, false)
	t.Texts, t.Images = texts.media(r, f, path, base), images.media(r, f, path, base)
	t.Audios, t.Videos = audios.media(r, f, path, base), videos.media(r, f, path, base)
	r.uuids(f, path, &t)
	if len(t.Texts)+len(t.Images)+len(t.Audios)+len(t.Videos) == 0 && !r.bad {
		r.say(path, "want at least one modality: text, image, audio or video")
	}
	if timed, ms := r.times(f, path); timed {
		t.TimestampMS = &ms
	}
	t.DelayMS, _ = r.number(f, path, "delay", 0)
	t.MaxTokens, _ = r.whole(f, path, "output_length", 1)
	t.Role = r.text(f, path, "role")
	r.object(f, path, "extra")
	if extra, ok := f["extra"]; ok {
		t.ExtraBody = json.RawMessage(extra.Raw)
	}
	return t, r.text(f, path, "session_id")
}

// uuids checks the names of cached pictures and lays them beside the pictures.
func (r *report) uuids(f fields, path string, t *dataset.Turn) {
	v, ok := f["image_uuids"]
	if !ok {
		return
	}
	path = join(path, "image_uuids")
	var ids []string
	v.ForEach(func(_, id gjson.Result) bool {
		if id.Type != gjson.String || id.Str == "" {
			r.say(path, "want a list of ids that are not empty")
		}
		ids = append(ids, id.Str)
		return true
	})
	switch {
	case !v.IsArray():
		r.say(path, "want a list of strings, got %s", kindName(v))
	case f.has("image"):
		r.say(path, "goes with images, not with image")
	case !f.has("images"):
		t.Images = []dataset.Media{{Contents: make([]string, len(ids)), UUIDs: ids}}
	case len(t.Images) != 1 || f["images"].Get("0").IsObject():
		r.say(path, "cannot be used together with image objects")
	case len(ids) != len(t.Images[0].Contents):
		r.say(path, "length (%d) must match the length of images (%d)", len(ids), len(t.Images[0].Contents))
	default:
		t.Images[0].UUIDs = ids
	}
}

// fillMedia reads the files that a turn names.
func fillMedia(t *dataset.Turn, base string) error {
	for _, m := range modalities[1:] {
		list := map[*modality][]dataset.Media{&images: t.Images, &audios: t.Audios, &videos: t.Videos}[m]
		if err := m.fill(list, base); err != nil {
			return err
		}
	}
	return nil
}

// quiet is the report of a row that was checked already.
func quiet() *report { return &report{f: &findings{}} }

func newSingleTurn(src *Source, c Config) (Set, error) {
	found := &findings{}
	base := filepath.Dir(src.files[0].name)
	limits := c.limits()
	t := index(src, src.files, found, func(r *report, v gjson.Result) noted {
		turn, session := r.readTurn(v, "", base)
		return noted{session: session, turns: 1, drop: limits.dropTime(turn.TimestampMS)}
	})
	facts := Facts{Type: "single_turn", FirstTimed: firstTimed(src), Isolated: true}
	s, err := newRowSet(t, c, facts, found)
	if err != nil {
		return nil, err
	}
	s.turn = func(s *rowSet, c *dataset.Conversation, row *row, v gjson.Result, _ int) error {
		turn, _ := quiet().readTurn(v, "", s.t.folder(row))
		c.Turns = append(c.Turns, turn)
		return fillMedia(&c.Turns[len(c.Turns)-1], s.t.folder(row))
	}
	s.end = func(_ *rowSet, c *dataset.Conversation, _ []int32) {
		if len(c.Turns) > 1 { // each row stands for itself
			c.ContextMode = dataset.MessageArrayWithResponses
		}
	}
	return s, nil
}

// What the index pass notes of a multi_turn row.
const (
	leadsWithSystem = flagA // its first turn is a system text and nothing else
	hasOtherSystem  = flagB
)

func newMultiTurn(src *Source, c Config) (Set, error) {
	found := &findings{}
	base := filepath.Dir(src.files[0].name)
	t := index(src, src.files, found, func(r *report, v gjson.Result) noted {
		f := r.read(v, "", conversationKeys, false)
		turns := f["turns"]
		if !turns.IsArray() {
			r.say("turns", "want a list of turns, got %s", kindName(turns))
			return noted{}
		}
		n := noted{session: r.text(f, "", "session_id")}
		turns.ForEach(func(_, v gjson.Result) bool {
			turn, _ := r.readTurn(v, at("turns", n.turns), base)
			switch {
			case turn.Role != "system":
			case n.turns == 0 && systemOnly(v, &turn):
				n.flags |= leadsWithSystem
			default:
				n.flags |= hasOtherSystem
			}
			n.turns++
			return true
		})
		if n.turns == 0 {
			r.say("turns", "want at least one turn")
		}
		return n
	})
	s, err := newRowSet(t, c, Facts{Type: "multi_turn", FirstTimed: firstTimed(src)}, found)
	if err != nil {
		return nil, err
	}
	if c.SystemMessages {
		s.liftSystems()
	}
	s.facts.Isolated = s.facts.Turns == s.Len()
	s.turn = func(s *rowSet, c *dataset.Conversation, row *row, v gjson.Result, _ int) (err error) {
		v.Get("turns").ForEach(func(_, v gjson.Result) bool {
			turn, _ := quiet().readTurn(v, "", s.t.folder(row))
			c.Turns = append(c.Turns, turn)
			err = fillMedia(&c.Turns[len(c.Turns)-1], s.t.folder(row))
			return err == nil
		})
		return err
	}
	s.end = func(s *rowSet, c *dataset.Conversation, rows []int32) {
		if s.c.SystemMessages && s.lifts(rows) {
			var parts []string
			for _, m := range c.Turns[0].Texts {
				parts = append(parts, m.Contents...)
			}
			c.SystemMessage, c.Turns = strings.Join(parts, "\n"), c.Turns[1:]
		}
	}
	return s, nil
}

// systemOnly tells a turn that is a system text without times and options.
func systemOnly(v gjson.Result, t *dataset.Turn) bool {
	for _, key := range []string{"timestamp", "delay", "output_length", "extra"} {
		if g := v.Get(key); g.Exists() && g.Type != gjson.Null {
			return false
		}
	}
	return len(t.Texts) > 0 && len(t.Images)+len(t.Audios)+len(t.Videos) == 0
}

// lifts tells whether a conversation's first turn becomes its system message.
func (s *rowSet) lifts(rows []int32) bool {
	total := int32(0)
	for i, k := range rows {
		r := &s.t.rows[k]
		total += r.turns
		if r.flags&hasOtherSystem != 0 || i > 0 && r.flags&leadsWithSystem != 0 {
			return false
		}
	}
	return s.t.rows[rows[0]].flags&leadsWithSystem != 0 && total > 1
}

// liftSystems takes the turns that become system messages out of the counts.
func (s *rowSet) liftSystems() {
	if s.turns == nil {
		return
	}
	lifted := int32(0)
	for i := range s.Len() {
		rows := []int32{int32(i)}
		if s.order != nil {
			rows = s.order[s.first[i]:s.first[i+1]]
		}
		if s.lifts(rows) {
			lifted++
		}
		s.turns[i+1] -= lifted
	}
	s.facts.Turns -= int(lifted)
}

// firstTimed tells whether the first record says when it goes: a delay says how long after
// another, which is no schedule.
func firstTimed(src *Source) bool {
	line, _ := src.files[0].first()
	v := gjson.ParseBytes(line)
	if turns := v.Get("turns"); turns.IsArray() {
		v = turns.Get("0")
	}
	return v.Get("timestamp").Type == gjson.Number
}
