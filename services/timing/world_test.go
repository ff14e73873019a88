package timing

import (
	"container/heap"
	"fmt"
	"log/slog"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins"
)

// A world is an engine with workers under virtual time: waiting costs nothing, and
// every run of a scenario is the same.
type world struct {
	e      *engine
	now    clock.MonoNS
	events eventHeap
	order  int64

	workers  map[string]*fakeWorker
	sent     []delivery // every credit, as it was handed to its worker
	bus      []messages.Message
	onRecord []messages.Message // the records socket
	complete *messages.CreditsComplete
	ids      int
	real     map[messages.CreditKey]bool // credits whose record a worker pushed

	service func(c messages.Credit) time.Duration // how long a request takes
	outcome func(c messages.Credit) string        // error text, "" = success
	check   func()                                // after every step
	passes  int
	tooBusy int // passes without progress of time
}

type delivery struct {
	messages.Credit
	worker string
	issued clock.MonoNS // when it was dispatched
	sentAt clock.MonoNS // when the worker sends it
}

type fakeWorker struct {
	id      string
	open    map[messages.CreditKey]*delivery
	dead    bool
	deaf    bool // ignores cancels
	hop     time.Duration
	returns func(w *world, f *fakeWorker, r messages.CreditReturn) // nil = deliver after a hop
}

type timedEvent struct {
	at    clock.MonoNS
	order int64
	fn    func()
}

type eventHeap []timedEvent

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(timedEvent)) }
func (h *eventHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// popFirst takes the first event out.
func (h *eventHeap) popFirst() { heap.Pop(h) }

const (
	epoch  = clock.MonoNS(1_000_000_000_000)
	wallAt = clock.WallNS(1_700_000_000_000_000_000)
)

func wallOf(m clock.MonoNS) clock.WallNS { return wallAt + clock.WallNS(m-epoch) }

// turnsOf is a dataset: the turns of each conversation and the delay between them.
type turnsOf struct {
	turns   []int
	delayMS float64
	graph   *dataset.Graph
	timesMS [][]float64 // of the turns of each conversation; below 0: none
}

func (d turnsOf) TimestampNS(i, turn int) (ns int64, ok bool) {
	if i >= len(d.timesMS) || turn >= len(d.timesMS[i]) || d.timesMS[i][turn] < 0 {
		return 0, false
	}
	return int64(d.timesMS[i][turn] * 1e6), true
}

func (d turnsOf) Graph() (*dataset.Graph, error) { return d.graph, nil }

func (d turnsOf) Len() int                 { return len(d.turns) }
func (d turnsOf) ID(i int) string          { return fmt.Sprintf("conv-%d", i) }
func (d turnsOf) NumTurns(i int) int       { return d.turns[i] }
func (d turnsOf) DelayMS(int, int) float64 { return d.delayMS }

func singleTurns(n int) turnsOf {
	d := turnsOf{turns: make([]int, n)}
	for i := range d.turns {
		d.turns[i] = 1
	}
	return d
}

var quickSettings = settings{
	lead: 5 * time.Millisecond, catchUp: 10 * time.Millisecond, drainTimeout: 10 * time.Second,
	startTimeout: 30 * time.Second, progressEvery: 2 * time.Second, warmupLogEvery: 30 * time.Second,
}

// scenario is what a world is made from.
type scenario struct {
	phases    []config.Phase
	data      turnsOf
	workers   []string
	urls      int
	seed      uint64
	settings  settings
	migrate   bool
	notReady  bool // the workers say nothing by themselves
	noService bool
}

func ptr[T any](v T) *T { return &v }

func newWorld(s scenario) *world {
	if s.settings == (settings{}) {
		s.settings = quickSettings
	}
	if s.workers == nil {
		s.workers = []string{"worker_a", "worker_b"}
	}
	if s.data.turns == nil {
		s.data = singleTurns(10)
	}
	w := &world{now: epoch, workers: map[string]*fakeWorker{}, real: map[messages.CreditKey]bool{}}
	w.service = func(messages.Credit) time.Duration { return 20 * time.Millisecond }
	w.outcome = func(messages.Credit) string { return "" }
	w.e = newEngine(s.settings, w, slog.New(slog.DiscardHandler), wallOf, w.newID, s.workers)
	run := &config.Run{ProcessSeed: s.seed}
	run.Benchmark.Phases = s.phases
	run.Benchmark.Dataset.Sampling = "sequential"
	run.Benchmark.Endpoint.URLStrategy = "round_robin"
	for i := range s.urls {
		run.Benchmark.Endpoint.URLs = append(run.Benchmark.Endpoint.URLs, fmt.Sprint("http://", i))
	}
	l, err := newLoad(run, plugins.Builtin(), s.data, s.migrate)
	Expect(err).NotTo(HaveOccurred())
	Expect(w.e.configure(l)).To(Succeed())
	for _, id := range s.workers {
		w.addWorker(id)
		if !s.notReady {
			w.e.workerReady(w.now, id)
		}
	}
	Expect(w.e.start()).To(Succeed())
	return w
}

func (w *world) newID() string {
	w.ids++
	return fmt.Sprintf("session-%d", w.ids)
}

func (w *world) addWorker(id string) *fakeWorker {
	f := &fakeWorker{id: id, open: map[messages.CreditKey]*delivery{}, hop: 50 * time.Microsecond}
	w.workers[id] = f
	return f
}

// at runs fn at an instant, counted from the start of the world.
func (w *world) at(d time.Duration, fn func()) { w.after(epoch.Add(d).Sub(w.now), fn) }

func (w *world) after(d time.Duration, fn func()) {
	w.order++
	heap.Push(&w.events, timedEvent{w.now.Add(max(0, d)), w.order, fn})
}

// run goes on until the engine is done. A world in which nothing will happen any more
// hangs, and the spec fails.
func (w *world) run() {
	for !w.e.done {
		w.step()
	}
}

// runFor goes on for a while.
func (w *world) runFor(d time.Duration) {
	end := false
	w.after(d, func() { end = true })
	for !w.e.done && !end {
		w.step()
	}
}

func (w *world) step() {
	wake := w.e.advance(w.now)
	w.passes++
	if w.check != nil {
		w.check()
	}
	if w.e.done {
		return
	}
	next := wake
	if len(w.events) > 0 {
		next = min(next, w.events[0].at)
	}
	Expect(next).NotTo(Equal(never), "the run hangs: nothing will ever happen")
	if w.now.Sub(epoch) > 3*time.Hour {
		Fail("the run hangs: nothing happens any more")
	}
	if next <= w.now {
		w.tooBusy++
		Expect(w.tooBusy).To(BeNumerically("<", 10000), "the engine is busy without getting on")
	} else {
		w.tooBusy = 0
		w.now = next
	}
	for len(w.events) > 0 && w.events[0].at <= w.now {
		heap.Pop(&w.events).(timedEvent).fn()
	}
}

// The sink.

func (w *world) credits(id string, credits []messages.Credit) {
	f := w.workers[id]
	for _, c := range credits {
		d := &delivery{Credit: c, worker: id, issued: w.now}
		due := epoch + clock.MonoNS(c.IssuedAtNS-wallAt)
		d.sentAt = max(due, w.now.Add(f.hop))
		w.sent = append(w.sent, *d)
		f.open[c.CreditKey] = d
		w.after(d.sentAt.Sub(w.now)+w.service(c), func() { w.finish(f, d, messages.CreditReturn{RecordEmitted: true, Error: w.outcome(c)}) })
	}
}

// finish lets a worker return a credit, once.
func (w *world) finish(f *fakeWorker, d *delivery, r messages.CreditReturn) {
	if f.dead || f.open[d.CreditKey] != d {
		return
	}
	delete(f.open, d.CreditKey)
	r.CreditKey = d.CreditKey
	if f.returns != nil {
		f.returns(w, f, r)
		return
	}
	w.real[r.CreditKey] = w.real[r.CreditKey] || r.RecordEmitted
	w.after(f.hop, func() { w.deliver(f, r) })
}

func (w *world) deliver(f *fakeWorker, r messages.CreditReturn) {
	w.e.takeReturns(w.now, f.id, []messages.CreditReturn{r})
}

func (w *world) cancel(id string, keys [][2]int64) {
	f := w.workers[id]
	if f.deaf {
		return
	}
	for _, k := range keys {
		key := messages.CreditKey{PhaseIndex: int(k[0]), ID: k[1]}
		w.after(f.hop, func() {
			if d := f.open[key]; d != nil {
				w.finish(f, d, messages.CreditReturn{Cancelled: true, RecordEmitted: d.sentAt <= w.now})
			}
		})
	}
}

func (w *world) publish(m messages.Message)     { w.bus = append(w.bus, m) }
func (w *world) sendRecords(m messages.Message) { w.onRecord = append(w.onRecord, m) }
func (w *world) finished(m *messages.CreditsComplete) {
	Expect(w.complete).To(BeNil(), "the credits are complete once")
	w.complete = m
}

// kill ends a worker's process; the launcher's word of it comes after a moment.
func (w *world) kill(id, replacement string) {
	f := w.workers[id]
	if f == nil || f.dead {
		return
	}
	f.dead = true
	w.after(5*time.Millisecond, func() { w.e.workerDied(w.now, id, "was ended by SIGKILL", replacement) })
	if replacement != "" {
		w.after(100*time.Millisecond, func() {
			w.addWorker(replacement)
			w.e.workerReady(w.now, replacement)
		})
	}
}

// phase is the latest of those under way, nil without one.
func (w *world) phase() *phase {
	if n := len(w.e.phases); n > 0 {
		return w.e.phases[n-1]
	}
	return nil
}

// types names what was published, progress left out.
func (w *world) types() []string {
	var out []string
	for _, m := range w.bus {
		if t := m.MessageType(); t != "credit_phase_progress" {
			out = append(out, t)
		}
	}
	return out
}

// final is the last word about a phase.
func (w *world) final(index int) *messages.CreditPhaseComplete {
	for _, m := range w.onRecord {
		if c, ok := m.(*messages.CreditPhaseComplete); ok && c.Stats.PhaseIndex == index {
			return c
		}
	}
	return nil
}

// lostRecords are the error records that were pushed.
func (w *world) lostRecords() []messages.MetricRecord {
	var out []messages.MetricRecord
	for _, m := range w.onRecord {
		if b, ok := m.(*messages.MetricRecords); ok {
			out = append(out, b.Records...)
		}
	}
	return out
}

func profiling(p config.Phase) config.Phase {
	p.Name, p.Kind = "profiling", config.KindProfiling
	return p
}

func warmup(p config.Phase) config.Phase {
	p.Name, p.Kind, p.GraceInfinite, p.ExcludeFromResults = "warmup", config.KindWarmup, true, true
	return p
}

var okReturn = messages.CreditReturn{RecordEmitted: true}
