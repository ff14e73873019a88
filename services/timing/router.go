package timing

import (
	"aiperf/clock"
	"aiperf/messages"
)

// worker is what the router knows of one worker.
type worker struct {
	id             string
	load           int   // credits in flight
	activeSessions int   // sessions that must go on here
	virtualSent    int64 // credits sent, plus the average of the others at the time it joined
	lastSent       clock.MonoNS

	pooled   bool // may be given new work
	at       int  // position in its bucket
	sessions map[*session]struct{}
	outbox   []messages.Credit // of the current pass
}

// router chooses workers. Those that may be given work lie in buckets by load, so
// that the least loaded are at hand.
//
//	unknown ── dispatchable ──> pooled ── undispatchable ──> known, but not pooled
//	any ── lost or left ──> gone, for ever: a replacement has a new id
type router struct {
	workers map[string]*worker
	gone    map[string]struct{}
	buckets [][]*worker // by load
	pool    int         // workers in the buckets
	least   int         // lowest load with a worker; meaningless when the pool is empty
}

func newRouter() *router {
	return &router{workers: map[string]*worker{}, gone: map[string]struct{}{}}
}

// join adds a worker to the pool and tells whether that changed anything. One that
// joins late starts with the average of what the others have sent, so it is neither
// starved nor flooded. An id that was lost is refused.
func (r *router) join(id string, now clock.MonoNS) bool {
	if _, gone := r.gone[id]; gone {
		return false
	}
	w := r.workers[id]
	if w == nil {
		w = &worker{id: id, virtualSent: r.averageSent(), lastSent: now, sessions: map[*session]struct{}{}}
		r.workers[id] = w
	}
	if w.pooled {
		return false
	}
	w.pooled = true
	r.insert(w)
	return true
}

func (r *router) averageSent() int64 {
	if len(r.workers) == 0 {
		return 0
	}
	var sum int64
	for _, w := range r.workers {
		sum += w.virtualSent
	}
	return sum / int64(len(r.workers))
}

// pause takes a worker out of the pool; what it has in flight will still return.
func (r *router) pause(id string) bool {
	w := r.workers[id]
	if w == nil || !w.pooled {
		return false
	}
	r.extract(w)
	w.pooled = false
	r.settleLeast()
	return true
}

// remove forgets a worker for good and returns it, nil when it was not known.
func (r *router) remove(id string) *worker {
	r.pause(id)
	r.gone[id] = struct{}{}
	w := r.workers[id]
	delete(r.workers, id)
	return w
}

// choose returns the worker for a session's next turn: the one that has the session
// if that one is still in the pool, else the least loaded one; nil when the pool is
// empty.
func (r *router) choose(s *session) *worker {
	if s.worker != nil && s.worker.pooled {
		return s.worker
	}
	if r.pool == 0 {
		return nil
	}
	return leastBusy(r.buckets[r.least])
}

// leastBusy breaks the tie between workers of equal load: fewest sessions to go on
// with, then fewest credits so far, then the longest idle, then the name.
func leastBusy(tied []*worker) *worker {
	best := tied[0]
	for _, w := range tied[1:] {
		if lessBusy(w, best) {
			best = w
		}
	}
	return best
}

func lessBusy(a, b *worker) bool {
	switch {
	case a.activeSessions != b.activeSessions:
		return a.activeSessions < b.activeSessions
	case a.virtualSent != b.virtualSent:
		return a.virtualSent < b.virtualSent
	case a.lastSent != b.lastSent:
		return a.lastSent < b.lastSent
	default:
		return a.id < b.id
	}
}

// charge books a credit to a worker.
func (r *router) charge(w *worker, now clock.MonoNS) {
	w.virtualSent++
	w.lastSent = now
	r.move(w, w.load+1)
}

// release takes a credit off a worker.
func (r *router) release(w *worker) { r.move(w, w.load-1) }

func (r *router) move(w *worker, load int) {
	if w.pooled {
		r.extract(w)
	}
	w.load = load
	if w.pooled {
		r.insert(w)
		r.settleLeast() // one step at most: the load changed by one
	}
}

func (r *router) insert(w *worker) {
	for len(r.buckets) <= w.load {
		r.buckets = append(r.buckets, nil)
	}
	w.at = len(r.buckets[w.load])
	r.buckets[w.load] = append(r.buckets[w.load], w)
	if r.pool == 0 || w.load < r.least {
		r.least = w.load
	}
	r.pool++
}

// extract takes a worker out of its bucket; settleLeast is due afterwards.
func (r *router) extract(w *worker) {
	bucket := r.buckets[w.load]
	last := len(bucket) - 1
	bucket[w.at] = bucket[last]
	bucket[w.at].at = w.at
	bucket[last] = nil
	r.buckets[w.load] = bucket[:last]
	r.pool--
}

// settleLeast moves the mark up to the first bucket with a worker.
func (r *router) settleLeast() {
	for r.pool > 0 && len(r.buckets[r.least]) == 0 {
		r.least++
	}
}

// stick binds a session to a worker.
func (r *router) stick(s *session, w *worker) {
	if s.worker == w {
		return
	}
	r.unstick(s)
	s.worker = w
	w.activeSessions++
	w.sessions[s] = struct{}{}
}

// unstick gives a session back by the worker that holds it.
func (r *router) unstick(s *session) {
	if s.worker == nil {
		return
	}
	s.worker.activeSessions--
	delete(s.worker.sessions, s)
	s.worker = nil
}
