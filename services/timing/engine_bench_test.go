package timing

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/plugins"
)

// echo is a sink whose workers have answered before they are asked.
type echo struct {
	returns map[string][]messages.CreditReturn
}

func (s *echo) credits(id string, credits []messages.Credit) {
	for i := range credits {
		s.returns[id] = append(s.returns[id], messages.CreditReturn{CreditKey: credits[i].CreditKey, RecordEmitted: true})
	}
}
func (s *echo) cancel(string, [][2]int64)            {}
func (s *echo) publish(messages.Message)             {}
func (s *echo) sendRecords(messages.Message)         {}
func (s *echo) finished(m *messages.CreditsComplete) {}

// newEcho is an engine on an echo, with one phase that is about to start.
func newEcho(phase config.Phase, newID func() string) (*engine, *echo, error) {
	out := &echo{returns: map[string][]messages.CreditReturn{}}
	workers := []string{"w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"}
	e := newEngine(quickSettings, out, slog.New(slog.DiscardHandler), wallOf, newID, workers)
	phase.Name, phase.Kind = "profiling", config.KindProfiling
	run := &config.Run{}
	run.Benchmark.Phases, run.Benchmark.Dataset.Sampling = []config.Phase{phase}, "sequential"
	l, err := newLoad(run, plugins.Builtin(), singleTurns(1000), false)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range workers {
		e.workerReady(epoch, id)
	}
	return e, out, errors.Join(e.configure(l), e.start())
}

// turn runs the engine for a millisecond: everything that was issued comes back.
func (s *echo) turn(e *engine, now clock.MonoNS) {
	for wake := clock.MonoNS(0); wake <= now && !e.done; {
		wake = e.advance(now)
	}
	for id, r := range s.returns {
		s.returns[id] = r[:0]
		e.takeReturns(now, id, r)
	}
}

// BenchmarkIssue is the life of a credit inside the engine: tick or slot, number,
// route, batch, return. The session's id is the only garbage.
func BenchmarkIssue(b *testing.B) {
	for name, phase := range map[string]config.Phase{
		"open loop":   {Type: config.TypeConstant, RatePerSec: ptr(10000.0)},
		"closed loop": {Type: config.TypeConcurrency, Concurrency: ptr(256)},
	} {
		b.Run(name, func(b *testing.B) {
			phase.Requests = ptr(b.N)
			e, out, err := newEcho(phase, uuid.NewString)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for now := epoch; !e.done; now = now.Add(time.Millisecond) {
				out.turn(e, now)
			}
		})
	}
}

var _ = Describe("the budget of a credit", func() {
	It("is no allocation beyond the session's id", func() {
		e, out, err := newEcho(config.Phase{Type: config.TypeConstant, RatePerSec: ptr(10000.0), DurationSec: ptr(3600.0)}, func() string { return "id" })
		Expect(err).NotTo(HaveOccurred())
		now := epoch
		turn := func() {
			now = now.Add(time.Millisecond)
			out.turn(e, now)
		}
		for range 200 {
			turn() // until every list has its size
		}
		before := e.phases[0].stats.RequestsSent
		perTurn := testing.AllocsPerRun(500, turn)
		Expect(e.phases[0].stats.RequestsSent - before).To(BeNumerically("~", 5010, 20))
		Expect(perTurn).To(BeNumerically("<", 1), "10 credits each")
	})
})
