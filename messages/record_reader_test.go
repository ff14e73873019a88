package messages

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// mixedRecords are successes with lists, a failure and a record of other tags.
func mixedRecords() *MetricRecords {
	m := sampleRecords(5)
	m.Records[1].Metrics = append(m.Records[1].Metrics, MetricValue{Tag: "inter_chunk_latency", Integer: true, List: []float64{1, 2, 3e9}})
	m.Records[2].Metrics = []MetricValue{{Tag: "request_latency", Number: 7, Integer: true}}
	m.Records[3].Metrics = append(m.Records[3].Metrics, MetricValue{Tag: "inter_chunk_latency", List: []float64{}})
	m.Records[4].Error = NewError("HTTPError", "no")
	m.Records[4].Metadata.ProfilingIndex = -1
	return m
}

var _ = Describe("a record reader", func() {
	It("reads what a fresh message would hold, batch after batch", func() {
		var d RecordReader
		for _, m := range []*MetricRecords{sampleRecords(3), mixedRecords(), {}, sampleRecords(64), mixedRecords()} {
			e := mustOpen(mustEncode(Header{ServiceID: "x"}, m))
			var want MetricRecords
			Expect(e.Decode(&want)).To(Succeed())
			got, err := d.Read(e)
			Expect(err).NotTo(HaveOccurred())
			Expect(got).To(HaveLen(len(m.Records)))
			for i := range got {
				Expect(got[i]).To(Equal(want.Records[i]))
			}
		}
	})

	It("sends a batch on as it came", func() {
		var d RecordReader
		frame := mustEncode(Header{ServiceID: "x"}, mixedRecords())
		_, err := d.Read(mustOpen(frame))
		Expect(err).NotTo(HaveOccurred())
		Expect(mustEncode(Header{ServiceID: "x"}, d.Encoded())).To(Equal(frame))
	})

	It("gives clones that outlive the batch", func() {
		var d RecordReader
		frame := mustEncode(Header{ServiceID: "x"}, mixedRecords())
		got, err := d.Read(mustOpen(frame))
		Expect(err).NotTo(HaveOccurred())
		kept := got[1].Clone()
		for i := range frame {
			frame[i] = 0xff
		}
		_, err = d.Read(mustOpen(mustEncode(Header{ServiceID: "x"}, sampleRecords(64))))
		Expect(err).NotTo(HaveOccurred())
		Expect(kept.Metadata.ConversationID).To(Equal("session_000000"))
		Expect(kept.Metrics[len(kept.Metrics)-1].List).To(Equal([]float64{1, 2, 3e9}))
	})

	It("refuses a torn batch", func() {
		var d RecordReader
		frame := mustEncode(Header{ServiceID: "x"}, mixedRecords())
		for cut := len(frame) - 1; cut > len(frame)/2; cut -= 7 {
			e, err := Open(frame[:cut])
			if err == nil {
				_, err = d.Read(e)
			}
			Expect(err).To(MatchError(ErrMalformed))
		}
	})

	It("allocates nothing for its records once it has grown", func() {
		var d RecordReader
		e := mustOpen(mustEncode(Header{ServiceID: "x"}, sampleRecords(64)))
		Expect(testing.AllocsPerRun(50, func() { _, _ = d.Read(e) })).To(BeNumerically("<=", 1), "the decoder itself")
	})
})

func BenchmarkRecordReader(b *testing.B) {
	frame, _ := Encode(nil, Header{ServiceID: "record_processor_49bb45e8"}, sampleRecords(64))
	var d RecordReader
	b.ReportAllocs()
	for b.Loop() {
		e, _ := Open(frame)
		if records, err := d.Read(e); err != nil || len(records) != 64 {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(frame)))
}
