package metrics

import (
	"math/rand/v2"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

var _ = Describe("the load over time", func() {
	const s = clock.WallNS(1e9)

	It("counts each request where it was due, started and ended", func() {
		var l LoadCounter
		Expect(l.Series()).To(BeNil())
		l.Begin(epoch)
		l.Add(LoadEvent{DueNS: epoch + s/2, StartNS: epoch + s/2, EndNS: epoch + 2*s + s/2})
		l.Add(LoadEvent{DueNS: epoch + s - 1, StartNS: epoch + s, EndNS: epoch + s + 1, Failed: true})
		l.Add(LoadEvent{DueNS: epoch + 3*s, StartNS: epoch + 3*s, EndNS: epoch + 3*s + 1, Cancelled: true})
		l.Lost(epoch+2*s, 4)
		Expect(l.Series()).To(Equal(&LoadSeries{
			StartNS: epoch, BucketS: 1,
			Asked: []int64{2, 0, 4, 1}, Sent: []int64{1, 1, 0, 1}, InFlight: []int64{1, 1, 0, 0},
			Completed: []int64{0, 0, 1, 0}, Errors: []int64{0, 1, 0, 0}, Cancelled: []int64{0, 0, 0, 1},
		}))
	})

	It("loses nothing when its buckets grow wider, and keeps within its bound", func() {
		r := rand.New(rand.NewPCG(1, 2))
		var l LoadCounter
		l.Begin(epoch)
		const n = 20000
		for range n {
			at := epoch + clock.WallNS(r.Int64N(100*3600))*s
			l.Add(LoadEvent{DueNS: at, StartNS: at, EndNS: at + clock.WallNS(r.Int64N(int64(60*s)))})
		}
		got := l.Series()
		Expect(len(got.Sent)).To(And(BeNumerically("<=", loadBuckets), BeNumerically(">", loadBuckets/2)))
		Expect(got.BucketS).To(BeEquivalentTo(64))
		sum := func(v []int64) (total int64) {
			for _, x := range v {
				total += x
			}
			return total
		}
		Expect([]int64{sum(got.Asked), sum(got.Sent), sum(got.Completed)}).To(Equal([]int64{n, n, n}))
		Expect(got.InFlight[len(got.InFlight)-1]).To(BeZero())
		for _, v := range got.InFlight {
			Expect(v).To(BeNumerically(">=", 0))
		}
	})

	It("does not grow for what makes no sense", func() {
		var l LoadCounter
		l.Add(LoadEvent{})
		Expect(l.Series()).To(BeNil())
		l.Begin(epoch)
		l.Add(LoadEvent{DueNS: epoch - 5*s, StartNS: epoch, EndNS: 1 << 62})
		Expect(len(l.Series().Sent)).To(BeNumerically("<=", loadBuckets))
	})
})

var _ = Describe("the time to first token by turn", func() {
	It("is there for sessions of several turns, in ms", func() {
		var t TurnCounter
		t.Add(0, 10e6)
		t.Add(0, 30e6)
		Expect(t.Latencies()).To(BeEmpty(), "one turn is the metric itself")
		t.Add(2, 50e6)
		t.Add(turnsKept+100, 90e6)
		got := t.Latencies()
		Expect(got).To(HaveLen(3))
		Expect(got[0].TurnIndex).To(BeZero())
		Expect(*got[0].Avg).To(BeEquivalentTo(20))
		Expect(*got[0].Count).To(BeEquivalentTo(2))
		Expect(got[1].TurnIndex).To(Equal(2))
		Expect(got[2].TurnIndex).To(Equal(turnsKept - 1))
	})
})

func BenchmarkLoadCounter(b *testing.B) {
	var l LoadCounter
	l.Begin(epoch)
	b.ReportAllocs()
	for i := range b.N {
		at := epoch + clock.WallNS(i)*1e5
		l.Add(LoadEvent{DueNS: at, StartNS: at, EndNS: at + 1e9})
	}
}
