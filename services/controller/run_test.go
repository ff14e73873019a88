package controller

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/config"
	"aiperf/exporters"
	"aiperf/messages"
)

// running is a whole mesh that has begun to send.
func running(change ...func(*Controller)) *mesh {
	m := newMesh(testRun(GinkgoT().TempDir(), everybody...), change...)
	Expect(os.WriteFile(filepath.Join(m.doc.ArtifactDir, bootstrap.JournalName), []byte("journal"), 0o600)).To(Succeed())
	m.joinAll()
	Eventually(m.watched.types, patient).Should(ContainElement("state:profiling"))
	return m
}

func (m *mesh) finishLoad(p *exporters.Profile) {
	m.fakes["timing_manager"].say(&messages.CreditsComplete{})
	if p != nil {
		m.fakes["records_manager"].say(profileResult(p))
	}
}

func (m *mesh) marker() (content map[string]any) {
	b, err := os.ReadFile(filepath.Join(m.doc.ArtifactDir, exporters.MarkerName))
	Expect(err).NotTo(HaveOccurred())
	Expect(json.Unmarshal(b, &content)).To(Succeed())
	return content
}

var _ = Describe("a run", func() {
	It("walks through its states, exports, and tells the launcher before it leaves", func() {
		m := running()
		m.finishLoad(goodProfile(3))
		r := m.report()
		Expect(r.ExitErrors).To(BeEmpty())
		Expect(r.ExitCode).To(BeZero())
		report := m.reportOf(r)
		Expect(report.Profile.Completed).To(BeEquivalentTo(3))
		Expect(report.Files).To(ContainElement(filepath.Join(m.doc.ArtifactDir, "profile_export_aiperf.json")))
		for _, f := range report.Files {
			Expect(f).To(BeARegularFile())
		}
		Expect(m.marker()).To(HaveKeyWithValue("ready", true))
		Expect(m.marker()).To(HaveKeyWithValue("partial", false))
		Expect(filepath.Join(m.doc.ArtifactDir, bootstrap.JournalName)).NotTo(BeAnExistingFile())
		Eventually(m.stopped, patient).Should(BeClosed())
		var steps []string
		for _, t := range m.watched.types() {
			if t != "worker_status_summary" {
				steps = append(steps, t)
			}
		}
		Expect(steps).To(Equal([]string{
			"state:initializing", "state:configuring", "state:ready", "state:profiling", "state:processing", "state:stopping",
			"results_exported", "benchmark_complete", "state:shutdown",
		}))
		for _, s := range everybody {
			Expect(m.order.count(s.ID+":shutdown")).To(Equal(1), s.ID)
		}
	})

	It("removes the marker of an earlier run before anything else", func() {
		dir := GinkgoT().TempDir()
		Expect(exporters.WriteResultsMarker(dir, exporters.ResultsMarker{})).To(Succeed())
		newMesh(testRun(dir, everybody...))
		Expect(filepath.Join(dir, exporters.MarkerName)).NotTo(BeAnExistingFile())
	})

	It("exports what it can when one exporter fails, and says so", func() {
		m := running()
		Expect(os.MkdirAll(filepath.Join(m.doc.ArtifactDir, "profile_export_aiperf.csv", "in the way"), 0o755)).To(Succeed())
		m.finishLoad(goodProfile(3))
		r := m.report()
		Expect(r.ExitCode).To(Equal(1))
		Expect(operations(r)).To(Equal([]string{"export_results: ExporterError"}))
		Expect(m.reportOf(r).FailedExporters).To(Equal([]string{"csv"}))
		Expect(filepath.Join(m.doc.ArtifactDir, "profile_export_aiperf.json")).To(BeARegularFile())
		Expect(m.marker()).To(HaveKeyWithValue("partial", true))
		Expect(filepath.Join(m.doc.ArtifactDir, bootstrap.JournalName)).To(BeAnExistingFile(), "it may still be needed")
	})

	It("leaves exporters behind that do not end, and says so", func() {
		release := make(chan struct{})
		DeferCleanup(func() { close(release) })
		m := running(func(c *Controller) {
			c.bounds.export = 10 * time.Millisecond
			c.write = func(context.Context, *config.Run, *exporters.Report) []exporters.Failure { <-release; return nil }
		})
		m.finishLoad(goodProfile(3))
		r := m.report()
		Expect(operations(r)).To(Equal([]string{"export_results: ExporterError"}))
		Expect(m.reportOf(r).FailedExporters).To(Equal([]string{"all"}))
		Expect(m.reportOf(r).Profile.Completed).To(BeEquivalentTo(3), "the report is still shown")
	})

	It("shortens the time of the exporters when a cancel comes", func() {
		release, begun := make(chan struct{}), make(chan struct{})
		DeferCleanup(func() { close(release) })
		m := running(func(c *Controller) {
			c.bounds.exported = 10 * time.Millisecond
			c.write = func(context.Context, *config.Run, *exporters.Report) []exporters.Failure {
				close(begun)
				<-release
				return nil
			}
		})
		m.finishLoad(goodProfile(3))
		Eventually(begun, patient).Should(BeClosed())
		m.cancel("interrupt")
		Expect(operations(m.report())).To(Equal([]string{"export_results: ExporterError"}))
	})

	It("survives an exporter that panics", func() {
		m := running(func(c *Controller) {
			c.write = func(context.Context, *config.Run, *exporters.Report) []exporters.Failure { panic("a bug") }
		})
		m.finishLoad(goodProfile(3))
		r := m.report()
		Expect(operations(r)).To(Equal([]string{"export_results: ExporterError"}))
		Expect(r.ExitErrors[0].ErrorDetails.Message).To(ContainSubstring("a bug"))
	})

	It("counts a record file that failed while the run went on as a failed exporter", func() {
		p := goodProfile(3)
		e := messages.NewError("ExporterError", "record_export: disk full")
		e.Details = map[string]any{"fatal": true, "exporter": "record_export"}
		p.Errors = []messages.ErrorDetails{*e}
		m := running()
		m.finishLoad(p)
		r := m.report()
		Expect(r.ExitCode).To(Equal(1))
		Expect(m.reportOf(r).FailedExporters).To(Equal([]string{"record_export"}))
		Expect(m.marker()).To(HaveKeyWithValue("partial", true))
	})

	It("relays what the records manager asks of others, and answers when they have", func() {
		m := running()
		rm := m.fakes["records_manager"]
		rm.command(messages.CommandProfileComplete, messages.ProfileCompletePayload{StartNS: 1, EndNS: 2})
		var answer *messages.CommandResponse
		Eventually(rm.results, patient).Should(Receive(&answer))
		Expect(answer.Status).To(Equal(messages.StatusAcknowledged))
		Expect(m.order.count("record_processor_a:profile_complete")).To(Equal(1))
		Expect(m.order.count("worker_a:profile_complete")).To(BeZero())
		m.fakes["record_processor_a"].on(messages.CommandFinalizeArtifacts, func(*messages.Command) *messages.CommandResponse {
			return &messages.CommandResponse{Status: messages.StatusUnhandled}
		})
		rm.command(messages.CommandFinalizeArtifacts, nil)
		Eventually(rm.results, patient).Should(Receive(&answer))
		Expect(answer.Status).To(Equal(messages.StatusFailure), "who does not know the command cannot have finished its files")
	})

	It("carries out a repeated command once", func() {
		m := running()
		rm := m.fakes["records_manager"]
		for range 2 {
			rm.command(messages.CommandProfileComplete, messages.ProfileCompletePayload{})
			Eventually(rm.results, patient).Should(Receive())
		}
		Expect(m.order.count("record_processor_a:profile_complete")).To(Equal(1))
	})

	It("reports a load that could not be sent as planned", func() {
		m := running()
		m.fakes["timing_manager"].say(&messages.CreditsComplete{Error: messages.NewError("CreditPhaseError", "no worker")})
		m.fakes["records_manager"].say(profileResult(goodProfile(0)))
		Expect(operations(m.report())).To(ContainElement("profiling: CreditPhaseError"))
	})
})

var _ = Describe("the result join", func() {
	gpu := config.ServiceSpec{Type: "gpu_telemetry_manager", ID: "gpu_telemetry_manager"}
	withGPU := func(change ...func(*Controller)) *mesh {
		m := newMesh(testRun(GinkgoT().TempDir(), append([]config.ServiceSpec{gpu}, everybody...)...), change...)
		m.join(gpu.Type, gpu.ID, "result_producer:telemetry")
		m.joinAll()
		Eventually(m.watched.types, patient).Should(ContainElement("state:profiling"))
		return m
	}

	It("waits for every result that is owed", func() {
		m := withGPU()
		m.finishLoad(goodProfile(1))
		Consistently(m.fakes[launcherID].reports, 100*time.Millisecond).ShouldNot(Receive())
		raw, err := msgpack.Marshal(&exporters.Telemetry{EndpointsConfigured: []string{"http://n1:9400/metrics"}})
		Expect(err).NotTo(HaveOccurred())
		m.fakes["records_manager"].say(&messages.ProcessTelemetryResult{TelemetryResult: raw})
		r := m.report()
		Expect(r.ExitCode).To(BeZero())
		Expect(m.reportOf(r).Telemetry.EndpointsConfigured).To(HaveLen(1))
	})

	It("does not wait for a result that will not come", func() {
		m := withGPU()
		m.fakes[gpu.ID].say(&messages.TelemetryStatus{Enabled: false, Reason: "no telemetry sources reachable"})
		m.finishLoad(goodProfile(1))
		r := m.report()
		Expect(r.ExitErrors).To(BeEmpty())
		Expect(m.reportOf(r).TelemetryStatus.Reason).To(Equal("no telemetry sources reachable"))
	})

	It("lets a dead producer's result go, and says so", func() {
		m := withGPU()
		m.fakes[launcherID].command(messages.CommandServiceDown, &messages.ServiceDown{DownServiceID: gpu.ID, ServiceType: gpu.Type})
		Eventually(m.order.has("records_manager:service_down"), patient).Should(BeTrue())
		m.finishLoad(goodProfile(1))
		r := m.report()
		Expect(operations(r)).To(Equal([]string{"result_join: ProducerReaped"}))
		Expect(r.ExitCode).To(Equal(1))
		Expect(m.reportOf(r).Profile.Completed).To(BeEquivalentTo(1), "what there is, is exported")
	})

	It("gives a result that does not come up after its bound", func() {
		m := withGPU(func(c *Controller) { c.bounds.others = 50 * time.Millisecond })
		m.finishLoad(goodProfile(1))
		Expect(operations(m.report())).To(Equal([]string{"result_join: TimeoutError"}))
	})

	It("asks for what there is when the profile result does not come, and ends without it", func() {
		m := running(func(c *Controller) {
			c.bounds.relay = 0
			c.doc.Environment.Record.CompletionStallTimeoutSec, c.doc.Environment.Record.ProcessRecordsTimeoutSec = 0.05, 0.05
			c.doc.Environment.Service.ProfileCancelTimeoutSec = 0.2
		})
		m.finishLoad(nil)
		r := m.report()
		Expect(m.order.count("records_manager:profile_cancel")).To(Equal(1))
		Expect(operations(r)).To(Equal([]string{"result_join: TimeoutError", "export_results: NoResults"}))
		Expect(r.ExitCode).To(Equal(1))
		Expect(filepath.Join(m.doc.ArtifactDir, exporters.MarkerName)).NotTo(BeAnExistingFile())
		Expect(filepath.Join(m.doc.ArtifactDir, bootstrap.JournalName)).To(BeAnExistingFile())
	})
})

var _ = Describe("cancelling a run", func() {
	cancelledProfile := func() *exporters.Profile {
		p := goodProfile(2)
		p.WasCancelled, p.IsComplete, p.IncompleteReason = true, false, "cancelled"
		return p
	}

	It("drains the credits first, then takes the results", func() {
		m := running()
		tm, rm := m.fakes["timing_manager"], m.fakes["records_manager"]
		tm.on(messages.CommandProfileCancel, then(func() {
			tm.say(&messages.CreditsComplete{WasCancelled: true})
			rm.say(profileResult(cancelledProfile()))
		}))
		m.cancel("interrupt")
		r := m.report()
		Expect(r.WasCancelled).To(BeTrue())
		Expect(r.ExitErrors).To(BeEmpty(), "a cancel is no error")
		Expect(r.ExitCode).To(Equal(1))
		Expect(m.order.count("records_manager:profile_cancel")).To(BeZero(), "its result came by itself")
		Expect(m.marker()).To(HaveKeyWithValue("was_cancelled", true))
	})

	It("ends within its bounds, whoever does not answer", func() {
		m := running(func(c *Controller) {
			c.bounds.drain, c.bounds.results, c.bounds.urged, c.bounds.exported = 100*time.Millisecond, 150*time.Millisecond, 300*time.Millisecond, 400*time.Millisecond
		})
		for _, id := range []string{"timing_manager", "records_manager", "worker_a"} {
			m.fakes[id].on(messages.CommandProfileCancel, silence)
		}
		m.cancel("interrupt")
		r := m.report()
		Expect(r.WasCancelled).To(BeTrue())
		Expect(r.ExitCode).To(Equal(1))
		Eventually(m.stopped, patient).Should(BeClosed())
	})

	It("asks for what there is when it comes while the results are awaited", func() {
		m := running()
		rm := m.fakes["records_manager"]
		rm.on(messages.CommandProfileCancel, then(func() { rm.say(profileResult(cancelledProfile())) }))
		m.finishLoad(nil)
		Eventually(m.watched.types, patient).Should(ContainElement("state:processing"))
		m.cancel("interrupt")
		r := m.report()
		Expect(r.WasCancelled).To(BeTrue())
		Expect(m.reportOf(r).Profile.Completed).To(BeEquivalentTo(2))
		Expect(m.order.count("timing_manager:profile_cancel")).To(BeZero())
	})
})

var _ = Describe("deaths", func() {
	down := func(m *mesh, d *messages.ServiceDown) {
		launcher := m.fakes[launcherID]
		launcher.command(messages.CommandServiceDown, d)
		Eventually(launcher.results, patient).Should(Receive())
	}

	It("tells those who have to deal with a worker's", func() {
		m := running()
		down(m, &messages.ServiceDown{DownServiceID: "worker_a", ServiceType: "worker", Restarting: true, ReplacementID: "worker_c"})
		Expect(m.order.count("timing_manager:service_down")).To(Equal(1))
		Expect(m.order.count("records_manager:service_down")).To(Equal(1))
		Expect(m.watched.types()).To(ContainElement("service_down"))
		m.join("worker", "worker_c")
		Eventually(m.order.has("worker_c:profile_start"), patient).Should(BeTrue())
		Expect(m.order.count("worker_c:profile_configure")).To(Equal(1))
	})

	It("configures a replacement that is faster than the notice of its need", func() {
		m := running()
		m.join("worker", "worker_c")
		Eventually(func() bool { return m.registry.known("worker_c") }, patient).Should(BeTrue())
		Expect(m.order.count("worker_c:profile_configure")).To(BeZero())
		down(m, &messages.ServiceDown{DownServiceID: "worker_a", ServiceType: "worker", Restarting: true, ReplacementID: "worker_c"})
		Eventually(m.order.has("worker_c:profile_start"), patient).Should(BeTrue())
	})

	It("brings a record processor back under its old name, and tells the workers", func() {
		m := running()
		down(m, &messages.ServiceDown{DownServiceID: "record_processor_a", ServiceType: "record_processor", Restarting: true, ReplacementID: "record_processor_a"})
		Expect(m.order.count("worker_a:service_down")).To(Equal(1))
		m.fakes["record_processor_a"].registerAs("again", token, 2)
		Eventually(m.order.has("worker_a:service_up"), patient).Should(BeTrue())
		Expect(m.order.count("record_processor_a:profile_configure")).To(Equal(2))
		Expect(m.order.count("record_processor_a:profile_start")).To(Equal(2))
	})

	It("takes a new process under an old name for what it is", func() {
		m := running()
		m.fakes["record_processor_a"].registerAs("again", token, 2)
		Eventually(func() int { return m.order.count("record_processor_a:profile_configure") }, patient).Should(Equal(2))
	})

	It("does not wait for the answer of a service that has died", func() {
		m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
		m.dial("worker", "worker_a").on(messages.CommandProfileStart, silence)
		m.fakes["worker_a"].register(token)
		m.joinAll()
		Eventually(m.order.has("worker_a:profile_start"), patient).Should(BeTrue())
		down(m, &messages.ServiceDown{DownServiceID: "worker_a", ServiceType: "worker"})
		Eventually(m.order.has("timing_manager:profile_start"), patient).Should(BeTrue())
	})

	It("shrinks the barrier when a worker is counted out before it registered", func() {
		m := newMesh(testRun(GinkgoT().TempDir(), everybody...))
		for _, s := range everybody {
			if s.ID != "worker_b" {
				m.join(s.Type, s.ID)
			}
		}
		Eventually(m.order.has("worker_a:profile_configure"), patient).Should(BeTrue())
		down(m, &messages.ServiceDown{DownServiceID: "worker_b", ServiceType: "worker"})
		Eventually(m.watched.types, patient).Should(ContainElement("state:profiling"))
	})
})

var _ = Describe("a recovery", func() {
	recovering := func(change ...func(*Controller)) *mesh {
		run := testRun(GinkgoT().TempDir(), everybody[0])
		run.RecoverReason = "timing_manager ended unexpectedly"
		return newMesh(run, change...)
	}

	It("asks the records manager for what is in the journal, and exports it", func() {
		m := recovering()
		rm := m.dial("records_manager", "records_manager")
		rm.on(messages.CommandProfileCancel, then(func() {
			p := goodProfile(2)
			p.IsComplete, p.IncompleteReason = false, "timing_manager ended unexpectedly"
			rm.say(profileResult(p))
		}))
		rm.register(token, "result_producer:profile")
		r := m.report()
		Expect(r.ExitCode).To(Equal(1))
		Expect(operations(r)).To(Equal([]string{"process_records: IncompleteResults"}))
		Expect(m.marker()).To(HaveKeyWithValue("terminal_error", "timing_manager ended unexpectedly"))
	})

	It("ends when the records manager does not come", func() {
		m := recovering(func(c *Controller) { c.doc.Environment.Service.RegistrationTimeoutSec = 0.1 })
		r := m.report()
		Expect(r.ExitCode).To(Equal(1))
		Expect(r.Report).To(BeEmpty())
	})

	It("gives its files all the same when it is interrupted meanwhile", func() {
		m := recovering()
		m.cancel("interrupt")
		rm := m.dial("records_manager", "records_manager")
		rm.on(messages.CommandProfileCancel, then(func() { rm.say(profileResult(goodProfile(2))) }))
		rm.register(token, "result_producer:profile")
		r := m.report()
		Expect(r.WasCancelled).To(BeTrue())
		Expect(r.Report).NotTo(BeEmpty())
	})
})
