package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// fromYAML resolves a file with flags over it.
func fromYAML(text string, env []string, args ...string) (*Run, Problems) {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "run.yaml")
	Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	return Load(Input{Args: append([]string{"--config", path}, args...), Env: env}, testHost())
}

const head = "benchmark:\n  model: m\n  endpoint: {url: \"localhost:9000\"}\n  tokenizer: {name: builtin}\n"

var _ = Describe("configuration files", func() {
	files, err := filepath.Glob("testdata/yaml/*.yaml")
	if err != nil || len(files) == 0 {
		panic("no files in testdata/yaml")
	}
	place := regexp.MustCompile(`ours at: line (\d+) ([\w.]+)`)
	for _, file := range files {
		It("come out as their first lines say: "+filepath.Base(file), func() {
			file, err := filepath.Abs(file)
			Expect(err).NotTo(HaveOccurred())
			text, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			first, _, _ := strings.Cut(string(text), "\n")
			run, problems := Load(Input{Args: []string{"--config", file}}, testHost())
			if strings.Contains(first, "expect: accept") {
				Expect(problems).To(BeEmpty())
				Expect(run.Benchmark.Models.Names).To(Equal([]string{"tiny-chat"}))
				if said := regexp.MustCompile(`Warning: (.*?) \|`).FindStringSubmatch(first); said != nil {
					Expect(run.Warnings).To(ContainElement(HavePrefix(said[1])))
				}
				return
			}
			m := place.FindStringSubmatch(first)
			Expect(m).NotTo(BeNil())
			Expect(problems).To(HaveLen(1))
			Expect(problems[0].Where).To(MatchRegexp(`^` + regexp.QuoteMeta(file) + ":" + m[1] + `:\d+: ` + regexp.QuoteMeta(m[2]) + "$"))
		})
	}

	It("say the same as flags", func() {
		byFile, problems := fromYAML(`
schemaVersion: "2.0"
randomSeed: 11
benchmark:
  models: [m1, m2]
  endpoint: {urls: ["localhost:9000"], type: chat, streaming: true, timeout: 90, headers: {X-Team: lab}, extra: {temperature: 0.2, nested: {b: 1, a: [true, null]}}}
  dataset: {name: main, entries: "40", prompts: {isl: {mean: 300, stddev: 30}, osl: 64}, turns: {mean: 3, stddev: 1}, turn_delay: 250}
  tokenizer: {name: builtin}
  phases:
    - {name: profiling, type: gamma, rate: 4.5, smoothness: 0.8, concurrency: 6, duration: 1.5 m, gracePeriod: 20s, rateRamp: 10s, concurrencyRamp: {duration: 5s, strategy: linear}, cancellation: {rate: 2.5, delay: 0.25}, failedRequestThreshold: 0.2}
  artifacts: {dir: ./out, prefix: night, records: false}
  gpu_telemetry: false
  runtime: {ui: none, workers: 3}
  logging: {level: WARNING}
`, nil)
		Expect(problems).To(BeEmpty())
		byFlags, problems := Load(Input{Args: strings.Fields("--random-seed 11 --model m1,m2 -u localhost:9000 --endpoint-type chat --streaming --request-timeout-seconds 90 -H X-Team:lab " +
			`--extra-inputs {"temperature":0.2,"nested":{"b":1,"a":[true,null]}} --num-dataset-entries 40 --isl 300 --isl-stddev 30 --osl 64 --session-turns-mean 3 --session-turns-stddev 1 --session-turn-delay-mean 250 ` +
			"--tokenizer builtin --request-rate 4.5 --arrival-pattern gamma --arrival-smoothness 0.8 --concurrency 6 --benchmark-duration 90 " +
			"--benchmark-grace-period 20 --request-rate-ramp-duration 10 --concurrency-ramp-duration 5 --request-cancellation-rate 2.5 --request-cancellation-delay 0.25 --failed-request-threshold 0.2 " +
			"--artifact-dir ./out --profile-export-prefix night --export-level summary --no-gpu-telemetry --ui none --workers-max 3 --log-level warning")}, testHost())
		Expect(problems).To(BeEmpty())
		for _, run := range []*Run{byFile, byFlags} {
			run.CLICommand, run.InputConfig, run.InputConfigOwn, run.Warnings = "", nil, nil, nil
		}
		got, err := json.Marshal(byFile)
		Expect(err).NotTo(HaveOccurred())
		want, err := json.Marshal(byFlags)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(got)).To(Equal(string(want)))
	})

	It("lose against flags, key by key", func() {
		text := head + "  dataset: {isl: {mean: 420, median: 300}, osl: 9}\n  phases: {type: concurrency, concurrency: 2, requests: 12}\n"
		run, problems := fromYAML(strings.Replace(text, "9000\"", "9000\", headers: {A: one, B: two}", 1), nil, "--isl", "7", "--request-rate", "5", "-H", "b:three", "--request-count", "3")
		Expect(problems).To(BeEmpty())
		b := run.Benchmark
		Expect(b.Dataset.Prompts.ISL.Expected()).To(Equal(7.0))
		Expect(b.Dataset.Prompts.OSL.Expected()).To(Equal(9.0))
		Expect(b.Phases[0].Type).To(Equal(TypePoisson))
		Expect(b.Phases[0].Concurrency).To(HaveValue(Equal(2)))
		Expect(b.Phases[0].Requests).To(HaveValue(Equal(3)))
		Expect(b.Endpoint.Headers).To(Equal([]Header{{"A", "one"}, {"b", "three"}}))
	})

	It("choose what is kept of requests", func() {
		of := func(artifacts string, more ...string) Artifacts {
			run, problems := fromYAML(head+"  dataset: {isl: 8}\n  phases: {type: concurrency, concurrency: 1, requests: 1}\n  artifacts: "+artifacts+"\n", nil, more...)
			Expect(problems).To(BeEmpty())
			a := run.Benchmark.Artifacts
			a.Dir = ""
			return a
		}
		Expect(of("{records: [jsonl, parquet], trace: true}")).To(Equal(Artifacts{Records: true, Parquet: true, Trace: true, Summary: true}))
		Expect(of("{records: false, raw: true, export_outputs_json: true}")).To(Equal(Artifacts{Records: true, Raw: true, OutputsJSON: true, Summary: true}))
		Expect(of("{records: false, raw: false}")).To(Equal(Artifacts{Summary: true}))
		Expect(of("{raw: true}", "--export-level", "summary")).To(Equal(Artifacts{Summary: true}))
		_, problems := fromYAML(head+"  artifacts: {records: [parquet]}\n", nil)
		Expect(problems).To(ContainElement(HaveField("Reason", ContainSubstring("[jsonl, parquet]"))))
	})

	It("have phases that say all of themselves", func() {
		run, problems := fromYAML(head+"  dataset: {isl: 5}\n  warmup: {type: concurrency, concurrency: 3, requests: 6}\n  profiling: {type: constant, rate: 9, duration: 5}\n", nil)
		Expect(problems).To(BeEmpty())
		Expect(run.Benchmark.Phases[0].Type).To(Equal(TypeConcurrency))
		Expect(run.Benchmark.Phases[0].RatePerSec).To(BeNil())
		Expect(run.Benchmark.Phases[1].GracePeriodSec).To(Equal(30.0))
		run, problems = fromYAML(head+"  dataset: {isl: 5}\n  phases:\n    - {name: steady, kind: profiling, type: concurrency, requests: 6}\n", nil)
		Expect(problems).To(BeEmpty())
		Expect(run.Benchmark.Phases[0].Name).To(Equal("steady"))
	})

	It("give rates that change in time, and ramps of every kind", func() {
		run, problems := fromYAML(head+"  dataset: {isl: 5}\n  phases: {type: poisson, rate_series: [{time_s: 0, qps: 5}, {time_s: 60, qps: 40}], duration: 90, rate_ramp: {duration: 10, strategy: exponential}, concurrency: 9, concurrency_ramp: {duration: 5, strategy: poisson}}\n", nil)
		Expect(problems).To(BeEmpty())
		p := run.Benchmark.Phases[0]
		Expect(p.RateSeries).To(HaveLen(2))
		Expect(p.RatePerSec).To(HaveValue(Equal(5.0)))
		Expect(p.Type).To(Equal(TypePoisson))
		Expect(p.RateRamp.Strategy).To(Equal("exponential"))
		Expect(p.ConcurrencyRamp.Strategy).To(Equal("poisson"))
	})

	It("take values of the environment, of variables and of other keys", func() {
		run, problems := fromYAML(`
variables: {width: 6, half: "{{ width // 2 }}", name: "run-{{ half }}"}
benchmark:
  model: ${MODEL:none}
  endpoint: {url: "localhost:${PORT}", headers: {X: "$${PLAIN} {{ name }}"}}
  tokenizer: {name: builtin}
  dataset: {isl: "{{ phases.profiling.requests * 2 }}"}
  phases:
    - {name: profiling, type: concurrency, concurrency: "{{ half }}", requests: 12}
`, []string{"PORT=9001", "MODEL="})
		Expect(problems).To(HaveLen(1))
		Expect(problems[0].Error()).To(ContainSubstring("benchmark.model: want the name of a model"))
		run, problems = fromYAML(`
variables: {width: 6, half: "{{ width // 2 }}", name: "run-{{ half }}"}
benchmark:
  model: ${MODEL:none}
  endpoint: {url: "localhost:${PORT}", headers: {X: "$${PLAIN} {{ name }}"}}
  tokenizer: {name: builtin}
  dataset: {isl: "{{ phases.profiling.requests * 2 }}"}
  phases:
    - {name: profiling, type: concurrency, concurrency: "{{ half }}", requests: 12}
`, []string{"PORT=9001"})
		Expect(problems).To(BeEmpty())
		Expect(run.Benchmark.Models.Names).To(Equal([]string{"none"}))
		Expect(run.Benchmark.Endpoint.URLs).To(Equal([]string{"http://localhost:9001"}))
		Expect(run.Benchmark.Endpoint.Headers[0].Value).To(Equal("${PLAIN} run-3"))
		Expect(run.Benchmark.Dataset.Prompts.ISL.Expected()).To(Equal(24.0))
		Expect(run.Benchmark.Phases[0].Concurrency).To(HaveValue(Equal(3)))
	})

	DescribeTable("that are wrong say where and why", func(text string, want ...string) {
		_, problems := fromYAML(text, nil)
		for _, w := range want {
			Expect(problems.Error()).To(ContainSubstring(w))
		}
	},
		Entry("no YAML", "benchmark: [", "run.yaml:1: no YAML: "),
		Entry("empty", "", "run.yaml: the file is empty"),
		Entry("a list", "- a\n", "run.yaml:1:1: <root>: want a map of keys"),
		Entry("a key that is no text", "benchmark:\n  1: x\n", ":2:3: benchmark: every key must be a text (got 1)"),
		Entry("two spellings", "benchmark:\n  gpu_telemetry: true\n  gpuTelemetry: false\n", ":3:3: benchmark.gpu_telemetry: the same key as gpu_telemetry on line 2"),
		Entry("a circle", "benchmark: &a\n  x: *a\n", "an alias that contains itself"),
		Entry("all at once", head+"  dataset: {isl: x, osls: 3}\n  phases: {type: gamma, users: 3, requests: 0}\n  slos: {a: x}\n",
			":5:18: benchmark.dataset.isl: expected a number", ":5:21: benchmark.dataset.osls: unknown key", "benchmark.phases.users: does not belong to a phase of type gamma", "benchmark.phases.rate: required for a phase of type gamma", "must be at least 1", "benchmark.slos.a: want a number (got x)"),
		Entry("a template without a name", head+"  dataset: {isl: \"{{ nope }}\"}\n  phases: {type: concurrency, requests: 1}\n", `:5:18: benchmark.dataset.isl: template: line 1: "nope" is undefined (got {{ nope }})`),
		Entry("division by zero", head+"  dataset: {isl: \"{{ 1 // 0 }}\"}\n  phases: {type: concurrency, requests: 1}\n", "template: line 1: division by zero"),
		Entry("an unclosed reference", head+"  dataset: {isl: \"${X\"}\n  phases: {type: concurrency, requests: 1}\n", "${ without its }"),
		Entry("a list of values", head+"  dataset: {isl: 5}\n  phases: {type: concurrency, concurrency: [1, 2], requests: 1}\n", "want one value", "sweep.parameters"),
		Entry("a number that is none", head+"  dataset: {isl: 5}\n  phases: {type: concurrency, requests: true}\n", "a boolean is no number"),
		Entry("phases of no kind", head+"  dataset: {isl: 5}\n  phases:\n    - {name: steady, type: concurrency, requests: 1}\n", "benchmark.phases.0.kind: required"),
		Entry("a sweep", "sweep: {type: grid}\n"+head+"  dataset: {isl: 5}\n  phases: {type: concurrency, requests: 1}\n", ":1:8: sweep: is not supported by this version"),
	)

	It("have a schema that knows the keys in both spellings", func() {
		var s map[string]any
		Expect(json.Unmarshal([]byte(Schema()), &s)).To(Succeed())
		Expect(Schema()).To(And(ContainSubstring(`"failed_request_threshold"`), ContainSubstring(`"failedRequestThreshold"`), ContainSubstring(`"gamma"`)))
		Expect(Schema()).NotTo(ContainSubstring("adaptive_scale"))
	})
})

func FuzzConfigFile(f *testing.F) {
	files, _ := filepath.Glob("testdata/yaml/*.yaml")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			f.Add(string(text))
		}
	}
	f.Add("a: &x {b: *x}\nbenchmark: {<<: *x}\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "run.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		run, problems := Load(Input{Args: []string{"--config", path}}, testHost()) // no panic
		if run == nil && len(problems) == 0 {
			t.Fatal("neither a run nor a problem")
		}
	})
}

var _ = DescribeTable("a series of rates that is none", func(text, want string) {
	_, err := ParseRateSeries([]byte(text))
	Expect(err).To(MatchError(ContainSubstring(want)))
},
	Entry("no JSON", "{", "no list of points"),
	Entry("another key", `{"points": [], "x": 1}`, "no list of points"),
	Entry("one point", `[{"time_s": 0, "qps": 1}]`, "requires at least two points"),
	Entry("a key too many", `[{"time_s": 0, "qps": 1, "x": 2}, {"time_s": 1, "qps": 1}]`, "Invalid request-rate series point 0"),
	Entry("a key too few", `[{"time_s": 0, "qps": 1}, {"time_s": 1}]`, "Invalid request-rate series point 1"),
	Entry("back in time", `[{"time_s": 1, "qps": 1}, {"time_s": 1, "qps": 1}]`, "strictly increasing"),
	Entry("no rate", `{"points": [{"time_s": 0, "qps": 0}, {"time_s": 1, "qps": 1}]}`, "qps above 0"),
)
