package timing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"aiperf/clock"
	"aiperf/messages"
)

// settings are the knobs of pacing and of the bounds.
type settings struct {
	lead           time.Duration // scheduled turns are issued this long before they are due
	catchUp        time.Duration // lateness that is made up for at once
	drainTimeout   time.Duration // wait for cancelled credits
	startTimeout   time.Duration // wait for a worker
	progressEvery  time.Duration
	warmupLogEvery time.Duration // 0 = no heartbeat line
	failFast       bool          // a child that fails ends its tree
	minAlive       float64       // share of the workers that must be alive; 0 = none
	staleTime      time.Duration // how long there may be fewer
}

// coalesce is how much earlier than the lead asks a tick may be issued, so that one
// pass takes several of them at high rates.
const coalesce = time.Millisecond

// horizon is how far ahead of now a pass issues.
func (s settings) horizon() time.Duration { return s.lead + min(s.lead/5, coalesce) }

// sink takes what the engine has to say. A slice is only lent until the call
// returns.
type sink interface {
	credits(workerID string, credits []messages.Credit)
	cancel(workerID string, keys [][2]int64)
	publish(m messages.Message)     // for watchers
	sendRecords(m messages.Message) // what the records manager counts on, in this order
	finished(m *messages.CreditsComplete)
}

// engine runs the phases one after another; a seamless one begins beside the last
// answers of the one before. It holds no clock: every call says what
// time it is, and advance says when the next one is wanted. One goroutine calls it.
type engine struct {
	settings settings
	sink     sink
	log      *slog.Logger
	wallOf   func(clock.MonoNS) clock.WallNS
	newID    func() string // session ids

	load
	router   *router
	expected map[string]struct{} // workers that live or are being started
	// collectors are the services that take a sample at the borders of phases.
	collectors map[string]struct{}

	phases    []*phase // begun and not complete, in order; only the last one starts sessions
	nextPhase int
	openSlots int // sessions that hold a slot, in all phases
	floor     workerFloor
	running   bool
	done      bool
	cancelled bool
	failure   error

	ids   []string  // conversation ids, as they are needed
	dirty []*worker // with something in the outbox
	lost  []messages.MetricRecord
	late  int64 // returns of credits that were not in flight
}

func newEngine(s settings, out sink, log *slog.Logger, wallOf func(clock.MonoNS) clock.WallNS, newID func() string, workers []string) *engine {
	e := &engine{settings: s, sink: out, log: log, wallOf: wallOf, newID: newID, router: newRouter(), expected: map[string]struct{}{}, floor: workerFloor{share: s.minAlive, patience: s.staleTime}}
	for _, id := range workers {
		e.expected[id] = struct{}{}
	}
	return e
}

// configure sets what is to be run.
func (e *engine) configure(l load) error {
	if l.conversations.Len() == 0 {
		return errors.New("configure timing: the dataset has no conversation")
	}
	for i := range l.conversations.Len() {
		if l.conversations.NumTurns(i) < 1 {
			return fmt.Errorf("configure timing: conversation %s has no turn", l.conversations.ID(i))
		}
	}
	e.load = l
	e.ids = make([]string, l.conversations.Len())
	return nil
}

// start begins the first phase with the next advance.
func (e *engine) start() error {
	switch {
	case e.running || e.done:
		return errors.New("start profiling: already started")
	case e.plans == nil:
		return errors.New("start profiling: not configured")
	}
	e.running = true
	configs := make([]messages.PhaseConfig, len(e.plans))
	for i, p := range e.plans {
		configs[i] = p.announced
	}
	e.publish(&messages.CreditPhasesConfigured{Configs: configs})
	return nil
}

// advance does everything that is due and returns the next instant at which there
// is something to do; never when only an event can bring something.
func (e *engine) advance(now clock.MonoNS) (wake clock.MonoNS) {
	for e.running {
		if e.mayBegin() {
			e.phases = append(e.phases, newPhase(e, e.plans[e.nextPhase], now))
			e.nextPhase++
		}
		if len(e.phases) == 0 {
			e.finish()
			return never
		}
		wake = e.keepFloor(now)
		for _, p := range e.phases {
			wake = min(wake, p.advance(now))
		}
		e.flush()
		if !e.dropComplete() && !e.mayBegin() {
			return wake
		}
	}
	return never
}

// mayBegin tells whether it is the next phase's turn: when those before it are
// complete, or, if it is seamless, when they start nothing any more.
func (e *engine) mayBegin() bool {
	if e.nextPhase == len(e.plans) || e.cancelled || e.failure != nil {
		return false
	}
	if len(e.phases) == 0 {
		return true
	}
	return e.plans[e.nextPhase].announced.Seamless && e.phases[len(e.phases)-1].startsNoMore()
}

// dropComplete forgets the phases that are complete and tells whether there were any.
func (e *engine) dropComplete() bool {
	before := len(e.phases)
	e.phases = slices.DeleteFunc(e.phases, func(p *phase) bool { return p.state == complete })
	return len(e.phases) < before
}

// phaseOf is the phase under way that has an index, nil without one.
func (e *engine) phaseOf(index int) *phase {
	for _, p := range e.phases {
		if p.stats.PhaseIndex == index {
			return p
		}
	}
	return nil
}

func (e *engine) finish() {
	e.running, e.done = false, true
	m := &messages.CreditsComplete{WasCancelled: e.cancelled}
	if e.failure != nil {
		m.Error = messages.AsErrorDetails("CreditPhaseError", e.failure)
	}
	e.sink.finished(m)
}

// abandon ends a run whose phase cannot even be finished: what is known goes out, so
// that nobody waits for more.
func (e *engine) abandon(err error) {
	if e.done {
		return
	}
	if e.failure == nil {
		e.failure = err
	}
	e.phases = nil
	e.finish()
}

// takeReturns books a batch of returns of one worker.
func (e *engine) takeReturns(now clock.MonoNS, workerID string, returns []messages.CreditReturn) {
	for i := range returns {
		r := &returns[i]
		if p := e.phaseOf(r.PhaseIndex); p != nil && p.takeReturn(now, r) {
			continue
		}
		e.late++
		level := slog.LevelDebug
		if e.late == 1 {
			level = slog.LevelWarn
		}
		e.log.Log(context.Background(), level, "a credit came back that is not in flight; it is not counted again",
			"phase_index", r.PhaseIndex, "id", r.ID, "worker", workerID, "late_returns", e.late)
	}
}

// cancel ends the run early at the user's wish.
func (e *engine) cancel(now clock.MonoNS) {
	if e.cancelled || e.done {
		return
	}
	e.cancelled = true
	for _, p := range e.phases {
		p.stats.WasCancelled = true
		p.abort(now)
	}
}

// fail ends the run early with an error; the first one counts.
func (e *engine) fail(now clock.MonoNS, err error) {
	if e.failure != nil || e.done {
		return
	}
	e.failure = err
	e.log.Error("phase failed", "err", err)
	for _, p := range e.phases {
		p.abort(now)
	}
}

// nextURL gives each session one of the URLs; −1 with only one.
func (e *engine) nextURL() int {
	if e.urls == nil {
		return -1
	}
	return e.urls.Next()
}

// conversationID reads an id out of the dataset once.
func (e *engine) conversationID(conversation int) string {
	if e.ids[conversation] == "" {
		e.ids[conversation] = e.conversations.ID(conversation)
	}
	return e.ids[conversation]
}
