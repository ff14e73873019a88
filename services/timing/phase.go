package timing

import (
	"fmt"
	"time"

	"aiperf/clock"
	"aiperf/messages"
)

// phaseState is where a phase stands. Cancelled is a flag of its statistics, not a
// state.
//
//	created   ── a worker is there, and the first samples ──> sending
//	sending   ── the last credit is issued, or time is up ──> returning
//	returning ── every credit is back, and the last samples > complete
//	returning ── the grace period is over ──────────────────> draining
//	draining  ── every credit is back, or none comes any more > complete
//	created, sending, returning ── cancel or failure ───────> draining
//
// sending complete, for others, is the step into returning or draining.
type phaseState int

const (
	created phaseState = iota
	sending
	returning
	draining
	complete
)

// flight is a credit that was issued and has not returned.
type flight struct {
	credit  messages.Credit
	due     clock.MonoNS
	session *session
	worker  *worker
}

// phase is one load window at work: its books and its life.
type phase struct {
	e     *engine
	plan  *phasePlan
	state phaseState
	stats messages.PhaseStats

	rule      stopRule
	schedule  *schedule // nil in closed loop
	users     *users    // nil unless users keep a pace
	replay    *replay   // nil unless the times of a trace are kept
	slots     slots
	nextStep  clock.MonoNS // of a ramp of the concurrency; never when there is none, or it is over
	flights   map[int64]*flight
	pending   continuations
	parked    []clock.MonoNS // ticks that found nothing to send and are not due yet
	noRecord  idRanges
	lostAt    [][2]int64 // lost ticks: second of the phase, how many
	cut       []messages.CutSession
	rootSent  int64      // credits of roots
	branching *branching // nil where conversations do not branch
	baseline  baseline   // the latest one
	allSent   bool       // the last credit is issued

	gateEnd      clock.MonoNS // a worker must be there
	returnEnd    clock.MonoNS // every credit must be back; never without a duration
	drainEnd     clock.MonoNS // cancelled credits must be back
	starvedSince clock.MonoNS // no worker can be given work; 0 = one can
	nextProgress clock.MonoNS
	nextLog      clock.MonoNS // of the warmup's heartbeat line
	nextWarning  clock.MonoNS // of a backlog
	started      clock.MonoNS

	spareFlights  []*flight
	spareSessions []*session
}

func newPhase(e *engine, plan *phasePlan, now clock.MonoNS) *phase {
	c := plan.announced
	p := &phase{
		e: e, plan: plan, gateEnd: now.Add(e.settings.startTimeout),
		rule:  stopRule{requests: plan.requests, sessions: plan.sessions, end: never},
		slots: slots{limit: plan.concurrency, all: &e.openSlots}, flights: map[int64]*flight{},
		stats: messages.PhaseStats{
			Phase: c.Phase, PhaseName: c.PhaseName, PhaseKind: c.PhaseKind, PhaseIndex: c.PhaseIndex, ProfilingIndex: c.ProfilingIndex,
			TotalExpectedRequests: c.TotalExpectedRequests, ExpectedDurationSec: c.ExpectedDurationSec,
			ExpectedNumSessions: c.ExpectedNumSessions, ExpectedGracePeriodSec: c.GracePeriodSec,
		},
	}
	if e.graph != nil && c.Phase == messages.PhaseProfiling {
		p.branching = &branching{graph: e.graph}
	}
	return p
}

// sent is what the stop rule looks at.
func (p *phase) sent() sent {
	return sent{requests: p.stats.RequestsSent, rootRequests: p.rootSent, sessions: p.stats.SentSessions, sessionTurns: p.stats.TotalSessionTurns}
}

// startsNoMore tells whether only children of sessions that have begun are still to be
// sent, or nothing.
func (p *phase) startsNoMore() bool { return p.allSent || p.state > sending }

// advance does everything that is due and returns the next instant at which there
// is something to do.
func (p *phase) advance(now clock.MonoNS) (wake clock.MonoNS) {
	if p.state == created {
		if wake = p.awaitWorker(now); p.state == created {
			return wake
		}
	}
	if p.state == sending {
		wake = p.issue(now)
		switch {
		case p.state != sending: // it failed
		case p.allSent && p.branchesDone():
			p.endSending(now)
		case now >= p.rule.end:
			p.stats.TimeoutTriggered = true
			p.endSending(now)
		default:
			return min(wake, p.rule.end, p.report(now))
		}
	}
	if p.state == returning {
		switch {
		case len(p.flights) == 0:
			if wake, passed := p.close(now); !passed {
				return min(wake, p.report(now))
			}
		case now >= p.returnEnd:
			p.stats.GracePeriodTimeoutTriggered = true
			p.e.log.Warn(p.plan.title()+" grace period is over; cancelling what is in flight",
				"sent", p.stats.RequestsSent, "completed", p.stats.RequestsCompleted, "cancelled", p.stats.RequestsCancelled, "in_flight", p.stats.InFlight())
			p.cancelFlights(now)
		default:
			return min(p.returnEnd, p.report(now))
		}
	}
	if p.state == draining {
		switch {
		case len(p.flights) == 0:
			if wake, passed := p.close(now); !passed {
				return min(wake, p.report(now))
			}
		case now >= p.drainEnd:
			p.forceClose(now)
			p.complete(now)
		default:
			return min(p.drainEnd, p.report(now))
		}
	}
	return never
}

// awaitWorker is the gate in front of the first credit.
func (p *phase) awaitWorker(now clock.MonoNS) (wake clock.MonoNS) {
	if p.e.router.pool > 0 {
		wake, passed := p.border(now, messages.BaselineStart)
		if !passed {
			return wake
		}
		if len(p.e.collectors) > 0 && !p.plan.announced.Seamless {
			p.stats.BaselineStartNS = p.e.wallOf(now)
		}
		p.begin(now)
		return now
	}
	if now >= p.gateEnd {
		p.e.fail(now, fmt.Errorf("%s: no worker was ready within %s (AIPERF_SERVICE_START_TIMEOUT)", p.plan.title(), p.e.settings.startTimeout))
		return now
	}
	return p.gateEnd
}

// begin starts the phase's clock.
func (p *phase) begin(now clock.MonoNS) {
	p.state, p.started, p.nextStep = sending, now, never
	if p.plan.limitRamp != nil {
		p.nextStep = now
	}
	p.returnEnd = never
	if p.plan.duration > 0 {
		p.rule.end = now.Add(p.plan.duration)
		if p.plan.grace >= 0 {
			p.returnEnd = p.rule.end.Add(p.plan.grace)
		}
	}
	if p.plan.users != nil {
		p.users = newUsers(p.plan.users, now)
	}
	if p.plan.replay != nil {
		p.replay = &replay{plan: p.plan.replay}
	}
	if p.plan.pattern != nil {
		p.schedule = newSchedule(p.plan.pattern, now, p.e.settings.catchUp)
	}
	p.nextProgress, p.nextLog = never, never
	if every := p.e.settings.progressEvery; every > 0 {
		p.nextProgress = now.Add(every)
	}
	if every := p.e.settings.warmupLogEvery; every > 0 && p.stats.PhaseKind == messages.PhaseWarmup {
		p.nextLog = now.Add(every)
	}
	p.stats.StartNS = p.e.wallOf(now)
	p.e.log.Info(p.startLine())
	p.before(now)
	p.e.toAll(&messages.CreditPhaseStart{Stats: p.snapshot(), Config: p.plan.announced})
}

// endSending freezes the sent counts: nothing is issued any more.
func (p *phase) endSending(now clock.MonoNS) {
	p.state = returning
	for s := p.pending.first(never); s != nil; s = p.pending.first(never) { // cut by the stop
		p.pending.pop()
		p.giveSlot(s)
	}
	p.dropChildren(now)
	p.parked = nil
	p.stats.SentEndNS = p.e.wallOf(now)
	p.stats.FinalRequestsSent, p.stats.FinalSentSessions = frozen(p.stats.RequestsSent), frozen(p.stats.SentSessions)
	p.e.log.Info(p.sendingCompleteLine())
	p.warnShortfall()
	p.e.publish(&messages.CreditPhaseProgress{Stats: p.snapshot()})
	p.e.publish(&messages.CreditPhaseSendingComplete{Stats: p.snapshot()})
}

// close ends the phase when the last samples are taken.
func (p *phase) close(now clock.MonoNS) (wake clock.MonoNS, passed bool) {
	if p.stats.RequestsEndNS == 0 {
		p.stats.RequestsEndNS = p.e.wallOf(now)
	}
	if wake, passed = p.border(now, messages.BaselineEnd); passed {
		if len(p.e.collectors) > 0 {
			p.stats.BaselineEndNS = p.e.wallOf(now)
		}
		p.complete(now)
	}
	return wake, passed
}

// complete closes the books.
func (p *phase) complete(now clock.MonoNS) {
	p.state = complete
	for _, w := range p.e.router.workers {
		for s := range w.sessions { // cut by the stop, without a final turn
			if s.phase == p {
				p.e.router.unstick(s)
			}
		}
	}
	p.slots.giveAll()
	if p.stats.RequestsEndNS == 0 {
		p.stats.RequestsEndNS = p.e.wallOf(now)
	}
	p.stats.FinalRequestsCompleted, p.stats.FinalRequestsCancelled = frozen(p.stats.RequestsCompleted), frozen(p.stats.RequestsCancelled)
	p.stats.FinalRequestErrors = frozen(p.stats.RequestErrors)
	p.stats.FinalCompletedSessions, p.stats.FinalCancelledSessions = frozen(p.stats.CompletedSessions), frozen(p.stats.CancelledSessions)
	p.e.log.Info(p.completeLine(now))
	p.e.publish(&messages.CreditPhaseProgress{Stats: p.snapshot()})
	p.e.toAll(&messages.CreditPhaseComplete{Stats: p.snapshot(), NoRecord: p.noRecord.merged(), LostTicksBySecond: p.lostAt, CutSessions: p.cut, BranchStats: p.branchStats()})
}

// abort stops issuing and cancels what is in flight, from whatever state: a phase
// that never began is walked through its borders, so that nobody waits for one.
func (p *phase) abort(now clock.MonoNS) {
	if p.state == created {
		p.begin(now)
	}
	if p.state == sending {
		p.endSending(now)
	}
	if p.state == returning {
		p.cancelFlights(now)
	}
}

// cancelFlights tells every worker to abort what it has of this phase, and bounds
// the wait for it.
func (p *phase) cancelFlights(now clock.MonoNS) {
	p.state, p.drainEnd = draining, now.Add(p.e.settings.drainTimeout)
	p.cancelCredits(p.idsInFlight(nil))
}

// cancelCredits tells the workers to abort requests.
func (p *phase) cancelCredits(ids []int64) {
	p.e.flush() // a cancel must not overtake its credit
	keys := map[*worker][][2]int64{}
	for _, id := range ids {
		w := p.flights[id].worker
		keys[w] = append(keys[w], [2]int64{int64(p.stats.PhaseIndex), id})
	}
	for w, k := range keys {
		p.e.sink.cancel(w.id, k)
	}
}

// forceClose ends the wait for credits that were cancelled and never came back.
func (p *phase) forceClose(now clock.MonoNS) {
	p.e.log.Error(p.plan.title()+" closes credits that did not come back after their cancel",
		"credits", len(p.flights), "session_slots", p.slots.held, "waited", p.e.settings.drainTimeout.String())
	for _, id := range p.idsInFlight(nil) {
		f := p.flights[id]
		p.lose(now, f, fmt.Sprintf("worker %s did not return the credit within %s of its cancel", f.worker.id, p.e.settings.drainTimeout))
	}
}

// report publishes the live counts when it is time and returns when it is next.
func (p *phase) report(now clock.MonoNS) (next clock.MonoNS) {
	if now >= p.nextProgress {
		p.nextProgress = after(p.nextProgress, p.e.settings.progressEvery, now)
		p.e.publish(&messages.CreditPhaseProgress{Stats: p.snapshot()})
	}
	if now >= p.nextLog {
		p.nextLog = after(p.nextLog, p.e.settings.warmupLogEvery, now)
		p.e.log.Info(p.heartbeatLine(now))
	}
	return min(p.nextProgress, p.nextLog)
}

// after is the first instant of a series that lies behind now.
func after(last clock.MonoNS, every time.Duration, now clock.MonoNS) clock.MonoNS {
	next := last.Add(every)
	if next <= now {
		next = now.Add(every)
	}
	return next
}

// snapshot is the state of the books, safe to hand out.
func (p *phase) snapshot() messages.PhaseStats {
	if p.schedule != nil {
		p.stats.Reanchors = p.schedule.reanchors
	}
	return p.stats
}

func frozen(n int64) *int64 { return &n }
