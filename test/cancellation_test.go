package test

import (
	"math"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// A part of the requests is hung up on, and nobody mistakes that for a failure.
var _ = Describe("clients that hang up", Label("e2e"), func() {
	const delay = 100 // ms
	log := func() string { return filepath.Join(GinkgoT().TempDir(), "requests.jsonl") }

	It("are the asked share, cut at the asked delay, recorded as cancelled, and their connections are not used again", func() {
		path := log()
		url := target("--ttft", "10", "--itl", "10", "--request-log", path)
		p, code := aiperf(profileArgs(url, artifacts(), "--concurrency", "8", "--request-count", "120", "--isl", "16", "--osl", "20", "--random-seed", "3",
			"--request-cancellation-rate", "40", "--request-cancellation-delay", "0.1")...)
		Expect(code).To(BeZero(), p.output())
		var cut []answered
		last := map[int64]answered{}
		byID := map[string]answered{}
		for _, a := range serverLog(path) {
			Expect(last[a.Connection].Aborted).To(BeFalse(), "a connection that was cut carries another request")
			last[a.Connection], byID[a.RequestID] = a, a
			if a.Aborted {
				cut = append(cut, a)
			}
		}
		Expect(byID).To(HaveLen(120))
		Expect(len(cut)).To(BeNumerically("~", 48, 16), "three standard deviations")
		soonest := math.Inf(1)
		for _, a := range cut {
			soonest = min(soonest, float64(a.EndPerfNS-a.ArrivalPerfNS)/1e6)
		}
		Expect(soonest).To(BeNumerically(">", delay-5.0), "none is cut early")
		Expect(soonest).To(BeNumerically("<", delay+50.0), "the server was to take 200 ms")

		credits := p.books()
		Expect(number(credits, "cancelled")).To(BeEquivalentTo(len(cut)))
		Expect(number(credits, "failed")).To(BeZero())
		for _, line := range p.lines() {
			a := byID[at(line, "metadata", "x_request_id").(string)]
			Expect(at(line, "metadata", "was_cancelled")).To(Equal(a.Aborted))
			if a.Aborted {
				Expect(at(line, "error", "code")).To(BeEquivalentTo(499))
				Expect(at(line, "error", "type")).To(Equal("RequestCancellationError"))
			}
		}
		s := p.summary()
		Expect(at(s, "error_summary")).To(Or(BeNil(), BeEmpty()))
		Expect(at(s, "was_cancelled")).To(BeFalse())
	})

	It("at a delay of 0 have sent all of their request, the warmup's aside", func() {
		path := log()
		url := target("--ttft", "50", "--itl", "1", "--request-log", path)
		p, code := aiperf(profileArgs(url, artifacts(), "--concurrency", "4", "--request-count", "20", "--warmup-request-count", "4", "--isl", "16", "--osl", "4",
			"--num-dataset-entries", "1", "--request-cancellation-rate", "100")...)
		Expect(code).To(BeZero(), "every request ended as it was asked to\n%s", p.output())
		seen := serverLog(path)
		Expect(seen).To(HaveLen(24))
		for i, a := range seen {
			Expect(a.Aborted).To(Equal(i >= 4))
			Expect(a.BodySHA256).To(Equal(seen[0].BodySHA256))
		}
		Expect(number(p.books(), "cancelled")).To(BeEquivalentTo(20))
	})

	It("need a share for their delay", func() {
		p, code := aiperf(profileArgs("http://127.0.0.1:1", artifacts(), "--request-cancellation-delay", "1")...)
		Expect(code).To(Equal(2))
		Expect(p.stderr.String()).To(ContainSubstring("--request-cancellation-rate"))
	})
})
