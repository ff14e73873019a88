package test

import (
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// Who stands still decides what the report says: a server's pause belongs to the figures,
// a pause of the client to the verdict.
var _ = Describe("a constant rate", Label("e2e"), func() {
	const stalled = 2 * time.Second
	pace := []string{"--request-rate", "40", "--arrival-pattern", "constant", "--isl", "16", "--osl", "4", "--num-dataset-entries", "16", "--workers-max", "1"}

	It("shows a server's pause in the latencies from the schedule, and does not blame itself", func() {
		url := target("--ttft", "2", "--itl", "1", "--stall-at", "1:2")
		p, code := aiperf(profileArgs(url, artifacts(), append(pace, "--request-count", "160")...)...)
		Expect(code).To(BeZero(), p.output())
		s := p.summary()
		// Half of the requests were due while it stood still, and waited for half of it on the average.
		for _, tag := range []string{"scheduled_time_to_first_token", "scheduled_request_latency"} {
			Expect(number(s, tag, "p99")).To(BeNumerically(">", 0.9*float64(stalled.Milliseconds())), tag)
			Expect(number(s, tag, "p75")).To(BeNumerically(">", 0.2*float64(stalled.Milliseconds())), tag)
		}
		Expect(number(s, "measurement_quality", "send_delay_ms", "max")).To(BeNumerically("<", number(s, "scheduled_request_latency", "p99")/2), "requests left on time")
		Expect(number(s, "measurement_quality", "delivered_rps")).To(BeNumerically("~", 40, 0.4))
	})

	It("does not call a run good whose worker stood still", func() {
		linuxOnly()
		url := target("--ttft", "2", "--itl", "1")
		p := start(profileArgs(url, artifacts(), append(pace, "--request-count", "160")...)...)
		p.records(10)
		_, worker := p.find("worker_")
		Expect(syscall.Kill(worker, syscall.SIGSTOP)).To(Succeed())
		time.Sleep(stalled) // the length of the pause, not a wait for something
		Expect(syscall.Kill(worker, syscall.SIGCONT)).To(Succeed())
		p.wait()
		s := p.summary()
		Expect(at(s, "measurement_quality", "verdict")).NotTo(Equal("good"))
		Expect(at(s, "measurement_quality", "reasons")).NotTo(BeEmpty())
		Expect(number(s, "measurement_quality", "send_delay_ms", "max")).To(BeNumerically(">", 0.5*float64(stalled.Milliseconds())))
		Expect(number(s, "scheduled_request_latency", "p99")).To(BeNumerically(">", 0.5*float64(stalled.Milliseconds())))
		p.books()
	})
})
