package controller

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/metrics"
)

var _ = DescribeTable("what makes a run fail",
	func(change func(p *exporters.Profile, run *config.Run), want ...string) {
		c := &Controller{doc: &config.Run{}, errors: &errorLog{}, id: "system_controller"}
		p := goodProfile(10)
		change(p, c.doc)
		c.judge(&exporters.Report{Profile: p}, p.WasCancelled)
		got := []string{}
		for _, e := range c.errors.all() {
			got = append(got, e.ErrorDetails.Error())
		}
		Expect(got).To(Equal(append([]string{}, want...)))
	},
	Entry("all went well: nothing", func(*exporters.Profile, *config.Run) {}),
	Entry("some requests failed: nothing, that is what is measured", func(p *exporters.Profile, _ *config.Run) {
		p.SuccessfulRequestCount, p.ErrorRequestCount = 4, 6
	}),
	Entry("no request at all", func(p *exporters.Profile, _ *config.Run) { p.Completed, p.SuccessfulRequestCount = 0, 0 },
		"NoResults: No profile results to export"),
	Entry("none succeeded", func(p *exporters.Profile, _ *config.Run) {
		p.SuccessfulRequestCount, p.ErrorRequestCount = 0, 10
		p.ErrorSummary = []messages.ErrorCount{{Details: *messages.NewError("ConnectionError", "refused"), Count: 10}}
	}, "AllRequestsFailed: All 10 inference request(s) failed; most frequent: ConnectionError: refused"),
	Entry("credits were lost", func(p *exporters.Profile, _ *config.Run) {
		p.IsComplete, p.IncompleteReason = false, "3 credit(s) were lost"
	},
		"IncompleteResults: the results do not cover the whole run: 3 credit(s) were lost"),
	Entry("cancelled by the user: no error", func(p *exporters.Profile, _ *config.Run) { p.IsComplete, p.WasCancelled = false, true }),
	Entry("cancelled before the first request: no error", func(p *exporters.Profile, _ *config.Run) { *p = exporters.Profile{WasCancelled: true} }),
	Entry("the results could not be made", func(p *exporters.Profile, _ *config.Run) {
		e := messages.NewError("ResultsError", "x")
		e.Details = map[string]any{"fatal": true}
		p.Errors = []messages.ErrorDetails{*e, *messages.NewError("TimeoutError", "GPU")}
	}, "ResultsError: x"),
	Entry("the verdict is below what was asked for", func(p *exporters.Profile, run *config.Run) {
		run.Benchmark.QualityNeeded, p.Quality.Verdict = metrics.VerdictGood, metrics.VerdictDegraded
	}, "QualityError: the measurement is degraded, --require-quality asks for good"),
	Entry("the verdict is what was asked for", func(p *exporters.Profile, run *config.Run) {
		run.Benchmark.QualityNeeded, p.Quality.Verdict = metrics.VerdictDegraded, metrics.VerdictDegraded
	}),
	Entry("the verdict is better", func(_ *exporters.Profile, run *config.Run) { run.Benchmark.QualityNeeded = metrics.VerdictDegraded }),
)
