package composers

import (
	"errors"
	"fmt"

	"aiperf/dataset"
	"aiperf/plugins"
)

func init() {
	plugins.Register("dataset_composer", "aiperf.composers:Rankings", Constructor(NewRankings))
}

// Names of the random streams of rankings.
const (
	streamPassages      = "dataset.rankings.passages"
	streamPassageTokens = "dataset.rankings.passages.tokens"
	streamQueryTokens   = "dataset.rankings.query.tokens"
)

// Rankings makes single turns of one query and several passages.
type Rankings struct{ c Config }

// NewRankings makes it.
func NewRankings(c Config) (Composer, error) {
	r := &c.Dataset.Rankings
	var errs []error
	if c.Dataset.Entries < 1 {
		errs = append(errs, fmt.Errorf("entries: want at least 1, got %d", c.Dataset.Entries))
	}
	if c.Prompts == nil {
		errs = append(errs, errors.New("rankings: passages need a tokenizer that measures them; name one with --tokenizer"))
	}
	if !r.Passages.Enabled() || !r.PassageTokens.Enabled() || !r.QueryTokens.Enabled() {
		errs = append(errs, errors.New("rankings: want passages, passage_tokens and query_tokens above 0"))
	}
	if len(c.Models.Names) == 0 {
		errs = append(errs, errors.New("models: want at least one name"))
	}
	return &Rankings{c}, errors.Join(errs...)
}

// Len is the number of conversations.
func (r *Rankings) Len() int { return r.c.Dataset.Entries }

// Turns is 1: rankings have no history.
func (*Rankings) Turns(int) int { return 1 }

// Compose makes the query and its passages, each of its own length.
func (r *Rankings) Compose(i int) (dataset.Conversation, error) {
	d, seeds := &r.c.Dataset.Rankings, r.c.Seeds
	query, tokens, text := seeds.Item(streamQueryTokens, i), seeds.Item(streamPassageTokens, i), seeds.Item(streamText, i)
	passages := make([]string, d.Passages.Int(seeds.Item(streamPassages, i)))
	t := dataset.Turn{Model: r.c.Models.Pick(i, seeds.Item(streamModel, i))}
	t.Texts = []dataset.Media{
		{Name: "query", Contents: []string{r.c.Prompts.Text(text, d.QueryTokens.Int(query))}},
		{Name: "passages", Contents: passages},
	}
	for k := range passages {
		passages[k] = r.c.Prompts.Text(text, d.PassageTokens.Int(tokens))
	}
	return dataset.Conversation{SessionID: r.c.sessionID(i), Turns: []dataset.Turn{t}}, nil
}
