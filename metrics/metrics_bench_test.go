package metrics

import (
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

var _ = Describe("the budget of hot paths", func() {
	It("has one allocation per record, for the list of gaps", func() {
		s, r := NewSet(chatStreaming), randomRecords(1)[0]
		values := s.AppendValues(nil, r)
		Expect(testing.AllocsPerRun(100, func() { values = s.AppendValues(values[:0], r) })).To(BeNumerically("<=", 1))
		r.Responses = r.Responses[:1]
		Expect(testing.AllocsPerRun(100, func() { values = s.AppendValues(values[:0], r) })).To(BeNumerically("<", 1))
	})
})

func BenchmarkAppendValues(b *testing.B) {
	s, records := NewSet(chatStreaming), randomRecords(64)
	var values []Value
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		values = s.AppendValues(values[:0], records[i%len(records)])
	}
}

func BenchmarkStoreAppend(b *testing.B) {
	s := NewSet(chatStreaming)
	r := randomRecords(1)[0]
	values := s.AppendValues(nil, r)
	row := Row{Phase: "profiling", StartNS: epoch, EndNS: epoch + 5}
	st := s.NewStore()
	b.ReportAllocs()
	for b.Loop() {
		if st.Len() == 1<<20 {
			st = s.NewStore()
		}
		st.Append(row, values)
	}
}

func BenchmarkSummarise(b *testing.B) {
	s := NewSet(chatStreaming)
	st := s.NewStore()
	for _, r := range randomRecords(20_000) {
		end := r.TimestampNS + clock.WallNS(r.Responses[len(r.Responses)-1].PerfNS-r.StartPerfNS)
		st.Append(Row{Phase: "profiling", StartNS: r.TimestampNS, EndNS: end, CreditIssuedNS: r.TimestampNS - 9}, s.AppendValues(nil, r))
	}
	b.ReportAllocs()
	for b.Loop() {
		st.Summarise(Selection{Phase: "profiling"})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(st.Len()), "ns/row")
}

func BenchmarkParseUsage(b *testing.B) {
	raw := []byte(`{"prompt_tokens": 82, "completion_tokens": 20, "total_tokens": 102, "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": null}`)
	b.ReportAllocs()
	for b.Loop() {
		ParseUsage(raw)
	}
}

func BenchmarkSortFloats(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, n := range map[string]int{"1k": 1024, "4k": 4096, "100k": 100_000} {
		source := make([]float64, n)
		for i := range source {
			source[i] = float64(r.Int64N(1e9))
		}
		x := make([]float64, n)
		b.Run("digits/"+name, func(b *testing.B) {
			for b.Loop() {
				copy(x, source)
				radixSort(x, orderedBits)
			}
		})
		b.Run("compare/"+name, func(b *testing.B) {
			for b.Loop() {
				copy(x, source)
				slices.Sort(x)
			}
		})
	}
}
