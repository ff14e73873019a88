package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	store "aiperf/dataset"
	"aiperf/messages"
)

var _ = Describe("a trace that is made while it is sent", func() {
	const rows = 30_000
	traceRun := func(n int) *config.Run {
		dir := GinkgoT().TempDir()
		run := testRun(dir)
		var b strings.Builder
		for i := range n { // the last row is the first to go
			fmt.Fprintf(&b, "{\"timestamp\": %d, \"text_input\": \"row %d\"}\n", n-i, i)
		}
		path := filepath.Join(dir, "trace.jsonl")
		Expect(os.WriteFile(path, []byte(b.String()), 0o600)).To(Succeed())
		run.Benchmark.Dataset = config.Dataset{
			Name: "main", Type: config.TypeFile, Path: path, Format: "mooncake_trace", Sampling: "sequential", File: config.DatasetFacts{Trace: true},
		}
		run.Benchmark.Phases = []config.Phase{{Name: "profiling", Kind: "profiling", Type: config.TypeFixedSchedule}}
		run.Environment.Dataset.PreformatPayloads = true
		return run
	}
	quiet := func(string, ...any) {}

	It("is there in the order of its times, and not far ahead of the load", func() {
		run := traceRun(rows)
		b, err := newBuilder(run, quiet)
		Expect(err).NotTo(HaveOccurred())
		s, err := newStream(run, b)
		Expect(err).NotTo(HaveOccurred())
		Expect(s.outcome().info.Conversations).To(Equal(rows))
		ended := make(chan error)
		go func() { ended <- s.run(context.Background()) }()
		<-s.begun
		data, err := store.Open(run.DatasetDir)
		Expect(err).NotTo(HaveOccurred())
		defer data.Close()
		Expect(string(data.Payload(rows-1, 0))).To(ContainSubstring(fmt.Sprintf("row %d", rows-1)), "the earliest row")
		Expect(data.Payload(rows-ahead, 0)).NotTo(BeEmpty(), "the last that may be made already")
		Expect(ended).NotTo(Receive())
		s.progressed(&messages.CreditPhaseProgress{Stats: messages.PhaseStats{RequestsSent: rows}})
		Expect(<-ended).To(Succeed())
		Expect(string(data.Payload(0, 0))).To(ContainSubstring("row 0"))
	})

	It("ends with the run", func() {
		run := traceRun(rows)
		b, err := newBuilder(run, quiet)
		Expect(err).NotTo(HaveOccurred())
		s, err := newStream(run, b)
		Expect(err).NotTo(HaveOccurred())
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- s.run(ctx) }()
		<-s.begun
		cancel()
		Expect(<-ended).To(Succeed())
	})

	It("is made beforehand where that takes no time, or the order is not known", func() {
		for _, change := range []func(*config.Run){
			func(r *config.Run) { r.Benchmark.Dataset.Sampling = "shuffle" },
			func(r *config.Run) { r.Benchmark.Dataset.File.Trace = false },
			func(r *config.Run) { r.Benchmark.Dataset.Limit = 100 },
		} {
			run := traceRun(liveFrom)
			change(run)
			b, err := newBuilder(run, quiet)
			Expect(err).NotTo(HaveOccurred())
			Expect(newStream(run, b)).To(BeNil())
			b.shut()
		}
	})
})
