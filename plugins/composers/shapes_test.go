package composers

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/dataset"
)

// numbered are media that show which one was asked for.
type numbered struct{}

func (numbered) Image(n int) (string, error) { return fmt.Sprintf("image %d", n), nil }
func (numbered) Sound(n int) (string, float64) {
	return fmt.Sprintf("wav,%d", n), float64(n) / 10
}

// texts are the prompts of every first turn.
func texts(c Composer) (out []string) {
	for _, conv := range all(c) {
		out = append(out, conv.Turns[0].Texts[0].Contents...)
	}
	return out
}

var _ = Describe("lengths", func() {
	It("follow the real shape of a distribution", func() {
		c := synthetic(func(c *Config) {
			c.Dataset.Entries = 2000
			c.Dataset.Prompts.ISL = dataset.Distribution{Shape: dataset.ShapeMultimodal, Peaks: []dataset.Peak{
				{Distribution: dataset.Normal(20, 5), Weight: 1}, {Distribution: dataset.Normal(200, 10), Weight: 1}}}
		})
		low := 0
		for _, text := range texts(c) {
			n := lengthOf(text)
			Expect(n < 60 || n > 160).To(BeTrue())
			if n < 60 {
				low++
			}
		}
		Expect(low).To(BeNumerically("~", 1000, 100))
	})
	It("of a sequence distribution come from one bucket, turn by turn, and lose nothing to special tokens", func() {
		pairs, err := config.ParseSequenceDistribution("64,32:7;256,128:3")
		Expect(err).NotTo(HaveOccurred())
		c := synthetic(func(c *Config) {
			c.Dataset.Entries, c.Dataset.Turns = 2000, dataset.Fixed(3)
			c.Dataset.Prompts.SequenceDistribution, c.SpecialTokens = pairs, 2
		})
		seen, mixed := map[[2]int]int{}, 0
		for _, conv := range all(c) {
			kinds := map[int]bool{}
			for _, t := range conv.Turns {
				n := lengthOf(t.Texts[0].Contents[0])
				seen[[2]int{n, t.MaxTokens}]++
				kinds[n] = true
			}
			if len(kinds) == 2 {
				mixed++
			}
		}
		Expect(seen).To(HaveLen(2))
		Expect(seen[[2]int{64, 32}]).To(BeNumerically("~", 4200, 120))
		Expect(seen[[2]int{256, 128}]).To(BeNumerically("~", 1800, 120))
		Expect(mixed).To(BeNumerically(">", 500))
	})
	DescribeTable("of a range ratio are even over their range", func(style string, low, high, lowOut, highOut int) {
		c := synthetic(func(c *Config) {
			c.Dataset.Entries, c.SpecialTokens = 4000, 1
			c.Dataset.Prompts.ISL, c.Dataset.Prompts.OSL = dataset.Normal(20, 0), dataset.Normal(10, 0)
			c.Dataset.Prompts.RangeRatio = &dataset.RangeRatio{Style: style, Input: 0.5, Output: 0.5}
		})
		in, out := map[int]int{}, map[int]int{}
		for _, conv := range all(c) {
			in[lengthOf(conv.Turns[0].Texts[0].Contents[0])]++
			out[conv.Turns[0].MaxTokens]++
		}
		for n := low; n <= high; n++ {
			Expect(in[n]).To(BeNumerically("~", 4000/(high-low+1), 80), "%d", n)
		}
		for n := lowOut; n <= highOut; n++ {
			Expect(out[n]).To(BeNumerically(">", 200))
		}
		Expect(in).To(HaveLen(high - low + 1))
		Expect(out).To(HaveLen(highOut - lowOut + 1))
	},
		Entry("vllm", dataset.StyleVLLM, 9, 29, 5, 15),
		Entry("sglang", dataset.StyleSGLang, 9, 19, 5, 10),
	)
	It("of a range ratio that reach nothing are refused", func() {
		c := Config{Dataset: config.Dataset{Entries: 1, Turns: dataset.Fixed(1), Prompts: config.Prompts{
			ISL: dataset.Fixed(2), OSL: dataset.Fixed(2), RangeRatio: &dataset.RangeRatio{Style: dataset.StyleVLLM, Input: 0.9, Output: 0.9}}},
			Models: config.Models{Names: []string{"m"}}, Prompts: echo{}, SpecialTokens: 1}
		_, err := NewSynthetic(c)
		Expect(err).To(MatchError(ContainSubstring("lower the ratio or raise the length")))
		c.Dataset.PrefixPrompts.Length = 5
		_, err = NewSynthetic(c)
		Expect(err).NotTo(HaveOccurred())
	})
})

var _ = Describe("prefixes", func() {
	It("of a pool begin the first turn of every conversation, in addition to its length", func() {
		c := synthetic(func(c *Config) {
			c.Dataset.Entries, c.Dataset.Turns, c.Dataset.Prompts.ISL = 100, dataset.Fixed(2), dataset.Fixed(128)
			c.Dataset.PrefixPrompts = config.PrefixPrompts{PoolSize: 3, Length: 20}
		})
		seen := map[string]int{}
		for _, conv := range all(c) {
			first, second := conv.Turns[0].Texts[0].Contents[0], conv.Turns[1].Texts[0].Contents[0]
			Expect(lengthOf(first)).To(Equal(148))
			_, prefix, _ := strings.Cut(first, "prefix ")
			seen[prefix]++
			Expect(lengthOf(second)).To(Equal(128))
			Expect(second).NotTo(ContainSubstring("prefix"))
		}
		Expect(seen).To(HaveLen(3))
	})
	It("do not change the texts behind them", func() {
		plain := texts(synthetic(func(*Config) {}))
		with := texts(synthetic(func(c *Config) { c.Dataset.PrefixPrompts = config.PrefixPrompts{PoolSize: 3, Length: 20} }))
		for i := range plain {
			Expect(strings.Split(with[i], ":")[1]).To(Equal(strings.Split(plain[i], ":")[1]), "the same draw")
		}
	})
	It("that all share are one system message, and contexts are each conversation's own", func() {
		convs := all(synthetic(func(c *Config) {
			c.Dataset.PrefixPrompts = config.PrefixPrompts{SharedSystemLength: 30, UserContextLength: 40}
		}))
		Expect(lengthOf(convs[0].SystemMessage)).To(Equal(30))
		Expect(convs[1].SystemMessage).To(Equal(convs[0].SystemMessage))
		Expect(lengthOf(convs[0].UserContextMessage)).To(Equal(40))
		Expect(convs[1].UserContextMessage).NotTo(Equal(convs[0].UserContextMessage))
	})
	It("can be a verbatim system prompt with contexts", func() {
		conv := compose(synthetic(func(c *Config) {
			c.Dataset.SystemPrompt, c.Dataset.PrefixPrompts.UserContextLength = "Be brief.", 4
		}), 0)
		Expect(conv.SystemMessage).To(Equal("Be brief."))
		Expect(lengthOf(conv.UserContextMessage)).To(Equal(4))
	})
})

var _ = Describe("media", func() {
	media := func(c *Config) {
		c.Images, c.Sounds = numbered{}, numbered{}
		c.Dataset.Images.BatchSize, c.Dataset.Audio.BatchSize, c.Dataset.Turns = 2, 1, dataset.Fixed(2)
	}
	It("is numbered through the whole dataset", func() {
		turn := compose(synthetic(media), 3).Turns[1]
		Expect(turn.Images).To(Equal([]dataset.Media{{Name: "image_url", Contents: []string{"image 14", "image 15"}}}))
		Expect(turn.Audios).To(Equal([]dataset.Media{{Name: "input_audio", Contents: []string{"wav,7"}}}))
		Expect(turn.AudioDurationSec).To(Equal(0.7))
	})
	It("changes no text", func() {
		plain := texts(synthetic(func(c *Config) { c.Dataset.Turns = dataset.Fixed(2) }))
		Expect(texts(synthetic(media))).To(Equal(plain))
	})
	It("can be all there is", func() {
		turn := compose(synthetic(func(c *Config) { media(c); c.Dataset.Prompts.ISL = dataset.Fixed(0) }), 0).Turns[0]
		Expect(turn.Texts).To(BeNil())
		Expect(turn.Images).NotTo(BeNil())
	})
})

var _ = Describe("Rankings", func() {
	ranks := func() Config {
		return Config{
			Dataset: config.Dataset{Entries: 200, Rankings: config.Rankings{Passages: dataset.Normal(10, 3), PassageTokens: dataset.Normal(128, 20), QueryTokens: dataset.Fixed(32)}},
			Models:  config.Models{Names: []string{"m"}}, Prompts: echo{}, Seeds: dataset.NewSeeds(7), Seeded: true,
		}
	}
	It("has a query and passages, each of its own length", func() {
		c, err := NewRankings(ranks())
		Expect(err).NotTo(HaveOccurred())
		counts, lengths := map[int]bool{}, map[int]bool{}
		for i := range c.Len() {
			conv := compose(c, i)
			Expect(conv.Turns).To(HaveLen(c.Turns(i)))
			query, passages := conv.Turns[0].Texts[0], conv.Turns[0].Texts[1]
			Expect([]string{query.Name, passages.Name}).To(Equal([]string{"query", "passages"}))
			Expect(lengthOf(query.Contents[0])).To(Equal(32))
			counts[len(passages.Contents)] = true
			for _, p := range passages.Contents {
				lengths[lengthOf(p)] = true
			}
		}
		Expect(len(counts)).To(BeNumerically(">", 5))
		Expect(len(lengths)).To(BeNumerically(">", 30))
		Expect(compose(c, 3)).To(Equal(compose(c, 3)))
	})
	It("says everything that is wrong", func() {
		_, err := NewRankings(Config{})
		Expect(err).To(MatchError(And(ContainSubstring("entries"), ContainSubstring("--tokenizer"), ContainSubstring("passage_tokens"), ContainSubstring("models"))))
	})
})
