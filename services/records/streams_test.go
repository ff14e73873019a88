package records

import (
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
)

// slowStream is a record file whose disk takes its time.
type slowStream struct {
	lineStream
	gate chan struct{}
}

func (s *slowStream) Record(r *messages.MetricRecord) error {
	<-s.gate
	return s.lineStream.Record(r)
}

var _ = Describe("the record files", func() {
	record := func(id int64) []messages.MetricRecord {
		return []messages.MetricRecord{{Metadata: messages.RecordMetadata{SessionNum: id}}}
	}

	It("are written beside the ledger, in order, until it closes them", func() {
		file := &slowStream{gate: make(chan struct{})}
		s := &streams{log: quietLog(), live: []*stream{{name: "slow", file: file, records: file}}}
		s.start()
		released := make(chan int64, 3*streamQueue)
		const n = 2 * streamQueue // more than may wait
		written := make(chan struct{})
		go func() {
			defer close(written)
			for id := range int64(n) {
				s.batch(record(id), func() { released <- id })
			}
		}()
		Consistently(written, "20ms").ShouldNot(BeClosed(), "there is a bound")
		close(file.gate)
		Eventually(written).Should(BeClosed())
		s.close()
		Expect(file.records).To(HaveLen(n))
		for id := range int64(n) {
			Expect(file.records[id].Metadata.SessionNum).To(Equal(id))
			Expect(<-released).To(Equal(id))
		}
		Expect(s.waits).To(BeNumerically(">", 0))
		Expect(file.closed).To(Equal(1))
		s.close()
		Expect(file.closed).To(Equal(1))
	})

	It("give batches back when the file fails, too", func() {
		file := &lineStream{failAt: 2}
		s := &streams{log: quietLog(), live: []*stream{{name: "full", file: file, records: file}}}
		s.start()
		released := 0
		for id := range int64(5) {
			s.batch(record(id), func() { released++ })
		}
		s.close()
		Expect(released).To(Equal(5))
		Expect(s.failed).To(HaveLen(1))
		Expect(s.failed[0].Message).To(ContainSubstring("disk full"))
		Expect(file.records).To(HaveLen(1))
	})

	It("are flushed only when nothing more important waits", func() {
		file := &slowStream{gate: make(chan struct{})}
		s := &streams{log: quietLog(), live: []*stream{{name: "slow", file: file, records: file}}}
		s.start()
		s.batch(record(0), func() {})
		s.batch(record(1), func() {})
		Eventually(func() int { return len(s.work) }).Should(Equal(1))
		s.flush()
		close(file.gate)
		s.close()
		Expect(file.flushes).To(BeZero())
	})
})

var _ = Describe("the ledger's memory", func() {
	It("is not the files' while they write", func() {
		b := newFixture(testRun(1))
		file := &slowStream{gate: make(chan struct{})}
		b.streams = &streams{log: quietLog(), live: []*stream{{name: "slow", file: file, records: file}}}
		b.streams.start()
		for i := range int64(20) {
			b.hear(b.records(0, 3*i, 3*i+1, 3*i+2), b.records(0, 3*i)) // a repeat, too
		}
		close(file.gate)
		b.streams.close()
		Expect(file.records).To(HaveLen(60))
		for id := range int64(60) {
			Expect(file.records[id].Metadata.SessionNum).To(Equal(id))
			Expect(file.records[id].Metadata.PhaseName).To(Equal("phase0"))
			Expect(file.records[id].Metrics).To(HaveLen(2))
		}
	})

	It("keeps a run going without a place for long lists", func() {
		run := testRun(1)
		run.Benchmark.Endpoint.Streaming = true
		run.ArtifactDir, run.DatasetDir = GinkgoT().TempDir(), "/dev/null/nowhere"
		b := newFixture(run)
		Expect(b.open()).To(Succeed())
		r := b.record(0, 0)
		r.Metrics = append(r.Metrics, messages.MetricValue{Tag: "inter_chunk_latency", List: []float64{1, 2}})
		b.hear(batch(r))
		Expect(b.store.Len()).To(Equal(1))
		b.close()
	})

	It("tells how its journal got to the disk", func() {
		j, err := createJournal(GinkgoT().TempDir())
		Expect(err).NotTo(HaveOccurred())
		told := make(chan error, 2)
		j.sync(func(err error) { told <- err })
		j.sync(func(err error) { told <- err })
		Expect(j.close()).To(Succeed())
		Expect(told).To(HaveLen(2))
		Expect(errors.Join(<-told, <-told)).NotTo(HaveOccurred(), "both end before close returns")
	})
})
