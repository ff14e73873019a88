package timing

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
)

// handClock is a waiter whose time is moved by hand.
type handClock struct {
	mu      sync.Mutex
	now     clock.MonoNS
	waiting map[chan struct{}]clock.MonoNS
	asked   []clock.MonoNS
}

func newHandClock() *handClock {
	return &handClock{now: epoch, waiting: map[chan struct{}]clock.MonoNS{}}
}

func (h *handClock) Now() clock.MonoNS {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *handClock) WaitUntil(ctx context.Context, due clock.MonoNS) error {
	h.mu.Lock()
	h.asked = append(h.asked, due)
	if due <= h.now {
		h.mu.Unlock()
		return ctx.Err()
	}
	ch := make(chan struct{})
	h.waiting[ch] = due
	h.mu.Unlock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		h.mu.Lock()
		delete(h.waiting, ch)
		h.mu.Unlock()
		return ctx.Err()
	}
}

// waitsFor tells which instants are waited for.
func (h *handClock) waitsFor() []clock.MonoNS {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []clock.MonoNS
	for _, due := range h.waiting {
		out = append(out, due)
	}
	return out
}

func (h *handClock) moveTo(at clock.MonoNS) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = at
	for ch, due := range h.waiting {
		if due <= at {
			close(ch)
			delete(h.waiting, ch)
		}
	}
}

var _ = Describe("the sleeper", func() {
	It("fires at the instant, takes an earlier one instead, and leaves a later one alone", func() {
		h := newHandClock()
		s := newSleeper(h)
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { s.run(ctx) })
		s.wakeAt(epoch + 100)
		Eventually(h.waitsFor).Should(Equal([]clock.MonoNS{epoch + 100}))
		s.wakeAt(epoch + 200)
		s.wakeAt(epoch + 50)
		Eventually(h.waitsFor).Should(Equal([]clock.MonoNS{epoch + 50}))
		Expect(s.fired).NotTo(Receive())
		h.moveTo(epoch + 50)
		Eventually(s.fired).Should(Receive())
		Eventually(h.waitsFor).Should(BeEmpty())
		s.wakeAt(epoch + 60)
		Eventually(h.waitsFor).Should(Equal([]clock.MonoNS{epoch + 60}))
		s.wakeAt(epoch + 10) // in the past already
		Eventually(s.fired).Should(Receive())
		cancel()
		wg.Wait()
		Expect(h.waitsFor()).To(BeEmpty())
	})
})

var _ = Describe("the loop", func() {
	start := func(l *loop) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { l.run(ctx) })
		return func() {
			cancel()
			wg.Wait()
		}
	}

	It("runs an engine on events and instants alone", func() {
		h := newHandClock()
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConstant, RatePerSec: ptr(100.0), Requests: ptr(3)})}})
		l := newLoop(w.e, h.Now, h)
		stop := start(l)
		defer stop()
		sent := func() int {
			n := 0
			Expect(l.ask(context.Background(), func(*engine, clock.MonoNS) error { n = len(w.sent); return nil })).To(Succeed())
			return n
		}
		for i := range 3 {
			due := epoch.Add(time.Duration(i+1)*10*time.Millisecond - 5*time.Millisecond)
			Eventually(h.waitsFor).Should(Equal([]clock.MonoNS{due}))
			Expect(sent()).To(Equal(i))
			h.moveTo(due)
			Eventually(sent).Should(Equal(i + 1))
		}
		Expect(l.ask(context.Background(), func(e *engine, now clock.MonoNS) error {
			for _, d := range w.sent {
				w.finish(w.workers[d.worker], w.workers[d.worker].open[d.CreditKey], okReturn)
			}
			for len(w.events) > 0 {
				fn := w.events[0].fn
				w.events.popFirst()
				fn()
			}
			return nil
		})).To(Succeed())
		Eventually(l.finished).Should(BeClosed())
		Expect(w.complete.Error).To(BeNil())
	})

	It("gives a run up whose phase cannot be finished, and says so", func() {
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(10)})}})
		w.e.wallOf = func(clock.MonoNS) clock.WallNS { panic("no clock") }
		h := newHandClock()
		l := newLoop(w.e, h.Now, h)
		stop := start(l)
		defer stop()
		Eventually(l.finished).Should(BeClosed())
		Expect(w.complete.Error.Message).To(ContainSubstring("no clock"))
	})

	It("answers nobody after its end", func() {
		l := newLoop(newEngine(quickSettings, &world{}, slog.New(slog.DiscardHandler), wallOf, nil, nil), newHandClock().Now, newHandClock())
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New("the service stops"))
		for range inboxSize {
			l.inbox <- func(*engine, clock.MonoNS) {}
		}
		Expect(l.ask(ctx, func(*engine, clock.MonoNS) error { return nil })).To(MatchError("the service stops"))
	})
})

var _ = Describe("an engine", func() {
	It("starts once, and only when it is configured", func() {
		e := newEngine(quickSettings, &world{}, slog.New(slog.DiscardHandler), wallOf, nil, nil)
		Expect(e.start()).To(MatchError("start profiling: not configured"))
		w := newWorld(scenario{phases: []config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(1)})}})
		Expect(w.e.start()).To(MatchError("start profiling: already started"))
	})

	DescribeTable("refuses a dataset that cannot be sent", func(data turnsOf, want string) {
		e := newEngine(quickSettings, &world{}, slog.New(slog.DiscardHandler), wallOf, nil, nil)
		Expect(e.configure(load{conversations: data})).To(MatchError(ContainSubstring(want)))
	},
		Entry("nothing in it", turnsOf{}, "no conversation"),
		Entry("a conversation without turns", turnsOf{turns: []int{1, 0}}, "conv-1 has no turn"),
	)
})
