package controller

import (
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/bootstrap"
	"aiperf/config"
	"aiperf/messages"
)

var _ = Describe("registration", func() {
	alone := func() *mesh { return newMesh(testRun(GinkgoT().TempDir(), everybody[0])) }

	It("acknowledges with the request's own id, so that a stale answer can be told", func() {
		m := alone()
		f := m.dial("records_manager", "records_manager")
		for _, id := range []string{"first", "second"} {
			f.registerAs(id, token, 1)
			var ack messages.Envelope
			Eventually(f.acks, patient).Should(Receive(&ack))
			Expect(ack.RequestID).To(Equal(id))
		}
	})

	It("changes nothing when it comes twice", func() {
		m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
		f := m.join("records_manager", "records_manager")
		f.register(token, "result_producer:profile")
		f.register(token, "result_producer:profile")
		for range 3 {
			Eventually(f.acks, patient).Should(Receive())
		}
		m.join("dataset_manager", "dataset_manager")
		Eventually(m.order.has("dataset_manager:profile_configure"), patient).Should(BeTrue())
		Expect(m.order.count("records_manager:profile_configure")).To(Equal(1))
	})

	It("refuses a wrong token, and asks nothing of its bearer", func() {
		m := alone()
		f := m.dial("records_manager", "records_manager")
		f.register("guessed")
		var ack messages.Envelope
		Eventually(f.acks, patient).Should(Receive(&ack))
		var body messages.RegistrationAck
		Expect(ack.Decode(&body)).To(Succeed())
		Expect(body.Refused).To(ContainSubstring("token"))
		f.command(messages.CommandProfileCancel, messages.ProfileCancelPayload{})
		Eventually(f.again, patient).Should(Receive())
		Expect(isClosed(m.cancelled)).To(BeFalse())
		Expect(m.order.count("records_manager:profile_configure")).To(BeZero())
	})

	It("takes nothing that changes the run from a stranger", func() {
		m := alone()
		f := m.dial("worker", "stranger")
		f.say(&messages.CreditsComplete{})
		Eventually(f.again, patient).Should(Receive())
		Expect(isClosed(m.joined.creditsComplete)).To(BeFalse())
	})

	It("asks a running service that it does not know to register again", func() {
		m := alone()
		f := m.dial("records_manager", "records_manager")
		f.say(&messages.Heartbeat{State: "starting"})
		f.say(&messages.Heartbeat{State: "running"})
		Eventually(f.again, patient).Should(Receive())
		Consistently(f.again, 50*time.Millisecond).ShouldNot(Receive())
	})

	It("admits who holds the token without making it part of the run", func() {
		m := alone()
		f := m.join("visitor", "visitor")
		Eventually(f.acks, patient).Should(Receive())
		Expect(m.registry.known("visitor")).To(BeTrue())
		Expect(m.registry.ids()).NotTo(ContainElement("visitor"))
	})
})

var _ = Describe("start-up", func() {
	It("hands the dataset to those who need it, when it is there", func() {
		m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
		worker := m.dial("worker", "worker_a")
		got := make(chan *messages.Command, 1)
		worker.on(messages.CommandProfileConfigure, func(c *messages.Command) *messages.CommandResponse {
			got <- c
			return &messages.CommandResponse{Status: messages.StatusAcknowledged}
		})
		worker.register(token)
		Eventually(worker.acks, patient).Should(Receive())
		Consistently(got, 50*time.Millisecond).ShouldNot(Receive())
		m.join("dataset_manager", "dataset_manager")
		var c *messages.Command
		Eventually(got, patient).Should(Receive(&c))
		Expect(c.Payload).NotTo(BeEmpty())
	})

	It("starts the consumers before the producers", func() {
		m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
		m.joinAll()
		Eventually(m.order.has("timing_manager:profile_start"), patient).Should(BeTrue())
		for _, id := range []string{"records_manager", "record_processor_a", "worker_a", "worker_b"} {
			at := m.order.index(id + ":profile_start")
			Expect(at).To(BeNumerically(">=", 0), id)
			Expect(at).To(BeNumerically("<", m.order.index("timing_manager:profile_start")), id)
			Expect(m.order.count(id+":profile_start")).To(Equal(1), id)
		}
		Expect(m.order.count("timing_manager:profile_start")).To(Equal(1))
	})

	It("ends with the failure of a service that the run needs", func() {
		m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
		m.dial("worker", "worker_a").on(messages.CommandProfileConfigure, refuse("no dataset"))
		m.fakes["worker_a"].register(token)
		m.joinAll()
		r := m.report()
		Expect(r.ExitCode).To(Equal(1))
		Expect(r.WasCancelled).To(BeFalse())
		Expect(operations(r)).To(Equal([]string{"Configure Profiling: SetupError"}))
		Expect(r.ExitErrors[0].FromService).To(Equal("worker_a"))
		Eventually(m.order.has("worker_b:shutdown"), patient).Should(BeTrue())
		Eventually(m.stopped, patient).Should(BeClosed())
		Expect(m.watched.types()).To(ContainElements("benchmark_complete", "state:shutdown"))
	})

	It("reports one error for a bad dataset, although nobody can be configured", func() {
		m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
		m.dial("dataset_manager", "dataset_manager").on(messages.CommandProfileConfigure, refuse("no such file"))
		m.fakes["dataset_manager"].register(token)
		m.joinAll()
		Expect(operations(m.report())).To(Equal([]string{"Configure Profiling: SetupError"}))
	})

	It("goes on without a service that it can do without", func() {
		gpu := config.ServiceSpec{Type: "gpu_telemetry_manager", ID: "gpu_telemetry_manager"}
		m := newMesh(testRun(GinkgoT().TempDir(), append([]config.ServiceSpec{gpu}, everybody...)...))
		m.dial(gpu.Type, gpu.ID).on(messages.CommandProfileConfigure, refuse("no library"))
		m.fakes[gpu.ID].register(token, "result_producer:telemetry")
		m.joinAll()
		m.delivers(goodProfile(3))
		r := m.report()
		Expect(operations(r)).To(BeEmpty())
		Expect(r.ExitCode).To(BeZero())
		Expect(m.order.count(gpu.ID + ":profile_start")).To(BeZero())
		Eventually(m.order.has(gpu.ID+":shutdown"), patient).Should(BeTrue(), "it is asked to leave like everybody")
	})

	It("names who did not register in time", func() {
		run := testRun(GinkgoT().TempDir(), everybody...)
		run.Environment.Service.RegistrationTimeoutSec = 0.2
		m := newMesh(run)
		m.join("records_manager", "records_manager")
		r := m.report()
		Expect(operations(r)).To(Equal([]string{"Configure Profiling: TimeoutError"}))
		Expect(r.ExitErrors[0].ErrorDetails.Message).To(Equal(
			"services did not register in time: dataset_manager, record_processor_a, timing_manager, worker_a, worker_b"))
	})

	It("names who was not configured in time", func() {
		run := testRun(GinkgoT().TempDir(), everybody[:3]...)
		run.Environment.Service.ProfileConfigureTimeoutSec = 0.3
		m := newMesh(run)
		m.dial("record_processor", "record_processor_a").on(messages.CommandProfileConfigure, silence)
		m.fakes["record_processor_a"].register(token)
		m.joinAll()
		r := m.report()
		Expect(r.ExitCode).To(Equal(1))
		Expect(r.ExitErrors[0].ErrorDetails.Message).To(ContainSubstring("record_processor_a"))
	})

	It("ends with an error that a needed service reports of itself, and not with a worker's", func() {
		m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
		m.join("worker", "worker_a")
		Expect(m.onServiceError(m.run, messages.Header{ServiceID: "worker_a"}, &messages.ServiceError{Error: *messages.NewError("A", "a")})).To(Succeed())
		Expect(m.errors.firstFatal()).To(BeNil(), "it is started again")
		Expect(m.onServiceError(m.run, messages.Header{ServiceID: "timing_manager"}, &messages.ServiceError{Error: *messages.NewError("B", "b")})).To(Succeed())
		Expect(operations(m.report())).To(Equal([]string{"service_runtime: A", "service_runtime: B"}))
	})

	Describe("cancelled", func() {
		finished := func(m *mesh) {
			r := m.report()
			Expect(r.WasCancelled).To(BeTrue())
			Expect(r.ExitErrors).To(BeEmpty())
			Eventually(m.stopped, patient).Should(BeClosed())
		}

		It("ends while services are still missing", func() {
			m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
			m.join("records_manager", "records_manager")
			m.cancel("interrupt")
			finished(m)
		})

		It("ends while a service does not answer its configuration", func() {
			m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
			m.dial("worker", "worker_a").on(messages.CommandProfileConfigure, silence)
			m.fakes["worker_a"].register(token)
			m.joinAll()
			Eventually(m.order.has("worker_a:profile_configure"), patient).Should(BeTrue())
			m.cancel("interrupt")
			finished(m)
		})

		It("ends while a consumer does not start, without a credit", func() {
			m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
			m.dial("worker", "worker_a").on(messages.CommandProfileStart, silence)
			m.fakes["worker_a"].register(token)
			m.joinAll()
			Eventually(m.order.has("worker_a:profile_start"), patient).Should(BeTrue())
			journal := filepath.Join(m.doc.ArtifactDir, bootstrap.JournalName)
			Expect(os.WriteFile(journal, []byte("samples of a GPU"), 0o600)).To(Succeed())
			m.cancel("interrupt")
			finished(m)
			Expect(m.order.count("timing_manager:profile_start")).To(BeZero())
			Expect(journal).NotTo(BeAnExistingFile(), "there is no request in it")
		})
	})
})
