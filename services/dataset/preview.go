package dataset

import (
	"context"
	"fmt"

	"aiperf/config"
	store "aiperf/dataset"
	"aiperf/plugins"
	"aiperf/plugins/tokenizers"
)

// Lengths are the texts of a dataset, one entry per turn: the tokens of its own prompt,
// without earlier turns, and the output asked for (0 = as long as the model likes).
type Lengths struct {
	Prompt, Output []int
	// Of: conversations that were measured; the dataset may have more.
	Of, Conversations int
}

// measuredConversations bounds how many conversations are tokenised.
const measuredConversations = 2000

// Preview builds the dataset of a run in dir, as the run would, and measures it. The
// caller removes dir.
func Preview(ctx context.Context, run *config.Run, dir string) (*store.Store, Lengths, error) {
	var lengths Lengths
	b, err := newBuilder(run, func(string, ...any) {})
	if err != nil {
		return nil, lengths, err
	}
	b.dir, b.artifactDir = dir, ""
	count, err := counterOf(run)
	if err != nil {
		return nil, lengths, err
	}
	b.visit = func(c *store.Conversation) {
		lengths.Conversations++
		if lengths.Of == measuredConversations || c.Coordinator != nil {
			return
		}
		lengths.Of++
		for i := range c.Turns {
			n := 0
			for _, m := range c.Turns[i].Texts {
				for _, text := range m.Contents {
					n += count(text)
				}
			}
			lengths.Prompt = append(lengths.Prompt, n)
			lengths.Output = append(lengths.Output, c.Turns[i].MaxTokens)
		}
	}
	if _, err := b.build(ctx); err != nil {
		return nil, lengths, fmt.Errorf("build dataset %s: %w", run.Benchmark.Dataset.Name, err)
	}
	s, err := store.Open(dir)
	return s, lengths, err
}

// counterOf counts as the run does.
func counterOf(run *config.Run) (func(string) int, error) {
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return nil, err
	}
	t := run.Benchmark.Tokenizer
	newTokenizer, err := plugins.Constructor[tokenizers.Constructor](registry, "tokenizer", tokenizerName(t))
	if err != nil {
		return nil, err
	}
	tokenizer, err := newTokenizer(tokenizers.Chosen(t))
	if err != nil {
		return nil, fmt.Errorf("load tokenizer: %w", err)
	}
	return tokenizer.Count, nil
}
