package test

import (
	"regexp"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// What a dry run says is what the run does, for a given seed.
var _ = Describe("a dry run", Label("e2e"), func() {
	It("agrees with the run on counts and instants", func() {
		url := target("--fast")
		args := []string{"--request-rate", "200", "--request-count", "300", "--isl", "40", "--isl-stddev", "10", "--osl", "2", "--random-seed", "9",
			"--request-cancellation-rate", "20", "--warmup-request-count", "3"}
		dry, code := aiperf(profileArgs(url, artifacts(), append(args, "--dry-run")...)...)
		Expect(code).To(BeZero(), dry.output())
		out := dry.stdout.String()
		said := regexp.MustCompile(`Phase profiling sends (\d+) requests in (\d+) sessions, of which the client hangs up on (\d+)`).FindStringSubmatch(out)
		Expect(said).NotTo(BeNil(), out)
		blocks := strings.Split(out, "first instants, ms: ")
		Expect(blocks).To(HaveLen(3), "one for each phase")
		var instants []float64
		for _, text := range strings.Split(strings.SplitN(blocks[2], "\n", 2)[0], ", ") {
			v, err := strconv.ParseFloat(text, 64)
			Expect(err).NotTo(HaveOccurred())
			instants = append(instants, v)
		}
		Expect(out).To(ContainSubstring("Prompts of 300 conversations"))

		p, code := aiperf(profileArgs(url, artifacts(), args...)...)
		Expect(code).To(BeZero(), p.output())
		start := number(p.summary(), "load_series", "start_ns")
		requests, scheduled := 0, map[int]float64{}
		for _, line := range p.lines() {
			if at(line, "metadata", "benchmark_phase") == "profiling" {
				requests++
				scheduled[int(number(line, "metadata", "session_num"))] = (number(line, "metadata", "scheduled_ns") - start) / 1e6
			}
		}
		Expect(said[1]).To(Equal(strconv.Itoa(requests)))
		Expect(said[2]).To(Equal(strconv.Itoa(requests)))
		for i, want := range instants {
			Expect(scheduled[i]).To(BeNumerically("~", want, 0.002), "request %d; float64 holds wall nanoseconds to 256 ns", i)
		}
		asked, err := strconv.Atoi(said[3])
		Expect(err).NotTo(HaveOccurred())
		// An answer that is complete before the cut wins, so fewer may be cut.
		cancelled := number(p.summary(), "measurement_quality", "credits", "cancelled")
		Expect(cancelled).To(BeNumerically("<=", asked))
	})
})
