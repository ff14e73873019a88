package exporters

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	. "github.com/onsi/gomega"

	"aiperf/plugins"
)

var _ = Describe("Export", func() {
	It("writes every file, lists what the run left before, and the marker last", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		for _, name := range []string{"profile_export.jsonl", "gpu_telemetry_export.jsonl", "inputs.json"} {
			Expect(os.WriteFile(pathOf(run, name), []byte("{}\n"), fileMode)).To(Succeed())
		}
		Expect(Export(context.Background(), run, r)).To(BeEmpty())
		Expect(namesIn(run.ArtifactDir)).To(ConsistOf(MarkerName, "gpu_telemetry_export.jsonl", "inputs.json", "profile_export.jsonl",
			"profile_export_aiperf.csv", "profile_export_aiperf.json", "profile_export_console.txt"))
		Expect(r.Files).To(ConsistOf(pathOf(run, "profile_export_aiperf.csv"), pathOf(run, "profile_export_aiperf.json"), pathOf(run, "inputs.json"),
			pathOf(run, "profile_export.jsonl"), pathOf(run, "gpu_telemetry_export.jsonl"), pathOf(run, "profile_export_console.txt")))
		Expect(os.ReadFile(pathOf(run, MarkerName))).To(BeEquivalentTo(`{"ready":true,"was_cancelled":false,"partial":false}`))
	})

	It("captures the report at the width of the settings, without colour and footer", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		run.Environment.UI.ConsoleExportWidth = 100
		Expect(Export(context.Background(), run, r)).To(BeEmpty())
		text, err := os.ReadFile(pathOf(run, "profile_export_console.txt"))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(HavePrefix("\n"))
		Expect(string(text)).To(ContainSubstring("LLM Metrics"))
		Expect(string(text)).NotTo(Or(ContainSubstring("\x1b"), ContainSubstring("Log File")))
	})

	It("goes on after a failure, and names it in report and marker", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		r.FailedExporters = []string{"record_export"}
		Expect(os.Mkdir(pathOf(run, "profile_export_aiperf.csv"), dirMode)).To(Succeed())
		failures := Export(context.Background(), run, r)
		Expect(failures).To(HaveLen(1))
		Expect(failures[0].Exporter).To(Equal("csv"))
		Expect(failures[0]).To(MatchError(ContainSubstring("profile_export_aiperf.csv")))
		Expect(r.FailedExporters).To(Equal([]string{"record_export", "csv"}))
		Expect(r.Files).To(ContainElement(pathOf(run, "profile_export_aiperf.json")))
		Expect(os.ReadFile(pathOf(run, MarkerName))).To(BeEquivalentTo(
			`{"ready":true,"was_cancelled":false,"partial":true,"failed_exporters":["record_export","csv"]}`))
	})

	It("names everything when the directory cannot be written", func() {
		run, r := sampleRun("/proc/nowhere"), sampleReport()
		var names []string
		for _, f := range Export(context.Background(), run, r) {
			names = append(names, f.Exporter)
		}
		Expect(names).To(Equal([]string{"csv", "json", "console", "results_marker"}))
		Expect(r.Files).To(BeEmpty())
	})

	It("says why a run that nobody cancelled is incomplete", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		r.Profile.IsComplete, r.Profile.IncompleteReason = false, "the timing manager died"
		Expect(Export(context.Background(), run, r)).To(BeEmpty())
		Expect(os.ReadFile(pathOf(run, MarkerName))).To(BeEquivalentTo(
			`{"ready":true,"was_cancelled":false,"partial":false,"terminal_error":"the timing manager died"}`))
	})

	It("writes nothing but the marker without results", func() {
		run := sampleRun(GinkgoT().TempDir())
		Expect(Export(context.Background(), run, &Report{})).To(BeEmpty())
		Expect(namesIn(run.ArtifactDir)).To(Equal([]string{MarkerName}))
	})

	It("leaves no marker when its time is over", func() {
		run := sampleRun(GinkgoT().TempDir())
		late, over := context.WithCancelCause(context.Background())
		over(errors.New("not done within 5m"))
		failures := Export(late, run, sampleReport())
		Expect(failures).To(HaveLen(1))
		Expect(failures[0]).To(MatchError("export results_marker: not done within 5m"))
		Expect(namesIn(run.ArtifactDir)).NotTo(ContainElement(MarkerName))
	})

	It("turns a panic into an error", func() {
		Expect(guarded(func() error { panic("boom") })).To(MatchError("panic: boom"))
		Expect(guarded(func() error { return errFull })).To(MatchError(errFull))
	})

	It("names a manifest that cannot be read", func() {
		run := sampleRun(GinkgoT().TempDir())
		run.PluginManifests = []string{filepath.Join(run.ArtifactDir, "none.yaml")}
		Expect(Export(context.Background(), run, sampleReport())).NotTo(BeEmpty())
		Expect(namesIn(run.ArtifactDir)).To(ContainElement(MarkerName))
	})
})

var _ = Describe("the manifest", func() {
	It("leads every exporter name to a constructor of its category, and none is left over", func() {
		r := plugins.Builtin()
		for _, e := range r.Entries("data_exporter") {
			_, err := plugins.Constructor[DataExporterConstructor](r, e.Category, e.Name)
			Expect(err).NotTo(HaveOccurred())
		}
		for _, e := range r.Entries("console_exporter") {
			_, err := plugins.Constructor[ConsoleExporterConstructor](r, e.Category, e.Name)
			Expect(err).NotTo(HaveOccurred())
		}
		for _, e := range r.Entries("stream_exporter") {
			_, err := plugins.Constructor[StreamConstructor](r, e.Category, e.Name)
			Expect(err).NotTo(HaveOccurred())
		}
		for _, category := range []string{"data_exporter", "console_exporter", "stream_exporter"} {
			Expect(plugins.Registered(category)).To(HaveLen(len(r.Entries(category))))
		}
	})
})
