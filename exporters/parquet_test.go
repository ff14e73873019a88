package exporters

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/parquet-go/parquet-go"

	"aiperf/messages"
)

var _ = Describe("the table of the records", func() {
	open := func() (x Stream, path string) {
		GinkgoHelper()
		run := sampleRun(GinkgoT().TempDir())
		run.Benchmark.Artifacts.Parquet = true
		x, err := NewParquet(run)
		Expect(err).NotTo(HaveOccurred())
		return x, filepath.Join(run.ArtifactDir, "profile_export.parquet")
	}

	It("has typed columns, lists, and nulls where there is no finite value", func() {
		x, path := open()
		for _, r := range []messages.MetricRecord{
			{Metadata: messages.RecordMetadata{SessionNum: 0, RequestStartNS: 5, BenchmarkPhase: "profiling"}, Metrics: []messages.MetricValue{
				{Tag: "request_latency", Number: 1.5e6, Integer: true}, {Tag: "output_sequence_length", Number: 7, Integer: true},
				{Tag: "inter_chunk_latency", List: []float64{1e6, math.Inf(1), 2e6}}, {Tag: "time_to_first_token", Number: math.NaN()},
			}},
			{Metadata: messages.RecordMetadata{SessionNum: 1, WasCancelled: true}, Error: messages.NewError("Boom", "it broke").WithCode(503),
				Metrics: []messages.MetricValue{{Tag: "inter_chunk_latency", List: []float64{}}}},
		} {
			Expect(x.(RecordStream).Record(&r)).To(Succeed())
		}
		Expect(path).NotTo(BeAnExistingFile(), "it is not whole yet")
		Expect(x.Close()).To(Succeed())
		Expect(x.Close()).To(Succeed())
		Expect(path + ".tmp").NotTo(BeAnExistingFile())
		type row struct {
			SessionNum   int64     `parquet:"session_num,optional"`
			Latency      *float64  `parquet:"request_latency,optional"`
			Output       *int64    `parquet:"output_sequence_length,optional"`
			Gaps         []float64 `parquet:"inter_chunk_latency,optional,list"`
			FirstToken   *float64  `parquet:"time_to_first_token,optional"`
			WasCancelled bool      `parquet:"was_cancelled,optional"`
			ErrorCode    *int64    `parquet:"error_code,optional"`
			ErrorType    *string   `parquet:"error_type,optional"`
		}
		rows, err := parquet.ReadFile[row](path)
		Expect(err).NotTo(HaveOccurred())
		Expect(rows).To(HaveLen(2))
		Expect(rows[0]).To(Equal(row{Latency: ptr(1.5), Output: ptr(int64(7)), Gaps: []float64{1, 2}}))
		Expect(rows[1].Gaps).To(BeEmpty())
		rows[1].Gaps = nil
		Expect(rows[1]).To(Equal(row{SessionNum: 1, WasCancelled: true, ErrorCode: ptr(int64(503)), ErrorType: ptr("Boom")}))
		f, err := os.Open(path)
		Expect(err).NotTo(HaveOccurred())
		defer f.Close()
		info, err := f.Stat()
		Expect(err).NotTo(HaveOccurred())
		table, err := parquet.OpenFile(f, info.Size())
		Expect(err).NotTo(HaveOccurred())
		unit, _ := table.Lookup("unit:request_latency")
		Expect(unit).To(Equal("ms"))
	})

	It("is absent when there was no request, or when it could not be written", func() {
		x, path := open()
		Expect(x.Close()).To(Succeed())
		Expect(path).NotTo(BeAnExistingFile())
		x, path = open()
		r := messages.MetricRecord{}
		Expect(x.(RecordStream).Record(&r)).To(Succeed())
		Expect(x.(*Parquet).f.Close()).To(Succeed()) // every write fails from here on
		Expect(x.Close()).To(MatchError(ContainSubstring("profile_export.parquet: ")))
		Expect(path).NotTo(BeAnExistingFile())
		Expect(path + ".tmp").NotTo(BeAnExistingFile())
	})
})

func BenchmarkParquetRecord(b *testing.B) {
	dir := b.TempDir()
	run := sampleRun(dir)
	run.Benchmark.Artifacts.Parquet = true
	x, err := NewParquet(run)
	if err != nil {
		b.Fatal(err)
	}
	r := benchRecord()
	b.ReportAllocs()
	for b.Loop() {
		if err := x.(RecordStream).Record(r); err != nil {
			b.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
