package controller

import (
	"fmt"

	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/metrics"
)

// judge adds the exit errors that the results themselves call for. What a figure means
// is not known here; only whether there are results, and whether they are whole.
//
//	no result, no request                    nothing to export
//	no request succeeded                     all failed
//	not complete, other than by the user     incomplete
//	a fatal error while they were made       that error
//	verdict below the one that was asked for quality
func (c *Controller) judge(report *exporters.Report, wasCancelled bool) {
	fail := func(operation, typ, message string) {
		c.fail(operation, c.id, messages.NewError(typ, message))
	}
	p := report.Profile
	switch {
	case p == nil:
		if !wasCancelled || len(c.errors.all()) == 0 {
			fail("export_results", "NoResults", "No profile results to export")
		}
		return
	case p.Completed == 0 && !wasCancelled:
		fail("export_results", "NoResults", "No profile results to export")
	case p.SuccessfulRequestCount == 0 && p.ErrorRequestCount > 0:
		fail("export_results", "AllRequestsFailed", allFailed(p))
	}
	for _, e := range p.Errors {
		if fatal(e) {
			c.fail("process_records", "records_manager", &e)
		}
	}
	if !p.IsComplete && !p.WasCancelled {
		fail("process_records", "IncompleteResults", "the results do not cover the whole run: "+p.IncompleteReason)
	}
	if needed := c.doc.Benchmark.QualityNeeded; needed != "" && rank(p.Quality.Verdict) > rank(needed) {
		fail("require_quality", "QualityError", fmt.Sprintf("the measurement is %s, --require-quality asks for %s", p.Quality.Verdict, needed))
	}
}

// allFailed names the most frequent error of a run without a success.
func allFailed(p *exporters.Profile) string {
	text := fmt.Sprintf("All %d inference request(s) failed", p.ErrorRequestCount)
	if len(p.ErrorSummary) > 0 {
		text += "; most frequent: " + p.ErrorSummary[0].Details.Error()
	}
	return text
}

func fatal(e messages.ErrorDetails) bool {
	details, _ := e.Details.(map[string]any)
	yes, _ := details["fatal"].(bool)
	return yes
}

// rank orders verdicts, the best first; a missing one is the worst.
func rank(verdict string) int {
	for i, v := range []string{metrics.VerdictGood, metrics.VerdictDegraded, metrics.VerdictInvalid} {
		if v == verdict {
			return i
		}
	}
	return 3
}
