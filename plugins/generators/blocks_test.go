package generators

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/dataset"
)

var _ = Describe("Blocks", func() {
	It("derives the seeds that every implementation derives", func() {
		text, err := os.ReadFile("testdata/block_seeds.jsonl")
		Expect(err).NotTo(HaveOccurred())
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		Expect(len(lines)).To(BeNumerically(">", 5))
		for _, line := range lines {
			var v struct {
				Base, Seed string
				TraceID    string `json:"trace_id"`
				HashID     int64  `json:"hash_id"`
			}
			Expect(json.Unmarshal(line, &v)).To(Succeed())
			base, err := strconv.ParseUint(v.Base, 10, 64)
			Expect(err).NotTo(HaveOccurred())
			Expect(strconv.FormatUint(BlockSeed(base, v.TraceID, v.HashID), 10)).To(Equal(v.Seed))
		}
	})

	blocks := func(seed uint64) *Blocks {
		b, err := NewBlocks(Config{Tokenizer: newWordTokenizer(), Seeds: dataset.NewSeeds(seed)}, -1, 16)
		Expect(err).NotTo(HaveOccurred())
		return b
	}
	text := func(b *Blocks, trace string, length int, ids ...int64) string {
		GinkgoHelper()
		s, err := b.Text(rng(1), trace, length, ids)
		Expect(err).NotTo(HaveOccurred())
		return s
	}

	It("gives an id the same text in any order, and others in another trace or run", func() {
		a, b := blocks(7), blocks(7)
		one, two := text(a, "t", 16, 1), text(a, "t", 16, 2)
		Expect(text(b, "t", 16, 2)).To(Equal(two))
		Expect(text(b, "t", 16, 1)).To(Equal(one))
		Expect(text(b, "t", 32, 2, 1)).To(Equal(two + one))
		Expect(text(b, "u", 16, 1)).NotTo(Equal(one))
		Expect(text(blocks(8), "t", 16, 1)).NotTo(Equal(one))
	})
	It("takes the head of a block that is not whole, so that it can come whole later", func() {
		b := blocks(7)
		part := text(b, "t", 20, 1, 2)
		Expect(text(b, "t", 32, 1, 2)).To(HavePrefix(part))
	})
	It("draws what goes beyond the blocks", func() {
		b := blocks(7)
		long, err := b.Text(rng(1), "t", 40, []int64{1})
		Expect(err).NotTo(HaveOccurred())
		other, err := b.Text(rng(2), "t", 40, []int64{1})
		Expect(err).NotTo(HaveOccurred())
		head := text(b, "t", 16, 1)
		Expect(long).To(HavePrefix(head))
		Expect(other).To(HavePrefix(head))
		Expect(other).NotTo(Equal(long))
		Expect(text(b, "t", 9)).NotTo(BeEmpty(), "a prompt without ids is all tail")
	})
	It("begins every block with the separator", func() {
		w := newWordTokenizer()
		bos := w.Encode("<s>")[0]
		b, err := NewBlocks(Config{Tokenizer: w, Seeds: dataset.NewSeeds(7)}, bos, 8)
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Count(text(b, "t", 16, 1, 2), "<s>")).To(Equal(2))
	})
	DescribeTable("refuses a length that the ids do not fit", func(length int, ids ...int64) {
		_, err := blocks(7).Text(rng(1), "t", length, ids)
		Expect(err).To(MatchError(ContainSubstring("of 16 tokens each")))
	},
		Entry("nothing", 0, int64(1)), Entry("an empty last block", 16, int64(1), int64(2)), Entry("less", 5, int64(1), int64(2)),
	)
	It("refuses blocks of nothing", func() {
		_, err := NewBlocks(Config{Tokenizer: newWordTokenizer()}, -1, 0)
		Expect(err).To(MatchError(ContainSubstring("block size")))
	})
})

// letters is a vocabulary of single bytes, some of which are halves of characters.
type letters struct{}

func (letters) Encode(text string) []int {
	ids := make([]int, len(text))
	for i := range ids {
		ids[i] = int(text[i])
	}
	return ids
}
func (letters) Decode(ids []int) string {
	b := make([]byte, len(ids))
	for i, id := range ids {
		b[i] = byte(id)
	}
	return string(b)
}
func (letters) Count(text string) int { return len(text) }
func (letters) VocabSize() int        { return 256 }
func (letters) IsSpecial(id int) bool { return id < 32 }

var _ = Describe("the random corpus", func() {
	It("has the tokens that are text by themselves", func() {
		c, err := newVocabulary(Config{Tokenizer: letters{}})
		Expect(err).NotTo(HaveOccurred())
		Expect(c.size()).To(Equal(96), "plain characters without control characters")
		c, err = newVocabulary(Config{Tokenizer: letters{}, CorpusStyle: dataset.StyleSGLang})
		Expect(err).NotTo(HaveOccurred())
		Expect(c.size()).To(Equal(128))
	})
	It("makes exact lengths", func() {
		g, err := NewPrompt(Config{Tokenizer: letters{}, Corpus: CorpusRandom})
		Expect(err).NotTo(HaveOccurred())
		for i := range 50 {
			Expect(g.Text(rng(uint64(i)), 1+7*i)).To(HaveLen(1 + 7*i))
		}
	})
})

var _ = Describe("the coding corpus", func() {
	It("has all its pieces, the same for a seed", func() {
		total := 0
		for _, kind := range blockKinds {
			total += kind.share
		}
		Expect(total).To(Equal(100))
		corpusOf := func(seed uint64) string {
			c, err := newCoding(Config{Tokenizer: letters{}, Seeds: dataset.NewSeeds(seed)})
			Expect(err).NotTo(HaveOccurred())
			return letters{}.Decode(c.(ring))
		}
		text := corpusOf(7)
		Expect(text).To(Equal(corpusOf(7)))
		Expect(text).NotTo(Equal(corpusOf(8)))
		Expect(text).NotTo(ContainSubstring("%!"), "a template and its values do not fit")
		Expect(len(text)).To(BeNumerically(">", 300_000))
		for _, piece := range []string{"import logging", "package ", "interface ", "pub struct", "nn.Module", "$ git log", "grad_norm", "Traceback", "panic: ", "SELECT", "Assistant: ", "tool_use", "diff --git", "##[group]", "## How to", "collected "} {
			Expect(text).To(ContainSubstring(piece))
		}
	})
	It("makes exact lengths", func() {
		g, err := NewPrompt(Config{Tokenizer: newWordTokenizer(), Corpus: CorpusCoding, Seeds: dataset.NewSeeds(7)})
		Expect(err).NotTo(HaveOccurred())
		Expect(newWordTokenizer().Count(g.Text(rng(1), 700))).To(Equal(700))
	})
})

var _ = Describe("a prefix", func() {
	It("is the beginning of a text whose whole length is exact", func() {
		p := newTestPrompt(7, newWordTokenizer())
		prefix := p.Prefix(rng(1), 20)
		Expect(prefix).To(HaveLen(20))
		for i := range 50 {
			text := p.TextAfter(rng(uint64(i)), prefix, 100)
			Expect(p.tokenizer.Count(text)).To(Equal(120))
			Expect(text).To(HavePrefix(p.tokenizer.Decode(prefix[:19])))
		}
	})
	It("tries another window where one cannot be repaired", func() {
		p := newTestPrompt(7, &stubborn{wordTokenizer: newWordTokenizer(), bad: 15})
		Expect(p.tokenizer.(*stubborn).wordTokenizer.Count(p.Text(rng(1), 20))).To(Equal(20))
		Expect(p.tokenizer.(*stubborn).bad).To(BeNumerically("<", 0))
	})
})

// stubborn counts wrongly at first.
type stubborn struct {
	*wordTokenizer
	bad int
}

func (s *stubborn) Count(text string) int {
	if s.bad--; s.bad >= 0 {
		return -1
	}
	return s.wordTokenizer.Count(text)
}

// marking decodes with an end-of-word mark that it does not read, as one family of tokenizers does.
type marking struct{ *wordTokenizer }

func (m marking) Decode(ids []int) string {
	return strings.ReplaceAll(m.wordTokenizer.Decode(ids), " ", " </w> ")
}

var _ = It("is exact where the decoder gives back another text", func() {
	p := newTestPrompt(7, marking{newWordTokenizer()})
	for i := range 30 {
		text := p.Text(rng(uint64(i)), 1+17*i)
		Expect(p.tokenizer.Count(text)).To(Equal(1 + 17*i))
		Expect(text).NotTo(ContainSubstring("</w>"))
	}
})
