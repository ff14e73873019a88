package dataset

import (
	"errors"
	"fmt"

	"aiperf/config"
	store "aiperf/dataset"
	"aiperf/plugins"
	"aiperf/plugins/composers"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/generators"
	"aiperf/plugins/tokenizers"
)

// newBuilder makes the plugins that the run names: tokenizer, generator, composer and
// endpoint.
func newBuilder(run *config.Run, warn func(msg string, args ...any)) (*builder, error) {
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return nil, err
	}
	b := run.Benchmark
	var tokenizer tokenizers.Tokenizer // nil: there are no texts to make
	makeEndpoint, err := plugins.Constructor[endpoints.Constructor](registry, "endpoint", b.Endpoint.Type)
	if err != nil {
		return nil, err
	}
	if len(b.Models.Names) == 0 {
		return nil, fmt.Errorf("build dataset: the run names no model")
	}
	endpoint, err := makeEndpoint(endpoints.Config{
		Endpoint: b.Endpoint, Model: b.Models.Names[0], ForceContentParts: run.Environment.HTTP.ForceContentParts,
	})
	if err != nil {
		return nil, fmt.Errorf("make endpoint %s: %w", b.Endpoint.Type, err)
	}
	seeds, seeded := runSeeds(run)
	if b.Dataset.Type == config.TypeFile {
		return newFileBuilder(run, registry, endpoint, seeds, seeded, warn)
	}
	makeComposer, err := plugins.Constructor[composers.Constructor](registry, "dataset_composer", b.Dataset.Type)
	if err != nil {
		return nil, err
	}
	c := composers.Config{Dataset: b.Dataset, Models: b.Models, Seeds: seeds, Seeded: seeded}
	if d := &b.Dataset; d.Prompts.HaveText() || d.PrefixPrompts.Any() || d.Rankings.QueryTokens.Enabled() {
		if c.Prompts, tokenizer, err = newPrompts(registry, b, seeds); err != nil {
			return nil, err
		}
		c.SpecialTokens = tokenizer.NumSpecialTokens()
		if b.Tokenizer.ApplyChatTemplate {
			o := tokenizers.ChatOverhead(tokenizer)
			c.FixedTokens, c.MessageTokens = o.Fixed, o.Message
		}
	}
	if b.Dataset.Images.Enabled() {
		if c.Images, err = generators.NewImages(b.Dataset.Images, seeds, warn); err != nil {
			return nil, err
		}
	}
	if b.Dataset.Audio.Enabled() {
		c.Sounds = generators.NewSounds(b.Dataset.Audio, seeds)
	}
	composer, err := makeComposer(c)
	if err != nil {
		return nil, fmt.Errorf("make dataset %s: %w", b.Dataset.Name, err)
	}
	return &builder{
		dir: run.DatasetDir, artifactDir: run.ArtifactDir, composer: composer, failure: func() error { return tokenizers.Check(tokenizer) }, endpoint: endpoint, model: b.Models.Names[0], warn: warn,
		prepared: run.Environment.Dataset.PreformatPayloads && singleTurn(composer),
	}, nil
}

// newPrompts makes the text generator with the tokenizer that measures its texts.
func newPrompts(registry *plugins.Registry, b config.Benchmark, seeds store.Seeds) (composers.Prompter, tokenizers.Tokenizer, error) {
	makeTokenizer, err := plugins.Constructor[tokenizers.Constructor](registry, "tokenizer", tokenizerName(b.Tokenizer))
	if err != nil {
		return nil, nil, err
	}
	makePrompts, err := plugins.Constructor[generators.Constructor](registry, "generator", "prompt")
	if err != nil {
		return nil, nil, err
	}
	tokenizer, err := makeTokenizer(tokenizers.Chosen(b.Tokenizer))
	if err != nil {
		return nil, nil, fmt.Errorf("load tokenizer: %w", err)
	}
	prompts, err := makePrompts(generators.Config{
		Tokenizer: tokenizer, Corpus: b.Dataset.Prompts.Corpus, CorpusStyle: b.Dataset.Prompts.CorpusStyle, Seeds: seeds,
	})
	if err = errors.Join(err, tokenizers.Check(tokenizer)); err != nil {
		return nil, nil, err
	}
	return prompts, tokenizer, nil
}

// tokenizerName is the plugin that was chosen; a run that counts nothing names none,
// but its prompts have a length all the same.
func tokenizerName(t config.Tokenizer) string {
	if t.Name == "" {
		return "builtin"
	}
	return t.Name
}

// runSeeds are the streams of the dataset's seed, else of the run's, else of the
// process seed that all processes of the run share.
func runSeeds(run *config.Run) (seeds store.Seeds, chosen bool) {
	switch {
	case run.Benchmark.Dataset.RandomSeed != nil:
		return store.NewSeeds(*run.Benchmark.Dataset.RandomSeed), true
	case run.RandomSeed != nil:
		return store.NewSeeds(*run.RandomSeed), true
	}
	return store.NewSeeds(run.ProcessSeed), false
}

// singleTurn tells whether no request depends on a reply. One conversation of several
// turns makes the whole dataset one of documents.
func singleTurn(c composers.Composer) bool {
	for i := range c.Len() {
		if c.Turns(i) > 1 {
			return false
		}
	}
	return true
}
