package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sort"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// known are the keys of the files that AIPerf (Python) wrote for the same command.
type known struct {
	Summary         []string            `json:"summary"`
	Stats           map[string][]string `json:"stats"` // of each metric
	InputConfig     map[string]any      `json:"input_config"`
	RunInfo         []string            `json:"run_info"`
	Metadata        []string            `json:"record_metadata"`
	RecordMetrics   map[string]string   `json:"record_metrics"` // tag → unit
	InputsKeys      []string            `json:"inputs"`
	InputsEntryKeys []string            `json:"inputs_entry"`
}

func keys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func without(list []string, drop string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == drop })
}

var _ = Describe("a command line of AIPerf (Python)", Label("e2e"), func() {
	It("runs unchanged, and its files have the same keys", func() {
		b, err := os.ReadFile("testdata/chat-streaming-keys.json")
		Expect(err).NotTo(HaveOccurred())
		var want known
		Expect(json.Unmarshal(b, &want)).To(Succeed())
		dir := artifacts()
		url := target("--ttft", "5", "--itl", "1")
		p, code := aiperf("profile", "--model", "mock-model", "--url", url, "--endpoint-type", "chat", "--streaming", "--concurrency", "4",
			"--request-count", "40", "--isl", "64", "--osl", "50", "--ui", "none", "--artifact-dir", dir)
		Expect(code).To(Equal(0), p.output())

		s := p.summary()
		// Without GPUs that answer there is no telemetry block (the other tool writes an
		// empty one), and without --random-seed there is no seed to tell.
		Expect(keys(s)).To(ContainElements(without(want.Summary, "telemetry_data")))
		for tag, stats := range want.Stats {
			got := s[tag].(map[string]any)
			Expect(keys(got)).To(Equal(stats), tag)
		}
		Expect(keys(s["run_info"].(map[string]any))).To(ContainElements(without(want.RunInfo, "random_seed")))
		Expect(number(s, "request_count", "avg")).To(Equal(40.0))
		Expect(at(s, "input_sequence_length", "min")).To(Equal(64.0), "prompts have exactly the length asked for")
		Expect(at(s, "input_sequence_length", "max")).To(Equal(64.0))
		Expect(at(s, "output_sequence_length", "avg")).To(Equal(50.0))
		Expect(s["is_complete"]).To(Equal(true))

		lines := p.lines()
		Expect(lines).To(HaveLen(40))
		for _, line := range lines {
			Expect(keys(line["metadata"].(map[string]any))).To(ContainElements(want.Metadata))
			metrics := line["metrics"].(map[string]any)
			for tag, unit := range want.RecordMetrics {
				Expect(metrics).To(HaveKey(tag))
				Expect(at(metrics, tag, "unit")).To(Equal(unit), tag)
			}
		}

		inputs, err := os.ReadFile(filepath.Join(dir, "inputs.json"))
		Expect(err).NotTo(HaveOccurred())
		var in map[string]any
		Expect(json.Unmarshal(inputs, &in)).To(Succeed())
		Expect(keys(in)).To(Equal(want.InputsKeys))
		Expect(keys(in[want.InputsKeys[0]].([]any)[0].(map[string]any))).To(Equal(want.InputsEntryKeys))
		for _, name := range []string{"profile_export_aiperf.csv", "profile_export_console.txt", "logs/aiperf.log", ".aiperf_results_ready.json"} {
			Expect(filepath.Join(dir, name)).To(BeARegularFile())
		}
		Expect(filepath.Join(dir, ".aiperf_mesh.json")).NotTo(BeAnExistingFile(), "the run is over")
		Expect(filepath.Join(dir, ".aiperf_journal")).NotTo(BeAnExistingFile(), "everything is exported")
		p.books()
	})
})
