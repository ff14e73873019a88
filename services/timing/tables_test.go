package timing

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

var _ = DescribeTable("the stop rule", func(r stopRule, s sent, due clock.MonoNS, turn, session, last bool) {
	if r.end == 0 {
		r.end = never
	}
	Expect(r.allowsTurn(s, due)).To(Equal(turn), "another turn")
	Expect(r.allowsSession(s, due)).To(Equal(session), "a new session")
	Expect(r.reached(s)).To(Equal(last), "the caps are used up")
},
	Entry("no cap allows everything", stopRule{}, sent{1e9, 1e9, 1e9, 1e9}, clock.MonoNS(1), true, true, false),
	Entry("below the request cap", stopRule{requests: 10}, sent{9, 9, 9, 9}, clock.MonoNS(1), true, true, false),
	Entry("the request cap cuts sessions", stopRule{requests: 10}, sent{10, 10, 4, 12}, clock.MonoNS(1), false, false, true),
	Entry("the session cap stops new sessions only", stopRule{sessions: 4}, sent{9, 9, 4, 12}, clock.MonoNS(1), true, false, false),
	Entry("the session cap is used up with the last turn", stopRule{sessions: 4}, sent{12, 12, 4, 12}, clock.MonoNS(1), false, false, true),
	Entry("a session that may still start keeps the phase going", stopRule{sessions: 4}, sent{9, 9, 3, 9}, clock.MonoNS(1), true, true, false),
	Entry("just before the end", stopRule{end: 100}, sent{}, clock.MonoNS(99), true, true, false),
	Entry("nothing is due at the end", stopRule{end: 100}, sent{}, clock.MonoNS(100), false, false, false),
	Entry("requests of children count for the request cap", stopRule{requests: 10, sessions: 4}, sent{10, 3, 4, 12}, clock.MonoNS(1), false, false, true),
	Entry("but not for the session cap", stopRule{sessions: 4}, sent{30, 9, 4, 12}, clock.MonoNS(1), true, false, false),
	Entry("the first of several counts: requests", stopRule{requests: 5, sessions: 9, end: 100}, sent{5, 5, 5, 5}, clock.MonoNS(1), false, false, true),
	Entry("the first of several counts: sessions", stopRule{requests: 50, sessions: 5, end: 100}, sent{5, 5, 5, 5}, clock.MonoNS(1), false, false, true),
	Entry("the first of several counts: duration", stopRule{requests: 50, sessions: 50, end: 100}, sent{5, 5, 5, 5}, clock.MonoNS(100), false, false, false),
)

var _ = DescribeTable("choosing among equally loaded workers", func(tied []*worker, want string) {
	Expect(leastBusy(tied).id).To(Equal(want))
},
	Entry("a lone worker gets it, however busy", []*worker{{id: "a", activeSessions: 9, virtualSent: 9}}, "a"),
	Entry("fewest sessions win", []*worker{{id: "a", activeSessions: 4}, {id: "b", activeSessions: 1, virtualSent: 99}}, "b"),
	Entry("then fewest credits so far", []*worker{{id: "a", virtualSent: 5, lastSent: 1}, {id: "b", virtualSent: 4, lastSent: 9}}, "b"),
	Entry("then the longest idle", []*worker{{id: "a", lastSent: 7}, {id: "b", lastSent: 3}}, "b"),
	Entry("then the name", []*worker{{id: "b"}, {id: "a"}}, "a"),
)

var _ = Describe("the router", func() {
	It("gives to the least loaded, and follows the load in both directions", func() {
		r := newRouter()
		for _, id := range []string{"a", "b", "c"} {
			Expect(r.join(id, 1)).To(BeTrue())
		}
		s := &session{}
		for i := range 9 {
			r.charge(r.choose(s), clock.MonoNS(i+2))
		}
		for _, w := range r.workers {
			Expect(w.load).To(Equal(3))
		}
		r.release(r.workers["b"])
		Expect(r.choose(s).id).To(Equal("b"))
		for range 3 {
			r.release(r.workers["c"])
		}
		Expect(r.choose(s).id).To(Equal("c"))
	})

	It("agrees with looking at every worker, whatever happens", func() {
		rng := newRand(7)
		r := newRouter()
		at := clock.MonoNS(0)
		ids := []string{"a", "b", "c", "d", "e"}
		for range 20000 {
			at++
			id := ids[rng.IntN(len(ids))]
			w := r.workers[id]
			switch rng.IntN(10) {
			case 0:
				r.join(id, at)
			case 1:
				r.pause(id)
			case 2, 3, 4:
				if w != nil && w.load > 0 {
					r.release(w)
				}
			default:
				if c := r.choose(&session{}); c != nil {
					r.charge(c, at)
				}
			}
			var best *worker
			for _, w := range r.workers {
				if w.pooled && (best == nil || w.load < best.load || w.load == best.load && lessBusy(w, best)) {
					best = w
				}
			}
			Expect(r.choose(&session{}) == best).To(BeTrue())
		}
	})

	It("keeps a session with its worker, even when another is idle", func() {
		r := newRouter()
		r.join("a", 1)
		r.join("b", 1)
		s := &session{}
		a := r.workers["a"]
		r.stick(s, a)
		for range 5 {
			r.charge(a, 2)
		}
		Expect(r.choose(s)).To(Equal(a))
		r.unstick(s)
		Expect(a.activeSessions).To(BeZero())
		Expect(r.choose(s).id).To(Equal("b"))
	})

	It("starts a late joiner at the others' average", func() {
		r := newRouter()
		r.join("a", 1)
		for range 11 {
			r.charge(r.workers["a"], 1)
		}
		r.join("b", 5)
		Expect(r.workers["b"].virtualSent).To(BeEquivalentTo(11))
		Expect(r.workers["b"].lastSent).To(BeEquivalentTo(5))
	})

	It("never takes back an id that was lost", func() {
		r := newRouter()
		r.join("a", 1)
		Expect(r.remove("a")).NotTo(BeNil())
		Expect(r.join("a", 2)).To(BeFalse())
		Expect(r.choose(&session{})).To(BeNil())
		Expect(r.remove("never seen")).To(BeNil())
	})
})

// listed is a pattern of given moments.
type listed struct {
	moments []time.Duration
	n       int
}

func (l *listed) Next() time.Duration {
	d := l.moments[min(l.n, len(l.moments)-1)]
	l.n++
	return d
}

var _ = DescribeTable("a tick that is looked at late", func(catchUp, late, wantShift time.Duration, wantMoved int64) {
	s := newSchedule(&listed{moments: []time.Duration{10e6, 20e6, 30e6}}, epoch, catchUp)
	target, moved := s.take(epoch.Add(10e6 + late))
	Expect(target).To(Equal(epoch.Add(10e6 + wantShift)))
	Expect(moved).To(Equal(wantMoved == 1))
	Expect(s.reanchors).To(Equal(wantMoved))
	Expect(s.peek()).To(Equal(epoch.Add(20e6+wantShift)), "later ticks keep their distance")
},
	Entry("in time", 10*time.Millisecond, -5*time.Millisecond, time.Duration(0), int64(0)),
	Entry("late within the window is made up for", 10*time.Millisecond, 10*time.Millisecond, time.Duration(0), int64(0)),
	Entry("later than the window moves the line", 10*time.Millisecond, 11*time.Millisecond, 11*time.Millisecond, int64(1)),
	Entry("a window of 0 forbids any burst", time.Duration(0), time.Nanosecond, time.Nanosecond, int64(1)),
)

var _ = Describe("a schedule", func() {
	It("does not run backwards with a pattern that does", func() {
		s := newSchedule(&listed{moments: []time.Duration{-5, 20, 10}}, epoch, time.Second)
		var targets []clock.MonoNS
		for range 3 {
			t, _ := s.take(epoch)
			targets = append(targets, t)
		}
		Expect(targets).To(Equal([]clock.MonoNS{epoch, epoch + 20, epoch + 20}))
	})
})

var _ = DescribeTable("ids as ranges", func(ids []int64, want [][2]int64) {
	var r idRanges
	for _, id := range ids {
		r.add(id)
	}
	Expect(r.merged()).To(Equal(want))
},
	Entry("none", []int64{}, nil),
	Entry("one", []int64{3}, [][2]int64{{3, 3}}),
	Entry("in order", []int64{3, 4, 5, 9}, [][2]int64{{3, 5}, {9, 9}}),
	Entry("out of order", []int64{9, 3, 5, 4, 8}, [][2]int64{{3, 5}, {8, 9}}),
)

var _ = Describe("session slots", func() {
	It("count without a limit, for the phase that follows", func() {
		all := 0
		s, next := slots{all: &all}, slots{limit: 1000, all: &all}
		for range 1000 {
			Expect(s.free()).To(BeTrue())
			s.take()
		}
		Expect(s.held).To(Equal(1000))
		Expect(next.free()).To(BeFalse())
		s.giveAll()
		Expect(next.free()).To(BeTrue())
	})
	It("refuse to be given back twice", func() {
		s := slots{limit: 1, all: new(int)}
		s.take()
		Expect(s.free()).To(BeFalse())
		s.give()
		Expect(s.free()).To(BeTrue())
		Expect(s.give).To(Panic())
	})
})

var _ = Describe("continuations", func() {
	It("come by instant, then by arrival, without those that ended", func() {
		var c continuations
		a, b, d, e := &session{id: "a"}, &session{id: "b"}, &session{id: "d"}, &session{id: "e"}
		c.push(a, 20)
		c.push(b, 10)
		c.push(d, 20)
		c.push(e, 5)
		e.ended = true
		Expect(c.nextReady()).To(BeEquivalentTo(10))
		Expect(c.first(9)).To(BeNil())
		var order []string
		for s := c.first(100); s != nil; s = c.first(100) {
			order = append(order, s.id)
			c.pop()
		}
		Expect(order).To(Equal([]string{"b", "a", "d"}))
		Expect(c.nextReady()).To(Equal(never))
	})
})
