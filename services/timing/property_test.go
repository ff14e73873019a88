package timing

import (
	"fmt"
	"math/rand/v2"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"aiperf/config"
	"aiperf/messages"
)

// chaos is a random run: any load shape, any number of turns, and workers that are
// slow, fail, cancel, repeat themselves, leave, die and ignore what they are told.
type chaos struct {
	rng    *rand.Rand
	w      *world
	phases []config.Phase
}

func (c *chaos) maybe(oneIn int) bool { return c.rng.IntN(oneIn) == 0 }

func (c *chaos) phase(kind string) config.Phase {
	p := config.Phase{Type: config.TypeConcurrency, GracePeriodSec: float64(c.rng.IntN(3)), GraceInfinite: c.maybe(4)}
	if c.maybe(2) {
		p.Type = []string{config.TypeConstant, config.TypePoisson}[c.rng.IntN(2)]
		p.RatePerSec = ptr(10 + 2000*c.rng.Float64())
	}
	if p.RatePerSec == nil || c.maybe(2) {
		p.Concurrency = ptr(1 + c.rng.IntN(20))
	}
	stops := c.rng.IntN(7) + 1
	if stops&1 != 0 {
		p.Requests = ptr(1 + c.rng.IntN(300))
	}
	if stops&2 != 0 {
		p.Sessions = ptr(1 + c.rng.IntN(100))
	}
	if stops&4 != 0 {
		p.DurationSec = ptr(0.05 + 2*c.rng.Float64())
	}
	p.Seamless = len(c.phases) > 0 && c.maybe(2)
	if kind == config.KindWarmup {
		p = warmup(p)
	} else {
		p = profiling(p)
	}
	p.Name = fmt.Sprintf("%s_%d", kind, len(c.phases))
	return p
}

func newChaos(seed uint64) *chaos { return newChaosOf(seed, false) }

func newChaosOf(seed uint64, branching bool) *chaos {
	c := &chaos{rng: newRand(seed)}
	if c.maybe(2) {
		c.phases = append(c.phases, c.phase(config.KindWarmup))
	}
	c.phases = append(c.phases, c.phase(config.KindProfiling))
	for c.maybe(3) { // more windows, and a cool-down behind them
		kind := config.KindProfiling
		if c.maybe(2) {
			kind = config.KindWarmup
		}
		c.phases = append(c.phases, c.phase(kind))
	}
	data := turnsOf{turns: make([]int, 1+c.rng.IntN(20)), delayMS: float64(c.rng.IntN(2) * c.rng.IntN(50))}
	most := 1 + c.rng.IntN(2)*c.rng.IntN(6)
	for i := range data.turns {
		data.turns[i] = 1 + c.rng.IntN(most)
	}
	if branching {
		data.turns = append(data.turns, 1)
		delay := data.delayMS
		data = randomGraph(c.rng, data.turns)
		data.delayMS = delay
	}
	s := scenario{phases: c.phases, data: data, seed: seed, migrate: c.maybe(2), urls: c.rng.IntN(4), settings: quickSettings}
	s.settings.lead = time.Duration(c.rng.IntN(3)) * 5 * time.Millisecond
	s.settings.drainTimeout = time.Second
	s.settings.failFast = branching && c.maybe(2)
	for i := range 1 + c.rng.IntN(4) {
		s.workers = append(s.workers, fmt.Sprintf("worker_%d", i))
	}
	c.w = newWorld(s)
	c.w.service = func(messages.Credit) time.Duration {
		return time.Duration(c.rng.ExpFloat64() * float64(30*time.Millisecond))
	}
	c.w.outcome = func(messages.Credit) string {
		if c.maybe(10) {
			return "500 Internal Server Error"
		}
		return ""
	}
	c.w.check = c.invariants
	for _, id := range s.workers {
		c.spoil(c.w.workers[id])
	}
	c.accidents(s.workers)
	return c
}

// spoil gives a worker bad habits.
func (c *chaos) spoil(f *fakeWorker) {
	f.deaf = c.maybe(5)
	f.returns = func(w *world, f *fakeWorker, r messages.CreditReturn) {
		if !r.Cancelled && c.maybe(30) {
			r.Cancelled, r.RecordEmitted, r.Error = true, c.maybe(2), ""
		}
		if !r.Cancelled && c.maybe(50) {
			r.RecordEmitted = false
		}
		if r.RecordEmitted {
			c.w.real[r.CreditKey] = true
		}
		w.after(time.Duration(c.rng.IntN(2000))*time.Microsecond, func() { w.deliver(f, r) })
		if c.maybe(20) { // says it twice, the second time possibly much later
			w.after(time.Duration(c.rng.IntN(300))*time.Millisecond, func() { w.deliver(f, r) })
		}
	}
}

// accidents happen to the workers, and to the run.
func (c *chaos) accidents(workers []string) {
	for i, id := range workers {
		at := time.Duration(c.rng.IntN(800)) * time.Millisecond
		switch c.rng.IntN(6) {
		case 0:
			replacement := ""
			if c.maybe(2) {
				replacement = fmt.Sprintf("worker_new_%d", i)
			}
			c.w.at(at, func() { c.w.kill(id, replacement) })
		case 1:
			c.w.at(at, func() { c.w.e.workerPaused(c.w.now, id, "resting") })
			c.w.at(at+100*time.Millisecond, func() { c.w.e.workerReady(c.w.now, id) })
		case 2:
			c.w.at(at, func() { c.w.e.workerPaused(c.w.now, id, "leaving") })
			c.w.at(at+30*time.Millisecond, func() {
				c.w.workers[id].dead = true
				c.w.e.workerLeft(c.w.now, id)
			})
		}
	}
	if c.maybe(6) {
		c.w.at(time.Duration(c.rng.IntN(1000))*time.Millisecond, func() { c.w.e.cancel(c.w.now) })
	}
	if c.maybe(4) {
		c.w.at(time.Duration(c.rng.IntN(1000))*time.Millisecond, func() { c.w.now = c.w.now.Add(time.Duration(c.rng.IntN(500)) * time.Millisecond) })
	}
}

// expect is Expect without its cost, for what is checked after every step.
func expect(holds bool, format string, args ...any) {
	if !holds {
		GinkgoHelper()
		Fail(fmt.Sprintf(format, args...))
	}
}

// invariants hold at all times.
func (c *chaos) invariants() {
	loads, open := map[*worker]int{}, 0
	for _, p := range c.w.e.phases {
		c.phaseInvariants(p)
		for _, f := range p.flights {
			loads[f.worker]++
		}
		open += p.slots.held
	}
	expect(open == c.w.e.openSlots, "%d slots are held, %d are counted", open, c.w.e.openSlots)
	for _, w := range c.w.e.router.workers {
		expect(w.load == loads[w], "%s has load %d, %d in flight", w.id, w.load, loads[w])
		expect(w.activeSessions == len(w.sessions) && len(w.outbox) == 0, "%s: %+v", w.id, w)
		expect(len(c.w.e.phases) > 0 || w.activeSessions == 0, "%s keeps something between phases: %+v", w.id, w)
	}
}

// phaseInvariants hold for each phase under way.
func (c *chaos) phaseInvariants(p *phase) {
	s := &p.stats
	expect(s.RequestsSent == s.RequestsCompleted+s.RequestsCancelled+int64(len(p.flights)), "issued = completed + cancelled + in flight: %+v", *s)
	expect(s.LostRequests <= s.RequestErrors && s.RequestErrors <= s.RequestsCompleted, "lost ≤ errors ≤ completed: %+v", *s)
	expect(int64(p.slots.held) <= s.SentSessions-s.CompletedSessions-s.CancelledSessions, "a session that is over holds a slot: %d held, state %d, %+v", p.slots.held, p.state, *s)
	if p.state == sending && !p.allSent {
		expect(int64(p.slots.held) == s.SentSessions-s.CompletedSessions-s.CancelledSessions, "slots leak: %d held, %+v", p.slots.held, *s)
	}
	plan := p.plan
	expect(plan.concurrency == 0 || p.slots.held <= plan.concurrency, "%d sessions, limit %d", p.slots.held, plan.concurrency)
	expect(plan.requests == 0 || s.RequestsSent <= plan.requests, "request cap passed")
	expect(plan.sessions == 0 || s.SentSessions <= plan.sessions, "session cap passed")
}

// books hold every credit against exactly one end.
func (c *chaos) books() {
	substitutes := map[messages.CreditKey]int{}
	for _, r := range c.w.lostRecords() {
		substitutes[r.Metadata.Key()]++
	}
	for i := range c.phases {
		done := c.w.final(i)
		if done == nil {
			expect(c.w.complete.WasCancelled || c.w.complete.Error != nil, "phase %d is missing without a reason", i)
			continue
		}
		s := done.Stats
		expect(*s.FinalRequestsSent == *s.FinalRequestsCompleted+*s.FinalRequestsCancelled, "final counts: %+v", s)
		expect(*s.FinalRequestsSent == s.RequestsSent, "a credit was issued after the freeze")
		unrecorded := map[int64]bool{}
		for _, span := range done.NoRecord {
			for id := span[0]; id <= span[1]; id++ {
				unrecorded[id] = true
			}
		}
		lost := int64(0)
		for id := range s.RequestsSent {
			key := messages.CreditKey{PhaseIndex: i, ID: id}
			n := substitutes[key]
			expect(n <= 1, "%v has %d substitutes", key, n)
			expect(n == 1 || unrecorded[id] || c.w.real[key], "%v has no end", key)
			expect(!(unrecorded[id] && (n == 1 || c.w.real[key])), "%v has a record and has none", key)
			lost += int64(n)
		}
		expect(lost >= s.LostRequests, "%d substitutes for %d lost credits", lost, s.LostRequests)
	}
}

var _ = Describe("whatever happens", func() {
	It("every credit ends exactly once, no slot leaks, and the run ends", func() {
		for seed := range uint64(200) {
			By(fmt.Sprintf("seed %d", seed))
			c := newChaos(seed)
			c.w.run()
			expect(c.w.complete != nil, "no end was announced")
			expect(c.w.now.Sub(epoch) < 3*time.Minute, "the run took %s", c.w.now.Sub(epoch))
			c.books()
		}
	})
})
