package timing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/plugins/samplers"
	"aiperf/plugins/urlselection"
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

// conversations is what a scheduler needs of the dataset.
type conversations interface {
	Len() int
	ID(conversation int) string
	NumTurns(conversation int) int
	DelayMS(conversation, turn int) float64
}

// sink takes what the engine has to say. A slice is only lent until the call
// returns.
type sink interface {
	credits(workerID string, credits []messages.Credit)
	cancel(workerID string, keys [][2]int64)
	publish(m messages.Message)     // for watchers
	sendRecords(m messages.Message) // what the records manager counts on, in this order
	finished(m *messages.CreditsComplete)
}

// load is what a run is made of; it is known once the dataset is there.
type load struct {
	plans         []*phasePlan
	conversations conversations
	sampler       samplers.Sampler      // one for the run: a phase goes on where the one before stopped
	urls          urlselection.Selector // nil with one URL
	// migratable sessions hold no history in their worker: another can go on with them.
	migratable bool
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

// workerReady adds a worker to the pool.
func (e *engine) workerReady(now clock.MonoNS, id string) {
	if _, gone := e.router.gone[id]; gone {
		e.log.Warn("a worker that was lost speaks again; it is not given work", "worker", id)
		return
	}
	e.expected[id] = struct{}{}
	if e.router.join(id, now) {
		e.log.Debug("worker is dispatchable", "worker", id)
	}
}

// workerPaused takes a worker out of the pool at its own request.
func (e *engine) workerPaused(id, reason string) {
	if !e.router.pause(id) {
		return
	}
	e.log.Info("worker takes no more credits", "worker", id, "reason", reason)
	if e.phase != nil {
		e.phase.leave(e.router.workers[id])
	}
}

// workerLeft is a graceful leave: everything it had has returned. What has not is lost.
func (e *engine) workerLeft(now clock.MonoNS, id string) {
	e.remove(now, id, "worker "+id+" left without returning the credit")
}

// workerDied closes the books of a worker whose process has ended. replacement is
// the id of the process that is started instead, empty when there is none.
func (e *engine) workerDied(now clock.MonoNS, id, how, replacement string) {
	delete(e.expected, id)
	if replacement != "" {
		e.expected[replacement] = struct{}{}
	}
	e.remove(now, id, fmt.Sprintf("worker %s %s", id, how))
	if len(e.expected) == 0 && e.running {
		e.fail(now, fmt.Errorf("every worker has ended; the last was %s, which %s", id, how))
	}
}

// remove forgets a worker: its credits in flight are lost, its sessions go on
// elsewhere or end.
func (e *engine) remove(now clock.MonoNS, id, reason string) {
	w := e.router.remove(id)
	if w == nil {
		return
	}
	p := e.phase
	if p != nil {
		p.leave(w)
		lost := p.idsInFlight(w)
		for _, credit := range lost {
			p.lose(now, p.flights[credit], reason)
		}
		if len(lost) > 0 {
			e.log.Error("credits in flight are lost with their worker", "worker", id, "credits", len(lost), "reason", reason)
		}
	}
	for s := range w.sessions {
		e.router.unstick(s)
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

// canGoOn tells whether a session's next turn has a worker that can execute it.
func (e *engine) canGoOn(s *session) bool {
	return e.migratable || s.worker != nil && s.worker.pooled
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

// dispatch puts a credit into its worker's batch.
func (e *engine) dispatch(w *worker, c *messages.Credit) {
	if len(w.outbox) == 0 {
		e.dirty = append(e.dirty, w)
	}
	w.outbox = append(w.outbox, *c)
}

// record puts an error record into the batch for the records manager.
func (e *engine) record(r messages.MetricRecord) { e.lost = append(e.lost, r) }

// flush sends what the pass has produced, one batch per worker.
func (e *engine) flush() {
	for _, w := range e.dirty {
		e.sink.credits(w.id, w.outbox)
		clear(w.outbox)
		w.outbox = w.outbox[:0]
	}
	e.dirty = e.dirty[:0]
	e.flushRecords()
}

// recordBatch bounds a batch of error records.
const recordBatch = 64

func (e *engine) flushRecords() {
	for len(e.lost) > 0 {
		n := min(recordBatch, len(e.lost))
		e.sink.sendRecords(&messages.MetricRecords{Records: e.lost[:n:n]})
		e.lost = e.lost[n:]
	}
	e.lost = nil
}

func (e *engine) publish(m messages.Message) { e.sink.publish(m) }

// toAll sends a phase border to the records manager, behind the records it follows,
// and publishes it.
func (e *engine) toAll(m messages.Message) {
	e.flushRecords()
	e.sink.sendRecords(m)
	e.sink.publish(m)
}
