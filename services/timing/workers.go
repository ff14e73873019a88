package timing

import (
	"fmt"

	"aiperf/clock"
)

// What the engine hears of its workers.

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
func (e *engine) workerPaused(now clock.MonoNS, id, reason string) {
	if !e.router.pause(id) {
		return
	}
	e.log.Info("worker takes no more credits", "worker", id, "reason", reason)
	for _, p := range e.phases {
		p.leave(now, e.router.workers[id])
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
	for _, p := range e.phases {
		p.loseWorker(now, w, reason)
	}
	for s := range w.sessions {
		e.router.unstick(s)
	}
}

// loseWorker closes the phase's books of a worker that is gone.
func (p *phase) loseWorker(now clock.MonoNS, w *worker, reason string) {
	before := p.stats.CancelledSessions
	p.leave(now, w)
	lost := p.idsInFlight(w)
	for _, credit := range lost {
		p.lose(now, p.flights[credit], reason)
	}
	if n := p.stats.CancelledSessions - before; n > 0 {
		p.e.log.Error("sessions end before their last turn: the worker that held their history is gone", "phase", p.stats.PhaseName, "worker", w.id,
			"sessions", n, "first", p.cut[max(0, len(p.cut)-int(n))].XCorrelationID)
	}
	if len(lost) > 0 {
		p.e.log.Error("credits in flight are lost with their worker", "phase", p.stats.PhaseName, "worker", w.id, "credits", len(lost), "reason", reason)
	}
}

// canGoOn tells whether a session's next turn has a worker that can execute it.
func (e *engine) canGoOn(s *session) bool {
	if p := s.phase; p.coordinator(s) != nil {
		return true
	}
	if e.migratable || s.worker != nil && s.worker.pooled {
		return true
	}
	return s.kin != nil && s.kin.depth > 0 && s.next == 0 && !s.kin.fork // a child that has nothing to remember yet
}
