package records

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
	"aiperf/metrics"
)

// journaled is a fixture whose journal and record file lie in a directory.
func journaled(dir string, recoverReason string) *fixture {
	run := testRun(2)
	run.ArtifactDir, run.RecoverReason = dir, recoverReason
	run.Benchmark.Artifacts.Records = true
	run.Environment.Record.ExportBatchSize = 100
	return newFixture(run)
}

var _ = Describe("the journal", func() {
	It("is empty and private when it is made, whatever was there", func() {
		dir := GinkgoT().TempDir()
		Expect(os.WriteFile(journalPath(dir), []byte("an earlier run's"), 0o600)).To(Succeed())
		j, err := createJournal(dir)
		Expect(err).NotTo(HaveOccurred())
		Expect(j.close()).To(Succeed())
		st, err := os.Stat(journalPath(dir))
		Expect(err).NotTo(HaveOccurred())
		Expect(st.Size()).To(BeZero())
		Expect(st.Mode().Perm()).To(BeEquivalentTo(0o600))
	})

	It("gives every whole frame back, wherever it is torn off", func() {
		b := newFixture(testRun(1))
		var whole []byte
		var ends []int
		for _, m := range []messages.Message{b.phaseStart(0), b.records(0, 0, 1), b.phaseEnd(0, 2)} {
			frame := b.envelope(m).Frame()
			whole = binary.BigEndian.AppendUint32(whole, uint32(len(frame)))
			whole = append(whole, frame...)
			ends = append(ends, len(whole))
		}
		for cut := range len(whole) + 1 {
			want := 0
			for _, end := range ends {
				if end <= cut {
					want++
				}
			}
			got := 0
			Expect(readJournal(bytes.NewReader(whole[:cut]), func(messages.Envelope) { got++ })).To(Succeed(), "cut at %d", cut)
			Expect(got).To(Equal(want), "cut at %d", cut)
		}
	})

	It("refuses a length that no frame has", func() {
		Expect(readJournal(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff, 1}), nil)).To(MatchError(ContainSubstring("claims 4294967295 bytes")))
	})
})

var _ = Describe("recovering", func() {
	It("summarises what an earlier process had journaled, and writes its record file anew", func() {
		dir := GinkgoT().TempDir()
		first := journaled(dir, "")
		Expect(first.open()).To(Succeed())
		first.hear(first.phaseStart(0), first.records(0, 0), first.phaseEnd(0, 1), first.phaseStart(1), first.records(1, 0, 1, 4),
			batch(first.record(1, 2, withError("HTTPError", "500"))))
		// The process dies here: nothing is closed or flushed.
		f, err := os.OpenFile(journalPath(dir), os.O_APPEND|os.O_WRONLY, 0)
		Expect(err).NotTo(HaveOccurred())
		_, err = f.Write([]byte{0, 0, 1, 0, 'h', 'a', 'l', 'f'})
		Expect(err).NotTo(HaveOccurred())
		Expect(f.Close()).To(Succeed())
		size := journalSize(dir)

		second := journaled(dir, "timing_manager ended unexpectedly (signal: killed)")
		second.recover()
		second.tick()
		Expect(second.result()).To(BeNil(), "the controller asks for it")
		second.cancel("timing_manager ended unexpectedly (signal: killed)")
		p := second.result()
		Expect(p).NotTo(BeNil(), "nobody else has to be asked")
		Expect(p.IsComplete).To(BeFalse())
		Expect(p.WasCancelled).To(BeFalse())
		Expect(p.IncompleteReason).To(HavePrefix("timing_manager ended unexpectedly (signal: killed)"))
		Expect(p.Quality.Credits).To(Equal(metrics.CreditCounts{Issued: 5, Completed: 3, Failed: 1, Lost: 1}))
		Expect(p.WarmupRecords).NotTo(BeEmpty())
		Expect(journalSize(dir)).To(Equal(size), "the journal stays as it was")
		lines, err := os.ReadFile(dir + "/profile_export.jsonl")
		Expect(err).NotTo(HaveOccurred())
		Expect(bytes.Count(lines, []byte("\n"))).To(Equal(5))
		for _, m := range second.published {
			Expect(m).NotTo(BeAssignableToTypeOf(&messages.MetricRecords{}), "watchers have seen them")
		}
	})

	It("ends with a result when there is no journal", func() {
		b := journaled(GinkgoT().TempDir(), "gone")
		b.recover()
		b.cancel("gone")
		Expect(b.result().Completed).To(BeZero())
		Expect(b.result().Errors).NotTo(BeEmpty())
	})
})

var _ = Describe("the ledger's journal", func() {
	It("fails the configuration when it cannot be made", func() {
		b := journaled(GinkgoT().TempDir()+"/missing", "")
		Expect(b.open()).To(MatchError(ContainSubstring("create journal")))
	})

	It("keeps what is in it when the configuration is asked for again", func() {
		b := journaled(GinkgoT().TempDir(), "")
		Expect(b.open()).To(Succeed())
		b.hear(b.phaseStart(0))
		Expect(b.open()).To(Succeed())
		Expect(journalSize(b.run.ArtifactDir)).To(BeNumerically(">", 0))
	})

	It("has what came before it was opened, and so has the samples' file", func() {
		b := journaled(GinkgoT().TempDir(), "")
		b.run.Benchmark.GPUTelemetry.Enabled = true
		b.gpu = newGPUAccumulator()
		baseline := &messages.TelemetryRecords{TelemetrySourceURL: "http://h/metrics", Records: []messages.GPUSample{{
			GPUUUID: "GPU-1", TimestampNS: startNS, Data: map[string]float64{"nvidia_power_usage": 100},
		}}}
		b.hear(baseline)
		Expect(b.open()).To(Succeed())
		b.hear(baseline)
		b.streams.close()
		Expect(b.gpu.sources["http://h/metrics"]["GPU-1"].times).To(HaveLen(2))
		lines, err := os.ReadFile(b.run.ArtifactDir + "/gpu_telemetry_export.jsonl")
		Expect(err).NotTo(HaveOccurred())
		Expect(bytes.Count(lines, []byte("\n"))).To(Equal(2))
		frames := 0
		Expect(replay(b.run.ArtifactDir, func(messages.Envelope) { frames++ })).To(Succeed())
		Expect(frames).To(Equal(2))
	})

	It("is given up when it cannot be written, and the run goes on", func() {
		b := newFixture(testRun(1))
		dir := GinkgoT().TempDir()
		var err error
		b.journal, err = createJournal(dir)
		Expect(err).NotTo(HaveOccurred())
		Expect(b.journal.file.Close()).To(Succeed())
		b.hear(b.records(0, 0), b.phaseEnd(0, 1), &messages.CreditsComplete{})
		b.pass(time.Second)
		b.answer(nil)
		p := b.result()
		Expect(p.IsComplete).To(BeTrue())
		Expect(p.Errors).To(HaveLen(1))
		Expect(p.Errors[0].Type).To(Equal("JournalError"))
		Expect(p.Errors[0].Details).To(HaveKeyWithValue("fatal", false))
	})
})

func journalSize(dir string) int64 {
	st, err := os.Stat(journalPath(dir))
	Expect(err).NotTo(HaveOccurred())
	return st.Size()
}

// FuzzJournal feeds damaged journals to a recovery: it must end, without a panic, and
// with books that add up.
func FuzzJournal(f *testing.F) {
	b := newFixture(testRun(2))
	var whole []byte
	for _, m := range []messages.Message{b.phaseStart(0), b.records(0, 0, 1), b.phaseEnd(0, 3, [2]int64{2, 2}), b.records(1, 0), &messages.CreditsComplete{}} {
		frame := b.envelope(m).Frame()
		whole = binary.BigEndian.AppendUint32(whole, uint32(len(frame)))
		whole = append(whole, frame...)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{0, 0, 0, 1, 0x80})
	f.Fuzz(func(t *testing.T, journal []byte) {
		run := testRun(2)
		run.RecoverReason = "fuzz"
		b := newFixture(run)
		_ = readJournal(bytes.NewReader(journal), b.apply)
		b.cancel("")
		p := b.result()
		if p == nil {
			t.Fatal("no result")
		}
		if c := p.Quality.Credits; c.Issued != c.Completed+c.Failed+c.Cancelled+c.Lost {
			t.Fatalf("the books do not add up: %+v", c)
		}
	})
}
