package config

import (
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a list of phases in a file", func() {
	list := func(phases ...string) string {
		return head + "  dataset: {isl: 5, turns: 4}\n  phases:\n    - " + strings.Join(phases, "\n    - ") + "\n"
	}

	It("gives each phase its own load, in the order of the file", func() {
		run, problems := fromYAML(list(
			"{name: caches, kind: warmup, type: gamma, rate: 5, smoothness: 0.5, duration: 30s}",
			"{name: users, kind: warmup, type: user_centric, rate: 4, users: 8, sessions: 20}",
			"{name: baseline, kind: profiling, type: concurrency, concurrency: 2, requests: 50, cancellation: {rate: 10, delay: 1}}",
			"{name: stress, kind: profiling, type: poisson, rate: 40, duration: 1m, seamless: true, concurrency: 64, concurrency_ramp: 10, rate_ramp: 5, failed_request_threshold: 0.1}",
			"{name: calm, kind: profiling, type: constant, rate: 1, duration: 10, grace_period: inf}",
			"{name: cool-down, kind: warmup, type: concurrency, requests: 3}",
		), nil)
		Expect(problems).To(BeEmpty())
		Expect(run.Benchmark.Phases).To(Equal([]Phase{
			{Name: "caches", Kind: KindWarmup, Type: TypeGamma, RatePerSec: ptr(5.0), Smoothness: ptr(0.5), DurationSec: ptr(30.0), GraceInfinite: true, ExcludeFromResults: true},
			{Name: "users", Kind: KindWarmup, Type: TypeUserCentric, RatePerSec: ptr(4.0), Users: ptr(8), Sessions: ptr(20), GraceInfinite: true, ExcludeFromResults: true},
			{Name: "baseline", Kind: KindProfiling, Type: TypeConcurrency, Concurrency: ptr(2), Requests: ptr(50), GraceInfinite: true, Cancellation: &Cancellation{10, 1}},
			{Name: "stress", Kind: KindProfiling, Type: TypePoisson, RatePerSec: ptr(40.0), DurationSec: ptr(60.0), Concurrency: ptr(64), Seamless: true,
				ConcurrencyRamp: &Ramp{DurationSec: 10}, RateRamp: &Ramp{DurationSec: 5}, GracePeriodSec: 30, FailedThreshold: ptr(0.1)},
			{Name: "calm", Kind: KindProfiling, Type: TypeConstant, RatePerSec: ptr(1.0), DurationSec: ptr(10.0), GraceInfinite: true},
			{Name: "cool-down", Kind: KindWarmup, Type: TypeConcurrency, Concurrency: ptr(1), Requests: ptr(3), GraceInfinite: true, ExcludeFromResults: true},
		}))
		var in struct {
			Phases []struct {
				Name     string
				Seamless bool
			}
		}
		Expect(json.Unmarshal(run.InputConfig, &in)).To(Succeed())
		Expect(in.Phases).To(HaveLen(6))
		Expect(in.Phases[3].Seamless).To(BeTrue())
	})

	It("lets flags change the one profiling phase, and what is no load", func() {
		text := list("{name: a, kind: warmup, type: concurrency, concurrency: 2, requests: 4}", "{name: b, kind: warmup, type: concurrency, requests: 4}",
			"{name: c, kind: profiling, type: concurrency, concurrency: 3, requests: 50}")
		run, problems := fromYAML(text, nil, "--concurrency", "9", "--random-seed", "4")
		Expect(problems).To(BeEmpty())
		Expect([]int{*run.Benchmark.Phases[0].Concurrency, *run.Benchmark.Phases[1].Concurrency, *run.Benchmark.Phases[2].Concurrency}).To(Equal([]int{2, 1, 9}))
		Expect(run.RandomSeed).To(HaveValue(BeEquivalentTo(4)))
	})

	DescribeTable("is refused where it cannot run", func(want string, args []string, phases ...string) {
		_, problems := fromYAML(list(phases...), nil, args...)
		Expect(problems.Error()).To(ContainSubstring(want))
		Expect(problems).To(HaveLen(1), problems.Error())
	},
		Entry("no profiling", "benchmark.phases: want a phase of kind profiling", nil, "{name: a, kind: warmup, type: concurrency, requests: 1}"),
		Entry("nothing in a place", ":7:7: benchmark.phases.0: want a map of keys", nil, "null", "{name: a, kind: profiling, type: concurrency, requests: 1}"),
		Entry("a number in a place", ":8:7: benchmark.phases.1: want a map of keys (got 5)", nil, "{name: a, kind: profiling, type: concurrency, requests: 1}", "5"),
		Entry("one name twice", ":8:14: benchmark.phases.1.name: is the name of phase 0 too (got A)", nil, "{name: a, kind: profiling, type: concurrency, requests: 1}", "{name: A, kind: profiling, type: concurrency, requests: 1}"),
		Entry("a name of Windows", "benchmark.phases.0.name: is reserved by Windows (got Com1)", nil, "{name: Com1, kind: profiling, type: concurrency, requests: 1}"),
		Entry("a path as a name", "benchmark.phases.0.name: want letters, digits, _ and -", nil, "{name: ../x, kind: profiling, type: concurrency, requests: 1}"),
		Entry("seamless at first", ":7:76: benchmark.phases.0.seamless: there is no phase before it to go on from", nil, "{name: a, kind: profiling, type: concurrency, requests: 1, seamless: true}"),
		Entry("seamless or not", "benchmark.phases.1.seamless: want true or false (got maybe)", nil, "{name: a, kind: profiling, type: concurrency, requests: 1}", "{name: b, kind: profiling, type: concurrency, requests: 1, seamless: maybe}"),
		Entry("nothing that stops one", "benchmark.phases.1: phase 'b': at least one of requests, duration or sessions must be specified", nil, "{name: a, kind: profiling, type: concurrency, requests: 1}", "{name: b, kind: profiling, type: concurrency}"),
		Entry("a rate without a phase for it", "benchmark.phases.1.rate: does not belong to a phase of type concurrency", nil, "{name: a, kind: profiling, type: concurrency, requests: 1}", "{name: b, kind: profiling, type: concurrency, rate: 4, requests: 1}"),
		Entry("a grace without a duration", "benchmark.phases.1.grace_period: has no effect without a duration", nil, "{name: a, kind: profiling, type: concurrency, requests: 1}", "{name: b, kind: profiling, type: concurrency, grace_period: 3, requests: 1}"),
		Entry("clients that hang up in a warmup", "benchmark.phases.2.cancellation: is not supported for a warmup", nil, "{name: a, kind: profiling, type: concurrency, requests: 1}", "{name: b, kind: profiling, type: concurrency, requests: 1}", "{name: c, kind: warmup, type: concurrency, requests: 1, cancellation: {rate: 3}}"),
		Entry("an exclusion that contradicts", "benchmark.phases.0.exclude_from_results: contradicts the kind profiling", nil, "{name: a, kind: profiling, type: concurrency, requests: 1, exclude_from_results: true}", "{name: b, kind: profiling, type: concurrency, requests: 1}"),
		Entry("a flag for several", "--request-count: cannot be given over a file with several profiling phases (a, b)", []string{"--request-count", "5"}, "{name: a, kind: profiling, type: concurrency, requests: 1}", "{name: b, kind: profiling, type: concurrency, requests: 1}"),
		Entry("a warmup's flag over a list", "--warmup-concurrency: cannot be given over the phases of a file", []string{"--warmup-concurrency", "5"}, "{name: a, kind: profiling, type: concurrency, requests: 1}", "{name: b, kind: profiling, type: concurrency, requests: 1}"),
	)
})
