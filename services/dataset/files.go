package dataset

import (
	"math/rand/v2"
	"sync"

	"aiperf/config"
	store "aiperf/dataset"
	"aiperf/plugins"
	"aiperf/plugins/composers"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/generators"
	"aiperf/plugins/loaders"
	"aiperf/plugins/tokenizers"
)

// newFileBuilder makes a dataset out of a file.
func newFileBuilder(run *config.Run, registry *plugins.Registry, endpoint endpoints.Endpoint, seeds store.Seeds, seeded bool, warn func(string, ...any)) (*builder, error) {
	b := run.Benchmark
	d := b.Dataset
	prompts := &filePrompts{}
	prompts.make = sync.OnceValue(func() error { return prompts.load(registry, b, seeds) })
	set, src, err := loaders.Load(registry, d.Path, d.Format, loaders.Config{
		Dataset: d, Models: b.Models, Prompts: prompts, Seeds: seeds, Seeded: seeded,
		SystemMessages: b.Endpoint.Capabilities.ConsumesSystemMessage, BlockSize: d.Prompts.BlockSize,
	})
	if err != nil {
		return nil, err
	}
	facts := set.Facts()
	prompts.blockSize = facts.BlockSize
	dir := run.ArtifactDir
	if facts.Trace || facts.Whole { // the file itself shows what is sent
		dir = ""
	}
	return &builder{
		dir: run.DatasetDir, artifactDir: dir, composer: set, failure: prompts.failure, endpoint: endpoint, model: b.Models.Names[0], warn: warn, close: src.Close,
		prepared: facts.Isolated && (facts.Whole || run.Environment.Dataset.PreformatPayloads),
	}, nil
}

// filePrompts makes the texts that a trace gives by their lengths. The tokenizer is loaded
// when the first one is asked for: most files bring their texts.
type filePrompts struct {
	make      func() error
	blockSize int
	tokenizer tokenizers.Tokenizer
	texts     composers.Prompter
	blocks    *generators.Blocks
}

func (p *filePrompts) load(registry *plugins.Registry, b config.Benchmark, seeds store.Seeds) (err error) {
	if p.texts, p.tokenizer, err = newPrompts(registry, b, seeds); err != nil {
		return err
	}
	separator := -1
	if t, ok := p.tokenizer.(interface{ BlockSeparator() int }); ok {
		separator = t.BlockSeparator()
	}
	p.blocks, err = generators.NewBlocks(generators.Config{
		Tokenizer: p.tokenizer, Corpus: b.Dataset.Prompts.Corpus, CorpusStyle: b.Dataset.Prompts.CorpusStyle, Seeds: seeds,
	}, separator, p.blockSize)
	return err
}

// Text implements loaders.Prompter.
func (p *filePrompts) Text(rng *rand.Rand, n int) (string, error) {
	if err := p.make(); err != nil {
		return "", err
	}
	return p.texts.Text(rng, n), nil
}

// Blocks implements loaders.Prompter.
func (p *filePrompts) Blocks(rng *rand.Rand, trace string, length int, ids []int64) (string, error) {
	if err := p.make(); err != nil {
		return "", err
	}
	return p.blocks.Text(rng, trace, length, ids)
}

func (p *filePrompts) failure() error {
	if p.tokenizer == nil {
		return nil
	}
	return tokenizers.Check(p.tokenizer)
}
