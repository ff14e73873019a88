package samplers

import (
	"math/rand/v2"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func stream(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 3)) }

func draw(c Constructor, n, times int, seed uint64) []int {
	s, err := c(Config{Conversations: n, Rand: stream(seed)})
	Expect(err).NotTo(HaveOccurred())
	out := make([]int, times)
	for i := range out {
		out[i] = s.Next()
	}
	return out
}

var everySampler = map[string]Constructor{"sequential": NewSequential, "random": NewRandom, "shuffle": NewShuffle}

var _ = Describe("every sampler", func() {
	for name, c := range everySampler {
		It(name+" stays in range and never ends", func() {
			for _, i := range draw(c, 7, 1000, 1) {
				Expect(i).To(And(BeNumerically(">=", 0), BeNumerically("<", 7)))
			}
			Expect(draw(c, 1, 3, 1)).To(Equal([]int{0, 0, 0}))
		})
		It(name+" repeats itself with the same stream", func() {
			Expect(draw(c, 50, 500, 9)).To(Equal(draw(c, 50, 500, 9)))
		})
		It(name+" refuses an empty dataset", func() {
			_, err := c(Config{Rand: stream(1)})
			Expect(err).To(MatchError(ContainSubstring("the dataset is empty")))
		})
	}
})

var _ = Describe("sequential sampling", func() {
	It("goes round in order", func() {
		Expect(draw(NewSequential, 3, 7, 1)).To(Equal([]int{0, 1, 2, 0, 1, 2, 0}))
	})
})

var _ = Describe("shuffled sampling", func() {
	It("yields each conversation once per round, in another order each time", func() {
		const n = 40
		drawn := draw(NewShuffle, n, 3*n, 5)
		var rounds [][]int
		for r := range 3 {
			round := slices.Clone(drawn[r*n : (r+1)*n])
			rounds = append(rounds, slices.Clone(round))
			slices.Sort(round)
			for i, v := range round {
				Expect(v).To(Equal(i))
			}
		}
		Expect(rounds[0]).NotTo(Equal(rounds[1]))
		Expect(rounds[1]).NotTo(Equal(rounds[2]))
	})
})

var _ = Describe("random sampling", func() {
	It("is uniform, and repeats before it has yielded everything", func() {
		const n, times = 20, 20000
		counts := make([]int, n)
		for _, i := range draw(NewRandom, n, times, 5) {
			counts[i]++
		}
		for _, c := range counts {
			Expect(c).To(BeNumerically("~", times/n, 150), "five standard deviations")
		}
		seen := map[int]bool{}
		repeated := false
		for _, i := range draw(NewRandom, n, n, 5) {
			repeated = repeated || seen[i]
			seen[i] = true
		}
		Expect(repeated).To(BeTrue())
	})
})
