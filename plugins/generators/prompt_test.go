package generators

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/dataset"
)

func newTestPrompt(seed uint64, t Tokenizer) *Prompt {
	g, err := NewPrompt(Config{Tokenizer: t, Corpus: CorpusSonnet, Seeds: dataset.NewSeeds(seed)})
	if err != nil {
		panic(err)
	}
	return g.(*Prompt)
}

func rng(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, n)) }

var _ = Describe("Prompt", func() {
	DescribeTable("makes the exact length", func(n int) {
		p := newTestPrompt(7, newWordTokenizer())
		for i := range 1 + 10_000/n {
			Expect(p.tokenizer.Count(p.Text(rng(uint64(i)), n))).To(Equal(n))
		}
	},
		Entry("one token", 1), Entry("a line", 9), Entry("the usual", 550),
		Entry("several times the text", 30_000),
	)

	It("makes nothing of no tokens", func() {
		Expect(newTestPrompt(7, newWordTokenizer()).Text(rng(1), 0)).To(BeEmpty())
	})

	It("gives the same text for the same chance, and another for another seed or stream", func() {
		a, b, c := newTestPrompt(7, newWordTokenizer()), newTestPrompt(7, newWordTokenizer()), newTestPrompt(8, newWordTokenizer())
		Expect(a.Text(rng(1), 60)).To(Equal(b.Text(rng(1), 60)))
		Expect(a.Text(rng(1), 60)).NotTo(Equal(a.Text(rng(2), 60)))
		Expect(a.Text(rng(1), 60)).NotTo(Equal(c.Text(rng(1), 60)))
	})

	It("rarely begins two prompts alike", func() {
		p := newTestPrompt(7, newWordTokenizer())
		begins := map[string]int{}
		for i := range 1000 {
			begins[p.Text(rng(uint64(i)), 24)]++
		}
		Expect(len(begins)).To(BeNumerically(">", 990))
	})

	It("ends when a length cannot be repaired", func() {
		p := newTestPrompt(7, drifting{newWordTokenizer()})
		Expect(p.Text(rng(1), 20)).NotTo(BeEmpty())
	})

	It("refuses a corpus that there is not", func() {
		_, err := NewPrompt(Config{Tokenizer: newWordTokenizer(), Corpus: "limericks"})
		Expect(err).To(MatchError(`prompt corpus: want sonnet, coding or random, got "limericks"`))
	})
})

var _ = Describe("verse", func() {
	var c *verse
	BeforeEach(func() { c = newVerse("a b\n\n  c \nd e f\n", newWordTokenizer().Encode, rng(1)) })

	It("is as long as it should be, and holds the lines in several orders", func() {
		Expect(len(c.order)).To(BeNumerically(">", corpusBytes/12))
		Expect(c.lines).To(HaveLen(3))
		Expect(c.order[:3]).To(ConsistOf(uint16(0), uint16(1), uint16(2)))
	})

	It("gives windows that agree with the text written out, and wraps", func() {
		var all []int
		for _, k := range c.order {
			all = append(all, c.lines[k]...)
		}
		Expect(c.size()).To(Equal(len(all)))
		for _, start := range []int{0, 1, 5, 17, len(all) - 1, len(all) - 4} {
			want := append(append([]int(nil), all[start:]...), all...)
			Expect(c.appendWindow(nil, start, 9)).To(Equal(want[:9]))
		}
		Expect(c.appendWindow(nil, 3, 2*len(all)+1)).To(HaveLen(2*len(all) + 1))
	})

	It("is embedded as whole sonnets in plain characters", func() {
		poems := strings.Split(strings.TrimSpace(sonnets), "\n\n")
		Expect(len(poems)).To(BeNumerically(">=", 25))
		for _, p := range poems {
			Expect(strings.Split(p, "\n")).To(HaveLen(14))
		}
		for _, r := range sonnets {
			Expect(r).To(BeNumerically("<", 128))
		}
	})
})

// lockedTokenizer lets the toy be shared.
type lockedTokenizer struct {
	mu sync.Mutex
	*wordTokenizer
}

func (l *lockedTokenizer) Encode(t string) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wordTokenizer.Encode(t)
}
func (l *lockedTokenizer) Count(t string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wordTokenizer.Count(t)
}

var _ = It("serves any number of goroutines in any order", func() {
	p := newTestPrompt(7, &lockedTokenizer{wordTokenizer: newWordTokenizer()})
	want := make([]string, 20)
	for i := range want {
		want[i] = p.Text(rng(uint64(i)), 40)
	}
	var wg sync.WaitGroup
	for i := len(want) - 1; i >= 0; i-- {
		wg.Go(func() {
			defer GinkgoRecover()
			Expect(p.Text(rng(uint64(i)), 40)).To(Equal(want[i]))
		})
	}
	wg.Wait()
})

func BenchmarkText(b *testing.B) {
	p := newTestPrompt(7, newWordTokenizer())
	r := rng(1)
	b.ReportAllocs()
	for b.Loop() {
		p.Text(r, 550)
	}
}
