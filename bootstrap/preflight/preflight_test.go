package preflight

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/plugins"
)

func TestPreflight(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "preflight")
}

// ready is a run that passes on any host.
func ready(dir string) *config.Run {
	run := &config.Run{ArtifactDir: dir}
	b := &run.Benchmark
	b.Endpoint = config.Endpoint{Type: "chat", Transport: "http", URLStrategy: "round_robin"}
	b.Dataset.Sampling = "sequential"
	b.Runtime = config.Runtime{UI: "none", Workers: 1, ConnectionsPerWorker: 2500}
	b.Phases = []config.Phase{{Kind: config.KindProfiling, Type: config.TypeConcurrency}}
	b.Tokenizer = config.Tokenizer{Name: "builtin", Needed: true}
	return run
}

// picky is a collector that misses something.
type picky struct{ err error }

func (p picky) ValidateEnvironment() error { return p.err }

var _ = Describe("the checks before a run", func() {
	var dir string
	BeforeEach(func() { dir = filepath.Join(GinkgoT().TempDir(), "a", "b") })
	check := func(run *config.Run) []config.Problem { return Check(run, plugins.Builtin(), nil) }

	It("pass, and leave the artifact directory empty but for its log folder", func() {
		Expect(check(ready(dir))).To(BeEmpty())
		entries, err := os.ReadDir(dir)
		Expect(err).NotTo(HaveOccurred())
		Expect(entries).To(HaveLen(1))
		Expect(entries[0].Name()).To(Equal("logs"))
	})
	It("look for pictures where they should come from", func() {
		run := ready(dir)
		source := GinkgoT().TempDir()
		run.Benchmark.Dataset.Images = config.Images{BatchSize: 1, Width: dataset.Fixed(8), Height: dataset.Fixed(8), Source: source}
		Expect(check(run)).To(ConsistOf(And(HaveField("Where", "--image-source"), HaveField("Reason", ContainSubstring("there is no picture")))))
		run.Benchmark.Dataset.Images.Source = config.ImageNoise
		Expect(check(run)).To(BeEmpty())
	})
	DescribeTable("refuse conversations of several turns where a request has no history", func(endpoint string, mean, stddev float64, refused bool) {
		run := ready(dir)
		run.Benchmark.Endpoint.Type, run.Benchmark.Dataset.Turns = endpoint, dataset.Normal(mean, stddev)
		if refused {
			Expect(check(run)).To(ConsistOf(HaveField("Reason", ContainSubstring("exactly one turn"))))
		} else {
			Expect(check(run)).To(BeEmpty())
		}
	},
		Entry("chat has one", "chat", 3.0, 1.0, false),
		Entry("completions", "completions", 2.0, 0.0, true),
		Entry("a spread makes a second turn too", "embeddings", 1.0, 1.0, true),
		Entry("single turns are fine", "completions", 1.0, 0.0, false),
	)
	It("refuse a directory that is a file", func() {
		Expect(os.MkdirAll(filepath.Dir(dir), 0o755)).To(Succeed())
		Expect(os.WriteFile(dir, nil, 0o644)).To(Succeed())
		Expect(check(ready(dir))).To(ConsistOf(HaveField("Reason", dir+" is a file, not a directory")))
	})
	It("refuse a directory below a file", func() {
		Expect(os.MkdirAll(filepath.Dir(filepath.Dir(dir)), 0o755)).To(Succeed())
		Expect(os.WriteFile(filepath.Dir(dir), nil, 0o644)).To(Succeed())
		Expect(check(ready(dir))).To(ConsistOf(HaveField("Reason", ContainSubstring("not a directory"))))
	})
	It("find by trying that a directory cannot be written to, whoever asks", func() {
		problems := check(ready("/proc/aiperf"))
		Expect(problems).To(HaveLen(1))
		Expect(problems[0].Error()).To(HavePrefix("--artifact-dir: cannot make /proc/aiperf"))
		Expect(problems[0].Hint).NotTo(BeEmpty())
	})
	It("name every plugin that is not there, all at once", func() {
		run := ready(dir)
		run.Benchmark.Endpoint.Type, run.Benchmark.Runtime.UI, run.Benchmark.Phases[0].Type = "x", "y", "z"
		problems := check(run)
		Expect(problems).To(HaveLen(3))
		Expect(problems[0].Error()).To(ContainSubstring("`aiperf plugins endpoint` lists what there is"))
	})
	It("ask a chosen collector what it misses", func() {
		run := ready(dir)
		run.Benchmark.GPUTelemetry = config.GPUTelemetry{Enabled: true, Collector: "dcgm"}
		collectors := func(err error) func(string) (any, error) {
			return func(string) (any, error) { return picky{err}, nil }
		}
		Expect(Check(run, plugins.Builtin(), collectors(nil))).To(BeEmpty())
		Expect(Check(run, plugins.Builtin(), collectors(errors.New("no library")))).To(ConsistOf(HaveField("Reason", "no library")))
		run.Benchmark.GPUTelemetry.Enabled = false
		Expect(Check(run, plugins.Builtin(), collectors(errors.New("no library")))).To(BeEmpty())
	})
})

var _ = Describe("the warnings before a run", func() {
	It("are none for a fresh directory", func() { Expect(Warnings(ready(GinkgoT().TempDir()))).To(BeEmpty()) })
	It("say that results of an earlier run are overwritten", func() {
		run := ready(GinkgoT().TempDir())
		run.Benchmark.Artifacts.Prefix = "mine"
		Expect(os.WriteFile(filepath.Join(run.ArtifactDir, "profile_export_aiperf.json"), nil, 0o644)).To(Succeed())
		Expect(Warnings(run)).To(BeEmpty(), "another prefix is another file")
		run.Benchmark.Artifacts.Prefix = ""
		Expect(Warnings(run)).To(ConsistOf(ContainSubstring("holds the results of an earlier run")))
	})
	It("say that the load needs more open files than there may be", func() {
		run := ready(GinkgoT().TempDir())
		most := 1 << 30
		run.Benchmark.Phases[0].Concurrency, run.Benchmark.Runtime.ConnectionsPerWorker = &most, most
		if hardLimit() > 1<<30 {
			Skip("this host has no limit")
		}
		Expect(Warnings(run)).To(ConsistOf(HavePrefix("ulimit -n: ")))
	})
})
