package dataset

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	store "aiperf/dataset"
	"aiperf/plugins/composers"
	"aiperf/plugins/generators"
	"aiperf/plugins/tokenizers"
)

// Folders of tokenizers: small ones of every kind, and those of real models, which
// `make test` fetches.
const (
	smallTokenizers = "../../plugins/tokenizers/testdata/tiny"
	modelTokenizers = "../../.cache/tokenizers"
)

// folders lists the tokenizers in dir whose names fit.
func folders(dir, pattern string) (out []string) {
	found, err := filepath.Glob(filepath.Join(dir, pattern, "tokenizer.json"))
	Expect(err).NotTo(HaveOccurred())
	for _, file := range found {
		out = append(out, filepath.Dir(file))
	}
	return out
}

var _ = DescribeTable("every length is exact, with every corpus, for", func(dir, pattern string, least int) {
	list := folders(dir, pattern)
	if _, err := os.Stat(dir); err != nil {
		Skip("there are no tokenizers in " + dir)
	}
	Expect(len(list)).To(BeNumerically(">=", least))
	for _, folder := range list {
		t, err := tokenizers.Open(folder)
		Expect(err).NotTo(HaveOccurred())
		for _, corpus := range []string{generators.CorpusSonnet, generators.CorpusCoding, generators.CorpusRandom} {
			g, err := generators.NewPrompt(generators.Config{Tokenizer: t, Corpus: corpus, Seeds: store.NewSeeds(3)})
			Expect(err).NotTo(HaveOccurred())
			for _, n := range []int{1, 2, 3, 5, 17, 50, 333} {
				for i := range 4 {
					text := g.Text(rand.New(rand.NewPCG(uint64(i), uint64(n))), n)
					Expect(t.Count(text)).To(Equal(n), "%s, %s: %q", folder, corpus, text)
				}
			}
		}
	}
},
	Entry("small tokenizers of every kind", smallTokenizers, "*", 8),
	// Loading takes most of the time: one byte-level vocabulary stands for the others.
	Entry("the tokenizer of a model", modelTokenizers, "llama3", 1),
)

// BenchmarkTenThousandPrompts builds 10,000 prompts of 1,000 tokens with a real model's
// tokenizer, files and all.
func BenchmarkTenThousandPrompts(b *testing.B) {
	t, err := tokenizers.Open(filepath.Join(modelTokenizers, "llama3"))
	if err != nil {
		b.Skip("make test fetches the tokenizer: ", err)
	}
	run := testRun(b.TempDir())
	run.Benchmark.Dataset.Entries, run.Benchmark.Dataset.Prompts.ISL = 10_000, store.Fixed(1000)
	b.ReportAllocs()
	for b.Loop() {
		bl, err := newBuilder(run, func(string, ...any) {})
		if err != nil {
			b.Fatal(err)
		}
		prompts, err := generators.NewPrompt(generators.Config{Tokenizer: t, Seeds: store.NewSeeds(7)})
		if err != nil {
			b.Fatal(err)
		}
		bl.composer, err = composers.NewSynthetic(composers.Config{
			Dataset: run.Benchmark.Dataset, Models: run.Benchmark.Models, Prompts: prompts, Seeds: store.NewSeeds(7),
		})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := bl.build(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
