package loaders

import (
	"fmt"
	"path/filepath"

	"github.com/tidwall/gjson"

	"aiperf/dataset"
	"aiperf/plugins"
)

func init() {
	plugins.Register("custom_dataset_loader", "aiperf.loaders:RandomPool", Constructor(newRandomPool))
}

// pool are the rows of one file.
type pool struct {
	name string
	rows []int32
}

// randomPool draws its conversations from pools: a row of each makes a turn.
type randomPool struct {
	t     *table
	c     Config
	pools []pool
	facts Facts
}

func newRandomPool(src *Source, c Config) (Set, error) {
	found := &findings{}
	t := index(src, src.files, found, func(r *report, v gjson.Result) noted {
		r.readTurn(v, "", filepath.Dir(r.file))
		return noted{turns: 1}
	})
	s := &randomPool{t: t, c: c}
	for i, f := range src.files {
		p := pool{name: f.stem}
		for k := range t.rows {
			if int(t.rows[k].file) == i {
				p.rows = append(p.rows, int32(k))
			}
		}
		if len(p.rows) == 0 && found.count == 0 {
			found.add(Problem{File: f.name, Reason: "the pool is empty"})
		}
		s.pools = append(s.pools, p)
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	n := c.Dataset.Entries
	s.facts = Facts{Type: "random_pool", Rows: len(t.rows), Conversations: n, Turns: n, Isolated: true, Warnings: found.warnings(src.Path)}
	return s, nil
}

func (s *randomPool) Len() int     { return s.c.Dataset.Entries }
func (*randomPool) Turns(int) int  { return 1 }
func (s *randomPool) Facts() Facts { return s.facts }

// Compose draws a row of each pool, with replacement. Media without a name take the pool's.
func (s *randomPool) Compose(i int) (c dataset.Conversation, err error) {
	c.SessionID = s.c.Seeds.SessionID(i, s.c.Seeded)
	rng := s.c.Seeds.Item(streamPool, i)
	var turn dataset.Turn
	for _, p := range s.pools {
		r := &s.t.rows[p.rows[rng.IntN(len(p.rows))]]
		t, _ := quiet().readTurn(s.t.value(r), "", s.t.folder(r))
		for _, list := range [][]dataset.Media{t.Texts, t.Images, t.Audios, t.Videos} {
			for k := range list {
				if list[k].Name == "" {
					list[k].Name = p.name
				}
			}
		}
		if err := fillMedia(&t, s.t.folder(r)); err != nil {
			return c, fmt.Errorf("%s: %w", s.t.where(r), err)
		}
		turn.Texts, turn.Images = append(turn.Texts, t.Texts...), append(turn.Images, t.Images...)
		turn.Audios, turn.Videos = append(turn.Audios, t.Audios...), append(turn.Videos, t.Videos...)
		if t.MaxTokens > 0 {
			turn.MaxTokens = t.MaxTokens
		}
		if t.ExtraBody != nil {
			turn.ExtraBody = t.ExtraBody
		}
		if t.Role != "" {
			turn.Role = t.Role
		}
	}
	c.Turns = []dataset.Turn{turn}
	s.c.finish(&c, i, i)
	return c, nil
}
