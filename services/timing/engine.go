package timing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// engine runs the phases one after another. It holds no clock: every call says what
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

	phase     *phase // the current one; nil between phases
	nextPhase int
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
	e := &engine{settings: s, sink: out, log: log, wallOf: wallOf, newID: newID, router: newRouter(), expected: map[string]struct{}{}}
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
		if e.phase == nil {
			if e.nextPhase == len(e.plans) || e.cancelled || e.failure != nil {
				e.finish()
				return never
			}
			e.phase = newPhase(e, e.plans[e.nextPhase], now)
			e.nextPhase++
		}
		wake = e.phase.advance(now)
		e.flush()
		if e.phase.state != complete {
			return wake
		}
		e.phase = nil
	}
	return never
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
	e.phase = nil
	e.finish()
}

// takeReturns books a batch of returns of one worker.
func (e *engine) takeReturns(now clock.MonoNS, workerID string, returns []messages.CreditReturn) {
	for i := range returns {
		r := &returns[i]
		if p := e.phase; p != nil && p.stats.PhaseIndex == r.PhaseIndex && p.takeReturn(now, r) {
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
	if e.phase != nil {
		e.phase.stats.WasCancelled = true
		e.phase.abort(now)
	}
}

// fail ends the run early with an error; the first one counts.
func (e *engine) fail(now clock.MonoNS, err error) {
	if e.failure != nil || e.done {
		return
	}
	e.failure = err
	e.log.Error("phase failed", "err", err)
	if e.phase != nil {
		e.phase.abort(now)
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
