package metrics

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

var _ = Describe("a packed chunk", func() {
	DescribeTable("gives back exactly what was put in",
		func(values []float64, width int) {
			p := packFloats(values)
			Expect(p.width).To(BeEquivalentTo(width))
			p.bytes = make([]byte, p.size(len(values))+packedPad)
			p.putFloats(values)
			for i, v := range values {
				Expect(math.Float64bits(p.float(i))).To(Equal(math.Float64bits(v)), "row %d", i)
			}
		},
		Entry("nothing", []float64{absent, absent}, 0),
		Entry("one value for all rows", []float64{7, 7, 7}, 0),
		Entry("one value, not for all rows", []float64{7, absent, 7}, 1),
		Entry("counts", []float64{3, 258, 3}, 1),
		Entry("counts that fill their byte, some absent", []float64{3, 258, absent}, 2),
		Entry("microseconds in nanoseconds", []float64{20_000_000, 20_900_000, absent}, 3),
		Entry("below 0", []float64{-5, 5, -1e9}, 4),
		Entry("up to what a float64 counts", []float64{-maxWhole, maxWhole, 0}, 7),
		Entry("fractions", []float64{0.5, absent, 3}, 8),
		Entry("beyond", []float64{1e300, 3}, 8),
	)

	It("gives back stamps", func() {
		values := []int64{0, math.MaxInt64, math.MinInt64, 1_800_000_000_000_000_000}
		p := packInts(values)
		p.bytes = make([]byte, p.size(len(values))+packedPad)
		p.putInts(values)
		for i, v := range values {
			Expect(p.int(i)).To(Equal(v))
		}
	})
})

// fill appends n streams with gaps to a store, and returns all gaps.
func fill(st *Store, n int, gap func() float64) (all []float64) {
	for i := range n {
		row := Row{Phase: "profiling", StartNS: ms(int64(i)), EndNS: ms(int64(i + 100)), CreditIssuedNS: ms(int64(i))}
		var gaps []float64
		for range i % 25 {
			gaps = append(gaps, gap())
		}
		all = append(all, gaps...)
		st.Append(row, []Value{
			{Tag: "request_latency", Number: 1e8}, {Tag: "time_to_first_token", Number: float64(1e6 + i)},
			{Tag: "output_sequence_length", Number: float64(1 + i%25)}, {Tag: "inter_chunk_latency", List: gaps},
		})
	}
	return all
}

var _ = Describe("a store", func() {
	r := rand.New(rand.NewPCG(31, 32))
	narrow := func() float64 { return float64(r.IntN(4e7)) }

	It("keeps rows over many chunks", func() {
		st := NewSet(chatStreaming).NewStore()
		n := 3*chunkRows + 17
		fill(st, n, narrow)
		got := profiling(st)
		Expect(*got["request_count"].Avg).To(BeEquivalentTo(n))
		Expect(*got["time_to_first_token"].Max).To(Equal(float64(1e6+n-1) / 1e6))
		Expect(*got["time_to_first_token"].Min).To(Equal(1.0))
	})

	It("finds rows of a metric that comes late, or seldom", func() {
		st := NewSet(chatStreaming).NewStore()
		for i := range 2*chunkRows + 9 {
			var values []Value
			if i == chunkRows+3 || i == 2*chunkRows+8 {
				values = []Value{{Tag: "request_latency", Number: float64(i)}, {Tag: "inter_chunk_latency", List: []float64{float64(i)}}}
			}
			st.Append(Row{Phase: "profiling", StartNS: ms(1), EndNS: ms(2)}, values)
		}
		sum := st.newSummary(Selection{Phase: "profiling"})
		Expect(sum.sampler().sample(requestLatency)).To(Equal([]float64{chunkRows + 3, 2*chunkRows + 8}))
		Expect(sum.sampler().sample(interChunkLatency)).To(Equal([]float64{chunkRows + 3, 2*chunkRows + 8}))
	})

	It("takes the first of two values of a row", func() {
		st := NewSet(chatStreaming).NewStore()
		st.Append(Row{Phase: "profiling", StartNS: ms(1), EndNS: ms(2)}, []Value{{Tag: "request_latency", Number: 5}, {Tag: "request_latency", Number: 6}})
		st.Append(Row{Phase: "profiling", StartNS: ms(1), EndNS: ms(2)}, []Value{{Tag: "request_latency", Number: 7}})
		Expect(st.newSummary(Selection{Phase: "profiling"}).sampler().sample(requestLatency)).To(Equal([]float64{5, 7}))
	})

	for name, gap := range map[string]func() float64{
		"whole": narrow, "long": func() float64 { return float64(r.Int64N(1e10)) }, "odd": func() float64 { return r.NormFloat64() },
		"equal": func() float64 { return 20e6 },
	} {
		It("describes "+name+" gaps in a file as if they were sorted in memory", func() {
			st := NewSet(chatStreaming).NewStore()
			dir := GinkgoT().TempDir()
			Expect(st.SpillTo(dir)).To(Succeed())
			gaps := fill(st, 25_000, gap)
			Expect(len(gaps)).To(BeNumerically(">", maxCollected))
			Expect(os.ReadDir(dir)).To(BeEmpty(), "the file has no name")
			_, files := st.Bytes()
			Expect(files).To(BeNumerically(">=", spillBytes))

			want, _ := describe(slices.Clone(gaps))
			sum := st.newSummary(Selection{Phase: "profiling"})
			var release func()
			sum.lists, release = st.mapLists()
			defer release()
			got, ok := sum.sampler().distribution(interChunkLatency)
			Expect(ok).To(BeTrue())
			Expect(got.n).To(Equal(want.n))
			Expect(got.quantiles).To(Equal(want.quantiles))
			Expect([]float64{got.min, got.max}).To(Equal([]float64{want.min, want.max}))
			Expect(got.avg).To(BeNumerically("~", want.avg, 1e-12*math.Abs(want.avg)+1e-12))
			Expect(got.std).To(BeNumerically("~", want.std, 1e-9*want.std+1e-12))
			Expect(st.Err()).NotTo(HaveOccurred())
			Expect(st.Close()).To(Succeed())
		})
	}

	It("keeps lists in memory when the file fails", func() {
		st := NewSet(chatStreaming).NewStore()
		Expect(st.SpillTo(GinkgoT().TempDir())).To(Succeed())
		gaps := fill(st, 25_000, narrow)
		Expect(st.lists[interChunkLatency.id].file.Close()).To(Succeed())
		gaps = append(gaps, fill(st, 25_000, narrow)...)
		Expect(st.Err()).To(MatchError(os.ErrClosed))
		Expect(len(gaps)).To(BeNumerically(">", 500_000))
		_, ok := profiling(st)["inter_chunk_latency"]
		Expect(ok).To(BeFalse(), "what is in the file cannot be read any more")
		Expect(*profiling(st)["request_count"].Avg).To(Equal(50_000.0), "all else can")
	})

	It("says where its lists could not go", func() {
		st := NewSet(chatStreaming).NewStore()
		err := st.SpillTo(filepath.Join(GinkgoT().TempDir(), "nowhere"))
		Expect(errors.Is(err, os.ErrNotExist)).To(BeTrue())
	})

	It("takes about 100 bytes for a streamed request, and 4 for each gap", func() {
		s := NewSet(chatStreaming)
		st := s.NewStore()
		Expect(st.SpillTo(GinkgoT().TempDir())).To(Succeed())
		records := randomRecords(4 * chunkRows)
		gaps := 0
		for _, r := range records {
			end := r.TimestampNS + clock.WallNS(r.Responses[len(r.Responses)-1].PerfNS-r.StartPerfNS)
			gaps += len(r.Responses) - 1
			st.Append(Row{Phase: "profiling", StartNS: r.TimestampNS, EndNS: end, CreditIssuedNS: r.TimestampNS - 50_000}, s.AppendValues(nil, r))
		}
		memory, files := st.Bytes()
		l := st.lists[interChunkLatency.id]
		Expect(files + int64(len(l.tail))).To(BeEquivalentTo(4 * gaps))
		perRow := float64(st.packed) / float64(st.Len())
		AddReportEntry("bytes per row", perRow)
		Expect(perRow).To(BeNumerically("<", 120))
		Expect(memory).To(BeNumerically("<", st.packed+6<<20), "open chunks and one block of lists")
	})
})
