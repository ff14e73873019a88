package dataset

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

func draws(d Distribution, n int) []float64 {
	rng, out := rand.New(rand.NewPCG(1, 2)), make([]float64, n)
	for i := range out {
		out[i] = float64(d.Int(rng))
	}
	slices.Sort(out)
	return out
}

func moments(x []float64) (mean, stddev float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		stddev += (v - mean) * (v - mean) / float64(len(x))
	}
	return mean, math.Sqrt(stddev)
}

var twoPeaks = Distribution{Shape: ShapeMultimodal, Peaks: []Peak{{Normal(20, 5), 1}, {Normal(200, 10), 1}}}

var _ = Describe("Distribution", func() {
	It("keeps mean and spread of a normal, and never draws below 1", func() {
		x := draws(Normal(500, 100), 10_000)
		mean, stddev := moments(x)
		Expect(mean).To(BeNumerically("~", 500, 5))
		Expect(stddev).To(BeNumerically("~", 100, 3))
		Expect(x[0]).To(BeNumerically(">=", 1))
	})
	It("keeps a spread below one", func() {
		_, stddev := moments(draws(Normal(500, 0.8), 10_000))
		Expect(stddev).To(BeNumerically("~", 0.85, 0.1))
	})
	It("keeps mean and median of a log-normal", func() {
		x := draws(Distribution{Shape: ShapeLogNormal, Mean: 200, Median: 100}, 20_000)
		Expect(x[len(x)/2]).To(BeNumerically("~", 100, 3))
		mean, _ := moments(x)
		Expect(mean).To(BeNumerically("~", 200, 12))
	})
	It("draws from the peaks, not from their mean", func() {
		x := draws(twoPeaks, 10_000)
		low := 0
		for _, v := range x {
			Expect(v < 60 || v > 160).To(BeTrue(), "%g", v)
			if v < 60 {
				low++
			}
		}
		Expect(low).To(BeNumerically("~", 5000, 200))
		Expect(twoPeaks.Expected()).To(Equal(110.0))
	})
	It("draws points by weight", func() {
		d := Distribution{Shape: ShapeEmpirical, Points: []Point{{64, 3}, {512, 1}}}
		x := draws(d, 10_000)
		Expect(x[7000]).To(Equal(64.0))
		Expect(x[8000]).To(Equal(512.0))
		Expect(d.Expected()).To(Equal(176.0))
	})
	It("clamps instead of drawing again", func() {
		low, high := 450.0, 550.0
		d := Normal(500, 100)
		d.Min, d.Max = &low, &high
		x := draws(d, 1000)
		Expect(x[0]).To(Equal(450.0))
		Expect(x[len(x)-1]).To(Equal(550.0))
		Expect(x[200]).To(Equal(450.0), "a third lies below")
		d = twoPeaks
		d.Max = &low
		d.Min = &low
		Expect(draws(d, 10)[0]).To(Equal(450.0), "the bounds of a mixture bind its result")
	})
	It("takes no chance for a constant", func() {
		rng, untouched := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(1, 1))
		for _, d := range []Distribution{Fixed(12), Normal(12, 0), {Shape: ShapeLogNormal, Mean: 12, Median: 12}, {Shape: ShapeEmpirical, Points: []Point{{12, 5}}}} {
			Expect(d.Int(rng)).To(Equal(12))
			Expect(d.Int(nil)).To(Equal(12))
		}
		Expect(rng.Uint64()).To(Equal(untouched.Uint64()))
	})
	DescribeTable("rounds constants half to even, and draws at least 1", func(v float64, want int) {
		d := Fixed(v)
		Expect(d.Int(nil)).To(Equal(want))
	}, Entry(nil, 2.5, 2), Entry(nil, 3.5, 4), Entry(nil, 0.0, 1), Entry(nil, 1e300, math.MaxInt32))

	DescribeTable("says what is wrong", func(d Distribution, want ...string) {
		Expect(d.Check()).To(HaveLen(len(want)))
		for i, text := range d.Check() {
			Expect(text).To(ContainSubstring(want[i]))
		}
	},
		Entry("nothing", twoPeaks),
		Entry("not set", Distribution{}),
		Entry("an unknown shape", Distribution{Shape: "zipf"}, `no such distribution "zipf"`),
		Entry("a negative mean and spread", Normal(-1, -2), "mean: must be at least 0, got -1", "stddev: must be"),
		Entry("no number", Fixed(math.NaN()), "value: expected a finite number"),
		Entry("a median above the mean", Distribution{Shape: ShapeLogNormal, Mean: 1, Median: 2}, "median: must be at most the mean 1"),
		Entry("one peak", Distribution{Shape: ShapeMultimodal, Peaks: twoPeaks.Peaks[:1]}, "want at least 2, got 1"),
		Entry("peaks without weight", Distribution{Shape: ShapeMultimodal, Peaks: []Peak{{Fixed(1), 0}, {Fixed(-1), 0}}}, "peaks[1].value: must be at least 0", "add up to 0"),
		Entry("a point without weight", Distribution{Shape: ShapeEmpirical, Points: []Point{{1, 0}}}, "points[0].weight: must be above 0"),
		Entry("crossed bounds", Distribution{Shape: ShapeFixed, Min: new(2.0), Max: new(1.0)}, "min: must be at most max 1, got 2"),
	)

	It("survives the run document", func() {
		for _, d := range []Distribution{twoPeaks, Fixed(3), Normal(4, 1), {Shape: ShapeEmpirical, Points: []Point{{1, 2}}, Max: new(0.0)}} {
			b, err := json.Marshal(d)
			Expect(err).NotTo(HaveOccurred())
			var back Distribution
			Expect(json.Unmarshal(b, &back)).To(Succeed())
			Expect(back).To(Equal(d))
		}
	})
})

var _ = Describe("RangeRatio", func() {
	It("gives the ranges that the tools it is named for give", func() {
		text, err := os.ReadFile("testdata/range_ratio.jsonl")
		Expect(err).NotTo(HaveOccurred())
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		Expect(len(lines)).To(BeNumerically(">", 50))
		for _, line := range lines {
			var v struct {
				Style, Ratio      string
				ISL, OSL, Special int
				Input, Output     [2]int
			}
			Expect(json.Unmarshal(line, &v)).To(Succeed())
			r := RangeRatio{Style: v.Style}
			if strings.HasPrefix(v.Ratio, "{") {
				Expect(json.Unmarshal([]byte(v.Ratio), &r)).To(Succeed())
			} else {
				Expect(json.Unmarshal([]byte(v.Ratio), &r.Input)).To(Succeed())
				r.Output = r.Input
			}
			Expect(r.Check()).To(BeEmpty())
			Expect(r.InputRange(v.ISL, v.Special)).To(Equal(IntRange{v.Input[0], v.Input[1]}), string(line))
			Expect(r.OutputRange(v.OSL)).To(Equal(IntRange{v.Output[0], v.Output[1]}), string(line))
		}
	})
	It("draws both ends", func() {
		rng, seen := rand.New(rand.NewPCG(3, 3)), map[int]bool{}
		for range 200 {
			seen[IntRange{3, 6}.Draw(rng)] = true
		}
		Expect(seen).To(Equal(map[int]bool{3: true, 4: true, 5: true, 6: true}))
	})
	It("refuses ratios that its style does not have", func() {
		Expect((&RangeRatio{Style: StyleVLLM, Input: 1, Output: -1}).Check()).To(HaveLen(2))
		Expect((&RangeRatio{Style: StyleSGLang, Input: 1, Output: 1}).Check()).To(BeEmpty())
		Expect((&RangeRatio{Style: StyleSGLang, Input: 0.2, Output: 0.3}).Check()).To(ConsistOf(ContainSubstring("one ratio")))
	})
})

var _ = Describe("PickPair", func() {
	It("takes buckets by weight", func() {
		rng, pairs := rand.New(rand.NewPCG(5, 5)), []LengthPair{{ISL: Fixed(1), Weight: 7}, {ISL: Fixed(2), Weight: 0}, {ISL: Fixed(3), Weight: 3}}
		counts := map[float64]int{}
		for range 10_000 {
			counts[PickPair(rng, pairs).ISL.Value]++
		}
		Expect(counts[1]).To(BeNumerically("~", 7000, 200))
		Expect(counts[2]).To(BeZero())
	})
})

var _ = Describe("ReadFile", func() {
	var dir string
	BeforeEach(func() {
		var err error
		dir, err = os.MkdirTemp(".", "safe-*") // the system's own may lie behind a link
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(os.RemoveAll, dir)
		Expect(os.WriteFile(dir+"/text", []byte("\ufeffhello"), 0o600)).To(Succeed())
		Expect(os.WriteFile(dir+"/latin", []byte("h\xe9"), 0o600)).To(Succeed())
	})
	It("reads text without its mark", func() { Expect(ReadTextFile(dir + "/text")).To(Equal("hello")) })
	It("expands the home directory", func() {
		wd, err := os.Getwd()
		Expect(err).NotTo(HaveOccurred())
		GinkgoT().Setenv("HOME", wd)
		Expect(ReadTextFile("~/" + dir + "/text")).To(Equal("hello"))
	})
	DescribeTable("refuses what somebody else could slip in", func(prepare func(path string) error, reason string) {
		Expect(prepare(dir + "/x")).To(Succeed())
		_, err := ReadTextFile(dir + "/x/../x")
		if reason == "symbolic link" {
			_, err = ReadTextFile(dir + "/x")
		}
		Expect(err).To(MatchError(ContainSubstring(reason)))
	},
		Entry("a link", func(p string) error { return os.Symlink("text", p) }, "symbolic link"),
		Entry("a directory", func(p string) error { return os.Mkdir(p, 0o700) }, "directory"),
		Entry("text that is none", func(p string) error { return os.WriteFile(p, []byte("h\xe9"), 0o600) }, "not UTF-8 (byte offset 1)"),
		Entry("a file that is too large", func(p string) error {
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(p, mostSafeBytes+1)
		}, "more than 256 MiB"),
	)
	It("refuses a path through a linked directory, and a pipe", func() {
		Expect(os.Symlink(".", dir+"/d")).To(Succeed())
		_, err := ReadFile(dir + "/d/text")
		Expect(err).To(MatchError(ContainSubstring("/d is a symbolic link")))
		Expect(unixMkfifo(dir + "/pipe")).To(Succeed())
		_, err = ReadFile(dir + "/pipe")
		Expect(err).To(MatchError(ContainSubstring("no regular file")))
	})
})

func unixMkfifo(path string) error { return unix.Mkfifo(path, 0o600) }
