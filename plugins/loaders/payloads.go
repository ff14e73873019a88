package loaders

import (
	"fmt"
	"path/filepath"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
	"aiperf/plugins"
)

func init() {
	plugins.Register("custom_dataset_loader", "aiperf.loaders:RawPayload", Constructor(newRawPayload))
	plugins.Register("custom_dataset_loader", "aiperf.loaders:InputsJSON", Constructor(newInputsJSON))
}

// newRawPayload sends lines as they are: each of a file by itself, those of each *.jsonl file
// in a folder as one conversation.
func newRawPayload(src *Source, c Config) (Set, error) {
	found := &findings{}
	files := src.files
	if src.Folder {
		files = nil
		for _, f := range src.files {
			if filepath.Ext(f.name) == ".jsonl" && filepath.Dir(f.name) == filepath.Clean(src.Path) {
				files = append(files, f)
			}
		}
		if len(files) == 0 {
			return nil, &Problems{List: []Problem{{File: src.Path, Reason: "the folder holds no *.jsonl file"}}}
		}
	}
	own := &Source{Path: src.Path, Folder: src.Folder, files: files, trace: src.trace}
	t := index(own, files, found, func(r *report, _ gjson.Result) noted {
		n := noted{turns: 1}
		if src.Folder {
			n.session = r.file
		}
		return n
	})
	s, err := newRowSet(t, c, Facts{Type: "raw_payload", Whole: true, Isolated: true}, found)
	if err != nil {
		return nil, err
	}
	if src.Folder { // the file's path groups the rows, and is no id
		s.anonymous()
	}
	s.turn = func(s *rowSet, c *dataset.Conversation, r *row, _ gjson.Result, _ int) error {
		c.Turns, c.ContextMode = append(c.Turns, dataset.Turn{Role: "user", RawPayload: s.t.bytes(r)}), dataset.MessageArrayWithResponses
		return nil
	}
	return s, nil
}

// anonymous lets conversations have generated ids.
func (s *rowSet) anonymous() {
	for i := range s.t.rows {
		s.t.rows[i].session = noSession
	}
}

// inputsJSON replays the inputs.json of a run.
type inputsJSON struct {
	c        Config
	sessions []inputsSession
	facts    Facts
	first    []int
}

type inputsSession struct {
	id       string
	payloads []string
}

func newInputsJSON(src *Source, c Config) (Set, error) {
	f := src.files[0]
	found := &findings{}
	say := func(path, format string, args ...any) {
		found.add(Problem{File: f.name, Path: path, Reason: fmt.Sprintf(format, args...)})
	}
	s := &inputsJSON{c: c, first: []int{0}, facts: Facts{Type: "inputs_json", Whole: true, Isolated: true}}
	r := &report{f: found, file: f.name}
	root, ok := r.parse(f.data)
	if !ok {
		if found.count == 0 {
			return nil, empty(src, 0)
		}
		return nil, found.err()
	}
	data := root.Get("data")
	if !data.IsArray() {
		say("data", "want a list of sessions, got %s", kindName(data))
	}
	seen := map[string]bool{}
	n := 0
	data.ForEach(func(_, v gjson.Result) bool {
		path := at("data", n)
		n++
		id, payloads := v.Get("session_id"), v.Get("payloads")
		switch {
		case !v.IsObject():
			say(path, "want an object, got %s", kindName(v))
		case id.Type != gjson.String || id.Str == "":
			say(join(path, "session_id"), "required: want a string that is not empty")
		case seen[id.Str]:
			say(path, "duplicate session_id '%s'", id.Str)
		case !payloads.Exists():
			say(join(path, "payloads"), "required")
		case !payloads.IsArray() || payloads.Get("#").Int() == 0:
			say(join(path, "payloads"), "want at least one payload")
		default:
			one := inputsSession{id: id.Str}
			payloads.ForEach(func(_, p gjson.Result) bool {
				if !p.IsObject() {
					say(at(join(path, "payloads"), len(one.payloads)), "want an object, got %s", kindName(p))
				}
				one.payloads = append(one.payloads, p.Get("@ugly").Raw)
				return true
			})
			s.sessions = append(s.sessions, one)
		}
		seen[id.Str] = true
		return true
	})
	if err := found.err(); err != nil {
		return nil, err
	}
	if len(s.sessions) == 0 {
		return nil, empty(src, 0)
	}
	if n := c.Dataset.Limit; n > 0 && n < len(s.sessions) {
		s.sessions = s.sessions[:n]
	}
	for _, one := range s.sessions {
		s.first = append(s.first, s.first[len(s.first)-1]+len(one.payloads))
	}
	s.facts.Rows, s.facts.Conversations, s.facts.Turns = len(s.sessions), len(s.sessions), s.first[len(s.sessions)]
	return s, nil
}

func (s *inputsJSON) Len() int        { return len(s.sessions) }
func (s *inputsJSON) Turns(i int) int { return len(s.sessions[i].payloads) }
func (s *inputsJSON) Facts() Facts    { return s.facts }

func (s *inputsJSON) Compose(i int) (dataset.Conversation, error) {
	c := dataset.Conversation{SessionID: s.sessions[i].id, ContextMode: dataset.MessageArrayWithResponses}
	for _, p := range s.sessions[i].payloads {
		c.Turns = append(c.Turns, dataset.Turn{Role: "user", RawPayload: []byte(p)})
	}
	return c, nil
}
