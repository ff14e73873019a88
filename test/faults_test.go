package test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// long is a run that is still going when somebody is killed. Its few prompts are used
// again and again, so that it is soon past its start.
func long(requests int) *program {
	GinkgoHelper()
	url := target("--ttft", "20", "--itl", "2")
	return start(profileArgs(url, artifacts(), "--concurrency", "8", "--request-count", strconv.Itoa(requests), "--isl", "32", "--osl", "20",
		"--num-dataset-entries", "50", "--workers-max", "2", "--record-processors", "2")...)
}

var _ = Describe("a run that loses a process", Label("e2e"), func() {
	BeforeEach(linuxOnly)

	It("goes on without a worker: its requests are lost, all others are booked", func() {
		p := long(400)
		p.records(40)
		id := p.kill("worker_")
		code := p.wait()
		credits := p.books()
		Expect(number(credits, "issued")).To(Equal(400.0))
		Expect(number(credits, "lost")).To(BeNumerically(">", 0))
		Expect(code).To(Equal(1), "a run with losses is not complete")
		Expect(p.stdout.String()+p.stderr.String()).To(ContainSubstring(id), "the report names the dead")
		Expect(p.stdout.String()).To(ContainSubstring("WorkerLost"))
		s := p.summary()
		Expect(number(s, "measurement_quality", "processes_lost")).To(Equal(1.0))
		Expect(number(s, "measurement_quality", "processes_restarted")).To(Equal(1.0))
		Expect(number(s, "error_request_count", "avg")).To(Equal(number(credits, "lost")))
	})

	It("goes on without a record processor: what it held is lost, all else is booked", func() {
		p := long(400)
		p.records(40)
		id := p.kill("record_processor_")
		code := p.wait()
		credits := p.books()
		Expect(number(credits, "issued")).To(Equal(400.0))
		if number(credits, "lost") > 0 { // it may have held nothing at that moment
			Expect(code).To(Equal(1))
			Expect(p.stdout.String()).To(ContainSubstring("RecordProcessorLost"))
		}
		Expect(p.stdout.String() + p.stderr.String()).To(ContainSubstring(id))
		Expect(number(p.summary(), "measurement_quality", "processes_lost")).To(Equal(1.0))
	})

	DescribeTable("ends when it cannot go on without it, and keeps what was recorded",
		func(service string) {
			p := long(400)
			p.records(40)
			p.kill(service)
			Expect(p.wait()).To(Equal(1))
			Expect(p.stderr.String() + p.stdout.String()).To(ContainSubstring(service))
			s := p.summary()
			Expect(s["is_complete"]).To(BeFalse())
			Expect(s["incomplete_reason"]).To(ContainSubstring(service))
			Expect(len(p.lines())).To(BeNumerically(">=", 40))
			Expect(number(s, "request_count", "avg")).To(BeNumerically(">=", 30))
			Expect(number(s, "measurement_quality", "processes_lost")).To(Equal(1.0))
			Expect(at(s, "measurement_quality", "processes")).To(ConsistOf(HaveKeyWithValue("service_id", service)))
			Expect(p.services()).To(BeEmpty())
		},
		Entry("the timing manager", "timing_manager"),
		Entry("the records manager", "records_manager"),
		Entry("the controller", "system_controller"),
		Entry("the dataset manager", "dataset_manager"),
	)

	It("does not start a worker for a run that ended before the worker was to come back", func() {
		p := long(400)
		p.records(40)
		worker := p.kill("worker_")
		p.kill("records_manager")
		Expect(p.wait()).To(Equal(1))
		credits := p.books()
		Expect(number(credits, "completed")).To(BeNumerically(">=", 40))
		Expect(at(p.summary(), "measurement_quality", "processes")).To(ConsistOf(
			HaveKeyWithValue("service_id", worker), HaveKeyWithValue("service_id", "records_manager")))
		Expect(p.log()).NotTo(ContainSubstring("service does not stop"))
	})

	It("leaves no process behind when the launcher itself is killed", func() {
		p := long(400)
		p.records(8)
		services := p.services()
		Expect(services).To(HaveKey("system_controller"))
		Expect(len(services)).To(BeNumerically(">=", 8), "%v", services)
		Expect(p.cmd.Process.Kill()).To(Succeed())
		Eventually(func() (left []string) {
			for id, pid := range services {
				if alive(pid) {
					left = append(left, id)
				}
			}
			return left
		}).WithTimeout(2 * time.Second).WithPolling(20 * time.Millisecond).Should(BeEmpty())
	})
})

var _ = Describe("an interrupted run", Label("e2e"), func() {
	BeforeEach(linuxOnly)

	DescribeTable("writes what it has and says so in files and exit code",
		func(sig syscall.Signal, code int) {
			p := long(100000)
			p.records(20)
			p.signal(sig)
			Expect(p.wait()).To(Equal(code), p.output())
			s := p.summary()
			Expect(s["was_cancelled"]).To(BeTrue())
			Expect(s["is_complete"]).To(BeFalse())
			credits := p.books()
			Expect(number(credits, "cancelled")).To(BeNumerically(">", 0))
			Expect(number(credits, "lost")).To(BeZero())
			Expect(p.stderr.String()).To(ContainSubstring("Cancellation in Progress"))
			Expect(filepath.Join(p.dir, "profile_export_aiperf.csv")).To(BeARegularFile())
			Expect(p.services()).To(BeEmpty())
		},
		Entry("Ctrl-C", syscall.SIGINT, 130),
		Entry("a container's stop", syscall.SIGTERM, 143),
		Entry("a closed terminal", syscall.SIGHUP, 129),
	)

	It("ends at once at the second signal", func() {
		// The server stands still, so that the first signal alone would take its time.
		url := target("--ttft", "600000")
		p := start(profileArgs(url, artifacts(), "--concurrency", "4", "--request-count", "100")...)
		Eventually(p.stdout.String).WithTimeout(patience).Should(ContainSubstring("profiling started"), p.output)
		_, worker := p.find("worker_")
		Expect(syscall.Kill(worker, syscall.SIGSTOP)).To(Succeed(), "a worker that cannot answer")
		services := p.services()
		p.signal(syscall.SIGINT)
		Eventually(p.stderr.String).WithTimeout(patience).Should(ContainSubstring("Cancellation in Progress"))
		p.signal(syscall.SIGINT)
		Expect(p.wait()).To(Equal(130), p.output())
		for id, pid := range services {
			Expect(alive(pid)).To(BeFalse(), id)
		}
		Expect(p.stderr.String()).To(ContainSubstring("Force Quit"))
	})

	It("keeps what was recorded when a process dies while the run drains", func() {
		p := long(100000)
		p.records(20)
		for id, pid := range p.services() {
			if strings.HasPrefix(id, "worker_") {
				Expect(syscall.Kill(pid, syscall.SIGSTOP)).To(Succeed(), "nothing comes back to drain")
			}
		}
		p.signal(os.Interrupt)
		Eventually(p.stderr.String).WithTimeout(patience).Should(ContainSubstring("Cancellation in Progress"))
		p.kill("timing_manager")
		Expect(p.wait()).To(Equal(130), p.output())
		s := p.summary()
		Expect(s["was_cancelled"]).To(BeTrue())
		Expect(s["is_complete"]).To(BeFalse())
		Expect(number(p.books(), "completed")).To(BeNumerically(">=", 20))
		Expect(p.services()).To(BeEmpty())
	})

	It("does not wait for a controller that stands still", func() {
		p := long(100000)
		p.records(20)
		_, controller := p.find("system_controller")
		Expect(syscall.Kill(controller, syscall.SIGSTOP)).To(Succeed())
		p.signal(syscall.SIGTERM)
		Expect(p.wait()).To(Equal(143), p.output())
		s := p.summary()
		Expect(s["was_cancelled"]).To(BeTrue())
		Expect(s["incomplete_reason"]).To(ContainSubstring("system_controller does not answer"))
		Expect(number(p.books(), "completed")).To(BeNumerically(">=", 20))
	})

	It("ends during start-up, too", func() {
		url := target()
		p := start(profileArgs(url, artifacts(), "--concurrency", "4", "--request-count", "100000")...)
		p.find("system_controller")
		p.signal(os.Interrupt)
		Expect(p.wait()).To(Equal(130), p.output())
		Expect(p.services()).To(BeEmpty())
	})
})
