package composers

import (
	"fmt"
	"math"
	"math/rand/v2"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/dataset"
)

// echo writes the asked length and one draw, so that both can be seen.
type echo struct{}

func (echo) Text(rng *rand.Rand, n int) string { return fmt.Sprintf("%d:%d", n, rng.IntN(1<<30)) }

func (echo) Prefix(rng *rand.Rand, n int) []int { return append(make([]int, n-1), rng.IntN(1<<30)) }

func (e echo) TextAfter(rng *rand.Rand, prefix []int, n int) string {
	text := e.Text(rng, len(prefix)+n)
	if prefix != nil {
		text += fmt.Sprintf(":prefix %d", prefix[len(prefix)-1])
	}
	return text
}

func lengthOf(text string) (n int) {
	_, err := fmt.Sscanf(text, "%d:", &n)
	Expect(err).NotTo(HaveOccurred())
	return n
}

func synthetic(change func(*Config)) Composer {
	c := Config{
		Dataset: config.Dataset{Entries: 20, Prompts: config.Prompts{ISL: dataset.Fixed(550), BatchSize: 1}, Turns: dataset.Fixed(1), TurnDelayRatio: 1},
		Models:  config.Models{Names: []string{"m"}, Strategy: "round_robin"},
		Prompts: echo{}, Seeds: dataset.NewSeeds(7), Seeded: true,
	}
	change(&c)
	s, err := NewSynthetic(c)
	Expect(err).NotTo(HaveOccurred())
	return s
}

func compose(c Composer, i int) dataset.Conversation {
	GinkgoHelper()
	conversation, err := c.Compose(i)
	Expect(err).NotTo(HaveOccurred())
	return conversation
}

func all(c Composer) []dataset.Conversation {
	out := make([]dataset.Conversation, c.Len())
	for i := range out {
		out[i] = compose(c, i)
	}
	return out
}

var _ = DescribeTable("prompts leave room for the model's chat template", func(isl, pool int, first, later int) {
	s := synthetic(func(c *Config) {
		c.FixedTokens, c.MessageTokens = 10, 4
		c.Dataset.Turns = dataset.Fixed(2)
		c.Dataset.Prompts.ISL = dataset.Fixed(float64(isl))
		c.Dataset.PrefixPrompts = config.PrefixPrompts{PoolSize: pool, Length: 30}
	})
	c, err := s.Compose(0)
	Expect(err).NotTo(HaveOccurred())
	Expect(lengthOf(c.Turns[0].Texts[0].Contents[0])).To(Equal(first))
	Expect(lengthOf(c.Turns[1].Texts[0].Contents[0])).To(Equal(later))
},
	Entry("the first turn bears the fixed part", 100, 0, 86, 96),
	Entry("at least one token is left", 5, 0, 1, 1),
	Entry("or none behind a prefix", 5, 2, 30, 1),
)

var _ = Describe("Synthetic", func() {
	It("makes single turns of a fixed length by default", func() {
		c := synthetic(func(*Config) {})
		Expect(c.Len()).To(Equal(20))
		conv := compose(c, 3)
		Expect(conv.SessionID).To(Equal("session_000003"))
		Expect(conv.Turns).To(HaveLen(1))
		turn := conv.Turns[0]
		Expect(turn.Texts[0].Name).To(Equal("text"))
		Expect(lengthOf(turn.Texts[0].Contents[0])).To(Equal(550))
		Expect(turn.Model).To(Equal("m"))
		Expect(turn.MaxTokens).To(BeZero(), "no output length was asked for")
		Expect(turn.DelayMS).To(BeZero())
	})

	It("composes the same in any order, and differently for another seed", func() {
		shape := func(c *Config) {
			c.Dataset.Prompts.ISL, c.Dataset.Prompts.OSL = dataset.Normal(550, 50), dataset.Normal(100, 20)
			c.Dataset.Turns, c.Dataset.TurnDelayMS = dataset.Normal(3, 1), dataset.Normal(1000, 300)
		}
		a, b := synthetic(shape), synthetic(shape)
		want := all(a)
		for i := b.Len() - 1; i >= 0; i-- {
			Expect(compose(b, i)).To(Equal(want[i]))
			Expect(b.Turns(i)).To(Equal(len(want[i].Turns)))
		}
		other := synthetic(func(c *Config) { shape(c); c.Seeds = dataset.NewSeeds(8) })
		Expect(all(other)).NotTo(Equal(want))
	})

	It("does not let one option shift the chance of another", func() {
		plain := all(synthetic(func(c *Config) { c.Dataset.Prompts.ISL = dataset.Normal(550, 50) }))
		more := all(synthetic(func(c *Config) {
			c.Dataset.Prompts.ISL, c.Dataset.Prompts.OSL = dataset.Normal(550, 50), dataset.Normal(100, 20)
			c.Models = config.Models{Names: []string{"a", "b"}, Strategy: "random"}
		}))
		for i := range plain {
			Expect(more[i].Turns[0].Texts).To(Equal(plain[i].Turns[0].Texts))
		}
	})

	It("keeps mean and deviation of lengths", func() {
		c := synthetic(func(c *Config) { c.Dataset.Entries, c.Dataset.Prompts.ISL = 10_000, dataset.Normal(500, 100) })
		var sum, squares float64
		for _, conv := range all(c) {
			n := float64(lengthOf(conv.Turns[0].Texts[0].Contents[0]))
			Expect(n).To(BeNumerically(">=", 1))
			sum, squares = sum+n, squares+n*n
		}
		mean := sum / 10_000
		Expect(mean).To(BeNumerically("~", 500, 5))
		Expect(math.Sqrt(squares/10_000 - mean*mean)).To(BeNumerically("~", 100, 3))
	})

	It("subtracts what the tokenizer adds by itself", func() {
		c := synthetic(func(c *Config) { c.SpecialTokens = 2 })
		Expect(lengthOf(compose(c, 0).Turns[0].Texts[0].Contents[0])).To(Equal(548))
	})

	It("deals out models turn by turn over the whole dataset", func() {
		c := synthetic(func(c *Config) { c.Dataset.Turns, c.Models.Names = dataset.Fixed(2), []string{"a", "b", "c"} })
		Expect(compose(c, 0).Turns[1].Model).To(Equal("b"))
		Expect(compose(c, 1).Turns[0].Model).To(Equal("c"))
		Expect(compose(c, 1).Turns[1].Model).To(Equal("a"))
	})

	It("delays turns after the first, times the ratio", func() {
		c := synthetic(func(c *Config) {
			c.Dataset.Turns, c.Dataset.TurnDelayMS, c.Dataset.TurnDelayRatio = dataset.Fixed(3), dataset.Fixed(100), 0.5
		})
		turns := compose(c, 0).Turns
		Expect([]float64{turns[0].DelayMS, turns[1].DelayMS, turns[2].DelayMS}).To(Equal([]float64{0, 50, 50}))
	})

	It("gives a batch several prompts of one length", func() {
		c := synthetic(func(c *Config) { c.Dataset.Prompts.BatchSize, c.Dataset.Prompts.ISL = 3, dataset.Normal(550, 80) })
		contents := compose(c, 0).Turns[0].Texts[0].Contents
		Expect(contents).To(HaveLen(3))
		Expect(lengthOf(contents[1])).To(Equal(lengthOf(contents[0])))
		Expect(contents[1]).NotTo(Equal(contents[0]))
	})

	It("names sessions with UUIDs when no seed was chosen", func() {
		c := synthetic(func(c *Config) { c.Seeded = false })
		Expect(compose(c, 0).SessionID).To(MatchRegexp(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`))
		Expect(compose(c, 1).SessionID).NotTo(Equal(compose(c, 0).SessionID))
	})

	It("says everything that is wrong with a shape", func() {
		_, err := NewSynthetic(Config{Dataset: config.Dataset{Turns: dataset.Fixed(0.5)}})
		Expect(err).To(MatchError(And(
			ContainSubstring("entries: want at least 1, got 0"), ContainSubstring("raise --isl"),
			ContainSubstring("turns: want at least 1 on average, got 0.5"), ContainSubstring("models: want at least one name"))))
	})
})
