package records

import (
	"math"
	"sort"
	"time"

	"aiperf/clock"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins/arrivals"
)

// highCPUPct is the use of its cores, over one second, from which on a worker's
// figures are doubtful.
const highCPUPct = 90

// workerLoad is the CPU use of each worker that was heard of, percent of its cores.
type workerLoad map[string]*cpuPeak

// cpuPeak is the highest use over a second: since the worker's start, and while
// requests were measured; and what else a worker says of its machine.
type cpuPeak struct {
	ever, measured float64
	clockSteps     int64 // that the worker has seen
}

// onHealth notes a worker's health. It comes over the bus, where messages may be lost:
// it is an observation, not part of the books.
func (l *ledger) onHealth(worker string, m *messages.WorkerHealth) {
	measuring := false
	for _, p := range l.books.ordered {
		measuring = measuring || p.inResults() && !p.closed
	}
	w := l.workers[worker]
	if w == nil {
		w = &cpuPeak{}
		l.workers[worker] = w
	}
	if measuring {
		w.measured = max(w.measured, m.Health.CPUUsage)
		if m.CPUPeakUsage > w.ever { // reached since the last message
			w.measured = max(w.measured, m.CPUPeakUsage)
		}
	}
	w.ever = max(w.ever, m.CPUPeakUsage)
	w.clockSteps = max(w.clockSteps, m.ClockSteps)
}

// clockWatch looks for steps of the wall clock. The process's own wall clock follows
// the monotonic one from a single anchor, so a step shows as a change of the distance
// between two anchors.
type clockWatch struct {
	anchor clock.Anchor
	looked clock.WallNS
	steps  int64
	read   func() clock.Anchor
}

// clockInterval is how often the clocks are compared; stepLimit is what slewing cannot
// reach meanwhile.
const (
	clockInterval = 2 * time.Second
	stepLimit     = time.Millisecond
)

func (w *clockWatch) start(a clock.Anchor) {
	w.anchor, w.read = a, clock.NewAnchor
}

func (w *clockWatch) look(now clock.WallNS) {
	if now.Sub(w.looked) < clockInterval {
		return
	}
	w.looked = now
	a := w.read()
	if step := a.Wall.Sub(w.anchor.WallAt(a.Mono)); step > stepLimit || step < -stepLimit {
		w.steps++
	}
	w.anchor = a // slow slewing does not add up to a step
}

// judge fills in how well phases were measured.
func (l *ledger) judge(r *exporters.Profile, phases []*phase) {
	q := &r.Quality
	openLoop := false
	var kernel, stamped, events, coalesced int64
	for _, p := range phases {
		q.LostTicks += p.stats.LostTicks
		q.Reanchors += p.stats.Reanchors
		openLoop = openLoop || p.config.RequestRate != nil
		kernel, stamped = kernel+p.kernel, stamped+p.stamped
		events, coalesced = events+p.events, coalesced+p.coalesced
	}
	q.AskedRPS, q.DeliveredRPS = load(phases)
	q.SendDelayMS = spread(r.Records, "send_delay")
	q.TimerLatenessMS = spread(r.Records, "timer_lateness")
	if stamped > 0 {
		pct := 100 * float64(kernel) / float64(stamped)
		q.KernelStampPct = &pct
	}
	if events > 0 {
		pct := 100 * float64(coalesced) / float64(events)
		q.CoalescedEventPct = &pct
	}
	q.ClockSteps = l.clock.steps // of one host: everybody sees the same ones
	var busy []string
	for id, w := range l.workers {
		if w.measured > 0 && (q.WorkerCPUMaxPct == nil || w.measured > *q.WorkerCPUMaxPct) {
			q.WorkerCPUMaxPct = &w.measured
		}
		q.ClockSteps = max(q.ClockSteps, w.clockSteps)
		if w.measured >= highCPUPct {
			busy = append(busy, id)
		}
	}
	sort.Strings(busy)
	q.ProcessesLost, q.ProcessesRestarted = int64(len(l.deaths.list)), l.deaths.restarted()
	q.Processes = l.deaths.list
	conditions := metrics.Conditions{
		OpenLoop: openLoop, Complete: r.IsComplete, IncompleteReason: r.IncompleteReason, HighLoadWorkers: busy,
		Loads: loads(l.run, phases, q, r.Records),
	}
	if s := find(r.Records, "start_delay"); s != nil {
		conditions.StartDelayP99MS, conditions.StartDelayMaxMS = s.P99, s.Max
	}
	q.Judge(conditions)
}

func find(results []metrics.Result, tag string) *metrics.Result {
	for i := range results {
		if results[i].Tag == tag {
			return &results[i]
		}
	}
	return nil
}

// spread is a metric's distribution in three figures, in its display unit.
func spread(results []metrics.Result, tag string) *metrics.Spread {
	s := find(results, tag)
	if s == nil || s.P50 == nil || s.P99 == nil || s.Max == nil {
		return nil
	}
	return &metrics.Spread{P50: *s.P50, P99: *s.P99, Max: *s.Max}
}

// load is what was asked of the profiling phases and what was delivered, requests/s,
// over the time in which they sent:
//
//	delivered = started / T
//	asked     = rate − lost ticks / T        (mean over the phases, by their T)
//
// T of a phase is its duration when it ran into it, else the time from its start to the
// start of its last request, which then begins no interval and is not counted. Lost
// ticks are arrivals for which every slot was taken: not the client's fault. Both are
// nil when there was nothing to divide; asked also when the load had no rate.
func load(phases []*phase) (asked, delivered *float64) {
	var started, wanted, total float64
	rated := len(phases) > 0
	for _, p := range phases {
		sec, n := p.sending()
		if sec <= 0 {
			continue
		}
		total += sec
		started += n
		if p.config.RequestRate == nil || p.config.NumUsers != nil { // slow answers hold users up
			rated = false
			continue
		}
		wanted += p.wanted(sec, n)
	}
	if total <= 0 {
		return nil, nil
	}
	d := started / total
	if !rated {
		return nil, &d
	}
	a := wanted / total
	return &a, &d
}

// sending is how long the phase sent, in seconds, and how many requests began in it.
func (p *phase) sending() (sec, requests float64) {
	w := &p.window
	if w.started == 0 {
		return 0, 0
	}
	// From request to request: a schedule's first one is due one gap after the phase's
	// start, which would count as a request that is missing.
	sec, requests = w.lastStart.Sub(w.firstStart).Seconds(), float64(w.started-1)
	if d := p.stats.ExpectedDurationSec; d != nil && p.stats.TimeoutTriggered && *d > sec && !p.keptToEnd(*d) {
		return *d, float64(w.started)
	}
	return sec, requests
}

// keptToEnd tells of a constant rate that its last request came where the next one would have
// been beyond the duration: then nothing is missing at either edge.
func (p *phase) keptToEnd(durationSec float64) bool {
	c := &p.config
	if c.ArrivalPattern != "constant" || c.RequestRate == nil || p.stats.StartNS == 0 || p.window.started < 2 || len(c.RateCurve) > 0 {
		return false
	}
	const slack = 1.5 // gaps: the last one that fits, and a little for lateness
	return durationSec-p.window.lastStart.Sub(p.stats.StartNS).Seconds() <= slack / *c.RequestRate
}

// wanted is how many requests the schedule wanted in a time. Random arrivals are
// judged by the schedule that was drawn, as long as it was kept and chance can explain
// how far it is from the nominal rate: a small sample is no fault of the client.
func (p *phase) wanted(sec, started float64) float64 {
	nominal := max(0, p.scheduled(sec)-float64(p.stats.LostTicks))
	if p.config.ArrivalPattern == "constant" || p.window.lastScheduled == 0 || p.stats.Reanchors > 0 {
		return nominal
	}
	start := p.stats.StartNS
	if start == 0 {
		start = p.window.firstStart
	}
	span := p.window.lastScheduled.Sub(start).Seconds()
	const sigmas = 4
	if math.Abs(started-nominal) > sigmas*p.gapVariation()*math.Sqrt(max(nominal, 1)) || span <= 0 {
		return nominal
	}
	if p.stats.TimeoutTriggered || p.config.RateCurve != nil {
		return started // every arrival that was drawn inside the duration has been sent
	}
	return started * sec / span
}

// gapVariation is the coefficient of variation of the gaps between random arrivals.
func (p *phase) gapVariation() float64 {
	if s := p.config.ArrivalSmoothness; s != nil && *s > 0 {
		return 1 / math.Sqrt(*s)
	}
	return 1
}

// scheduled is how many requests the rate asks for in the time in which the phase sent.
func (p *phase) scheduled(sec float64) float64 {
	curve, err := arrivals.NewCurve(p.config.RateCurve)
	if err != nil { // there is none
		return *p.config.RequestRate * sec
	}
	from := 0.0
	if !p.stats.TimeoutTriggered && p.stats.StartNS != 0 {
		from = max(0, p.window.firstStart.Sub(p.stats.StartNS).Seconds())
	}
	return curve.Count(from+sec) - curve.Count(from)
}
