package metrics

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

var _ = Describe("a live summary", func() {
	It("is the final one but for what needs the whole run, its percentiles within 1 %", func() {
		s := NewSet(chatStreaming)
		st, lives := s.NewStore(), []*Live{s.NewLive(), s.NewLive()}
		for i, r := range randomRecords(3000) {
			end := r.TimestampNS + clock.WallNS(r.Responses[len(r.Responses)-1].PerfNS-r.StartPerfNS)
			row := Row{Phase: "profiling", PhaseIndex: i % 2, StartNS: r.TimestampNS, EndNS: end, Failed: i%10 == 0, Cancelled: i%25 == 0}
			r.Failed, r.Cancelled = row.Failed, row.Cancelled
			values := s.AppendValues(nil, r)
			st.Append(row, values)
			lives[i%2].Add(row, values)
		}
		got, want := byTagOf(s.SummariseLive(lives)), profiling(st)
		Expect(got).To(HaveKey("request_throughput"))
		Expect(got).To(HaveKey("inter_token_latency"))
		Expect(got).To(HaveKey("error_request_count"))
		Expect(got).To(HaveKey("request_error_rate"))
		for tag, live := range got {
			final := want[tag]
			Expect(final.Tag).To(Equal(tag))
			Expect(live.Unit).To(Equal(final.Unit))
			for _, p := range []struct {
				got, want *float64
				within    float64
			}{
				{live.Avg, final.Avg, 1e-9}, {live.Min, final.Min, 0}, {live.Max, final.Max, 0}, {live.Std, final.Std, 1e-6}, {live.Sum, final.Sum, 1e-9},
				{live.P1, final.P1, 0.011}, {live.P50, final.P50, 0.011}, {live.P90, final.P90, 0.011}, {live.P99, final.P99, 0.011},
			} {
				Expect(p.got == nil).To(Equal(p.want == nil), tag)
				if p.got == nil {
					continue
				}
				within := p.within*max(1, *p.want, -*p.want) + 1e-12
				if final.Unit == "tokens" && p.within > 1e-3 {
					within++ // between two counts there is nothing to find
				}
				Expect(*p.got).To(BeNumerically("~", *p.want, within), tag)
			}
		}
		Expect(lives[0].counts).NotTo(Equal([outcomes]float64{}), "looking at it changes nothing")
		Expect(s.SummariseLive(lives)).To(Equal(s.SummariseLive(lives)))
	})

	It("is empty without a request", func() {
		s := NewSet(chatStreaming)
		Expect(s.SummariseLive(nil)).To(BeEmpty())
		Expect(s.SummariseLive([]*Live{s.NewLive()})).To(BeEmpty())
	})

	It("knows failures alone", func() {
		s := NewSet(chatStreaming)
		l := s.NewLive()
		l.Add(Row{Failed: true}, nil)
		got := byTagOf(s.SummariseLive([]*Live{l}))
		Expect(*got["error_request_count"].Avg).To(Equal(1.0))
		Expect(got).NotTo(HaveKey("request_throughput"))
	})
})

func BenchmarkLiveAdd(b *testing.B) {
	s := NewSet(chatStreaming)
	l, values := s.NewLive(), s.AppendValues(nil, randomRecords(1)[0])
	row := Row{StartNS: epoch, EndNS: epoch + 5}
	b.ReportAllocs()
	for b.Loop() {
		l.Add(row, values)
	}
	b.ReportMetric(float64(len(values)), "values")
}
