package clock

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("the clocks", func() {
	It("never go backwards", func() {
		last := Now()
		for range 10000 {
			now := Now()
			Expect(now).To(BeNumerically(">=", last))
			last = now
		}
	})

	It("agree with the host's monotonic clock, which other processes read", func() {
		before := readHostMonotonic()
		ours := Now()
		after := readHostMonotonic()
		// Joined once at start, by readings that took a moment each.
		const slack = MonoNS(time.Millisecond)
		Expect(ours).To(And(BeNumerically(">=", before-slack), BeNumerically("<=", after+slack)))
	})

	It("are joined by an anchor that maps both ways", func() {
		a := Anchor{Wall: 1_735_689_600_000_000_000, Mono: 5_000}
		Expect(a.WallAt(7_000)).To(Equal(WallNS(1_735_689_600_000_002_000)))
		Expect(a.MonoAt(a.WallAt(123))).To(Equal(MonoNS(123)))
		Expect(MonoOf(WallOf(Now()))).To(BeNumerically("~", Now(), MonoNS(time.Minute)))
	})
})

var _ = Describe("an alarm", func() {
	var alarm *Alarm
	ctx := context.Background()

	BeforeEach(func() {
		var err error
		alarm, err = NewAlarm()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(alarm.Close)
	})

	It("never wakes anybody early, however many wait", func() {
		rng := rand.New(rand.NewPCG(1, 2))
		var wg sync.WaitGroup
		early := make(chan time.Duration, 500)
		for range 500 {
			due := Now().Add(time.Duration(rng.IntN(20_000)) * time.Microsecond)
			wg.Go(func() {
				if err := alarm.WaitUntil(ctx, due); err != nil {
					early <- -1
				} else if now := Now(); now < due {
					early <- due.Sub(now)
				}
			})
		}
		wg.Wait()
		Expect(early).To(BeEmpty())
	})

	It("wakes for an earlier instant while it sleeps for a later one", func() {
		late := make(chan error, 1)
		waiting, stop := context.WithCancel(ctx)
		go func() { late <- alarm.WaitUntil(waiting, Now().Add(time.Hour)) }()
		Eventually(func() int { alarm.mu.Lock(); defer alarm.mu.Unlock(); return len(alarm.queue) }).Should(Equal(1))
		Expect(alarm.WaitUntil(ctx, Now().Add(time.Millisecond))).To(Succeed())
		stop()
		Eventually(late).Should(Receive(MatchError(context.Canceled)))
		Expect(alarm.queue).To(BeEmpty(), "who gave up waits no more")
	})

	It("returns at once for an instant that has passed, and tells of an ended context", func() {
		Expect(alarm.WaitUntil(ctx, Now()-1)).To(Succeed())
		ended, cancel := context.WithCancelCause(ctx)
		cancel(errors.New("enough"))
		Expect(alarm.WaitUntil(ended, Now()-1)).To(MatchError(context.Canceled))
	})

	It("lets everybody go when it is closed, twice if need be", func() {
		woken := make(chan error, 1)
		go func() { woken <- alarm.WaitUntil(ctx, Now().Add(time.Hour)) }()
		Eventually(func() int { alarm.mu.Lock(); defer alarm.mu.Unlock(); return len(alarm.queue) }).Should(Equal(1))
		alarm.Close()
		alarm.Close()
		Eventually(woken).Should(Receive())
		Expect(alarm.WaitUntil(ctx, Now().Add(time.Hour))).To(MatchError(context.Canceled))
	})
})

func BenchmarkNow(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = Now()
	}
}

var _ = It("an alarm learns, within bounds, how far ahead it has to wake", func() {
	a := &Alarm{}
	for range 10_000 {
		a.learn(false)
	}
	Expect(a.ahead.Load()).To(BeEquivalentTo(maxLead))
	a.learn(true)
	Expect(a.ahead.Load()).To(BeEquivalentTo(maxLead - leadDown))
	for range 10_000 {
		a.learn(true)
	}
	Expect(a.ahead.Load()).To(BeZero())
})

// BenchmarkAlarm reports how late a waiter wakes, in nanoseconds, beside the time of
// a round.
func BenchmarkAlarm(b *testing.B) {
	alarm, err := NewAlarm()
	if err != nil {
		b.Fatal(err)
	}
	defer alarm.Close()
	b.ReportAllocs()
	var late time.Duration
	n := 0
	for b.Loop() {
		due := Now().Add(200 * time.Microsecond)
		_ = alarm.WaitUntil(context.Background(), due)
		late += Now().Sub(due)
		n++
	}
	b.ReportMetric(float64(late.Nanoseconds())/float64(n), "late-ns/op")
}

var _ = Describe("plain timers", func() {
	It("wait like an alarm", func() {
		ctx, cancel := context.WithCancel(context.Background())
		due := Now().Add(time.Millisecond)
		Expect(Timers{}.WaitUntil(ctx, due)).To(Succeed())
		Expect(Now()).To(BeNumerically(">=", due), "never early")
		Expect(Timers{}.WaitUntil(ctx, Now().Add(-time.Hour))).To(Succeed())
		cancel()
		Expect(Timers{}.WaitUntil(ctx, Now().Add(time.Hour))).To(MatchError(context.Canceled))
	})
})
