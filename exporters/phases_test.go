package exporters

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/messages"
)

// phasesOf turns the phases of a real run back into the results that they were made from.
func phasesOf(name string) (phases []PhaseResult) {
	GinkgoHelper()
	var manifest struct {
		Phases []struct {
			Index     int    `json:"phase_index"`
			Profiling *int   `json:"profiling_index"`
			Name      string `json:"phase_name"`
			Kind      string `json:"phase_kind"`
			Start     int64  `json:"start_ns"`
			End       int64  `json:"end_ns"`
			Succeeded int64  `json:"successful_request_count"`
			Failed    int64  `json:"error_request_count"`
		}
	}
	Expect(json.Unmarshal(fixture(name+"/"+phaseManifest), &manifest)).To(Succeed())
	for _, m := range manifest.Phases {
		_, r := load(name + "/phases/" + m.Name)
		p := PhaseResult{Index: m.Index, ProfilingIndex: m.Profiling, Name: m.Name, Kind: m.Kind, Profile: *r.Profile}
		p.Profile.StartNS, p.Profile.EndNS = clock.WallNS(m.Start), clock.WallNS(m.End)
		p.Profile.SuccessfulRequestCount, p.Profile.ErrorRequestCount = m.Succeeded, m.Failed
		phases = append(phases, p)
	}
	return phases
}

var _ = Describe("the files of single phases", func() {
	It("are those of AIPerf (Python): the manifest to the letter, the summaries by their keys and numbers", func() {
		run, r := load("warmup")
		run.ArtifactDir = GinkgoT().TempDir()
		r.Profile.Phases = phasesOf("warmup")
		Expect(Export(context.Background(), run, r)).To(BeEmpty())
		Expect(os.ReadFile(pathOf(run, phaseManifest))).To(BeEquivalentTo(fixture("warmup/" + phaseManifest)))
		Expect(r.Files).To(ContainElement(pathOf(run, phaseManifest)))
		for _, phase := range []string{"warmup", "profiling"} {
			dir := filepath.Join(phasesDir, phase)
			Expect(namesIn(pathOf(run, dir))).To(ConsistOf("profile_export_aiperf.json", "profile_export_aiperf.csv"))
			ours, err := os.ReadFile(pathOf(run, filepath.Join(dir, "profile_export_aiperf.json")))
			Expect(err).NotTo(HaveOccurred())
			for _, m := range members(fixture("warmup/" + dir + "/profile_export_aiperf.json")) {
				switch m.key {
				case "aiperf_version", "start_time", "end_time", "run_info":
				default:
					Expect(compact(valueOf(ours, m.key))).To(Equal(compact(m.value)), m.key)
				}
			}
			Expect(valueOf(ours, "warmup_metrics")).To(BeNil())
		}
	})

	It("carry what the GPUs did meanwhile beside the summary, or say why that is not known", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		run.Benchmark.GPUTelemetry.Enabled, run.Benchmark.GPUTelemetry.Explicit = true, true
		r.Profile.Phases = []PhaseResult{
			{Index: 0, Name: "fill", Kind: "warmup", Profile: *sampleProfile(), TelemetryWarnings: []string{"no GPU sample"}},
			{Index: 1, ProfilingIndex: ptr(0), Name: "steady", Kind: "profiling", Profile: *sampleProfile(), Telemetry: sampleTelemetry()},
		}
		Expect(exportPhases(context.Background(), run, r)).To(BeEmpty())
		var doc map[string]any
		read := func(name string) map[string]any {
			text, err := os.ReadFile(pathOf(run, name))
			Expect(err).NotTo(HaveOccurred())
			doc = nil
			Expect(json.Unmarshal(text, &doc)).To(Succeed())
			return doc
		}
		Expect(read("phases/fill/gpu_telemetry.json")).To(Equal(map[string]any{
			"schema_version": 1.0, "data": nil, "warnings": []any{"no GPU sample"},
			"phase": map[string]any{
				"phase_index": 0.0, "profiling_index": nil, "phase_name": "fill", "phase_kind": "warmup", "was_cancelled": false,
				"start_ns": float64(sampleStart), "end_ns": float64(sampleProfile().EndNS),
			},
		}))
		steady := read("phases/steady/gpu_telemetry.json")
		Expect(steady["data"]).To(HaveKey("endpoints"))
		Expect(steady["warnings"]).To(BeEmpty())
		Expect(read("phases/steady/profile_export_aiperf.json")).NotTo(HaveKey("telemetry_data"))
		entry := read(phaseManifest)["phases"].([]any)[1].(map[string]any)
		Expect(entry).To(HaveKeyWithValue("gpu_telemetry_json", "phases/steady/gpu_telemetry.json"))
		Expect(entry).To(HaveKeyWithValue("total_request_count", 44.0))
	})

	It("bear the names of the run's files, and those alone that the run wants", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		run.Benchmark.Artifacts.Prefix, run.Benchmark.Artifacts.Summary = "foo", false
		r.Profile.Phases = []PhaseResult{{Name: "a", Kind: "warmup"}, {Index: 1, Name: "b", Kind: "profiling"}}
		Expect(exportPhases(context.Background(), run, r)).To(BeEmpty())
		Expect(namesIn(pathOf(run, "phases/a"))).To(ConsistOf("foo.csv"))
	})

	It("stand in the manifest even when they could not be written, and no name leads out of the folder", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		Expect(os.MkdirAll(pathOf(run, "phases/second/profile_export_aiperf.csv"), 0o755)).To(Succeed())
		r.Profile.Phases = []PhaseResult{{Name: "../first", Kind: "profiling"}, {Index: 1, Name: "second", Kind: "profiling"}}
		failures := exportPhases(context.Background(), run, r)
		Expect(failures).To(HaveLen(1))
		Expect(failures[0]).To(MatchError(ContainSubstring(`export phases: phase 0: its name "../first" cannot be that of a folder`)))
		Expect(failures[0]).To(MatchError(ContainSubstring("phases/second/profile_export_aiperf.csv")))
		text, err := os.ReadFile(pathOf(run, phaseManifest))
		Expect(err).NotTo(HaveOccurred())
		var doc struct{ Phases []map[string]any }
		Expect(json.Unmarshal(text, &doc)).To(Succeed())
		Expect(doc.Phases[0]).NotTo(HaveKey("metrics_json"))
		Expect(doc.Phases[1]).To(HaveKey("metrics_json"))
		Expect(doc.Phases[1]).NotTo(HaveKey("metrics_csv"))
	})

	It("say in the marker which phase a run ended in", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		r.Profile.IsComplete, r.Profile.WasCancelled = false, true
		r.Profile.Phases = []PhaseResult{{Name: "a", Kind: "warmup", Profile: Profile{IsComplete: true}}, {Index: 1, Name: "b", Kind: "profiling"}}
		Expect(Export(context.Background(), run, r)).To(BeEmpty())
		Expect(os.ReadFile(pathOf(run, MarkerName))).To(BeEquivalentTo(`{"ready":true,"was_cancelled":true,"partial":false,"terminal_phase":"b"}`))
	})

	It("name the errors of their own phase", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		r.Profile.Phases = []PhaseResult{{Name: "a", Kind: "warmup", Profile: Profile{ErrorSummary: []messages.ErrorCount{{Details: *messages.NewError("TimeoutError", "late & <lost>"), Count: 2}}}}}
		Expect(exportPhases(context.Background(), run, r)).To(BeEmpty())
		text, err := os.ReadFile(pathOf(run, phaseManifest))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(ContainSubstring(`"message": "late & <lost>"`))
	})

	It("of an earlier run are no longer listed after one with a single phase", func() {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		Expect(os.WriteFile(pathOf(run, phaseManifest), []byte("{}"), fileMode)).To(Succeed())
		Expect(exportPhases(context.Background(), run, r)).To(BeEmpty())
		Expect(namesIn(run.ArtifactDir)).To(BeEmpty())
	})
})

var _ = Describe("the table of phases", func() {
	shown := func(width int, phases ...PhaseResult) string {
		run, r := sampleRun(GinkgoT().TempDir()), sampleReport()
		r.Profile.Phases = phases
		c := NewConsole(ConsoleOptions{Width: width})
		ConsolePhases{}.Render(c, run, r)
		var b strings.Builder
		_, err := c.WriteTo(&b)
		Expect(err).NotTo(HaveOccurred())
		return b.String()
	}
	warm := PhaseResult{Name: "caches", Kind: "warmup", Profile: Profile{SuccessfulRequestCount: 3, Records: sampleProfile().WarmupRecords}}
	first := PhaseResult{Index: 1, Name: "baseline", Kind: "profiling", Profile: *sampleProfile()}
	second := PhaseResult{Index: 2, Name: "stress", Kind: "profiling", Profile: *sampleProfile()}
	second.Profile.Quality.Verdict = "degraded"

	It("sets them side by side", func() {
		expectGolden("golden/phases.txt", []byte(shown(140, warm, first, second)))
	})

	It("is left out where there is nothing to compare", func() {
		Expect(shown(140)).To(BeEmpty())
		Expect(shown(140, warm, first)).To(BeEmpty())
		Expect(shown(140, first, second)).NotTo(BeEmpty())
	})
})
