package controller

import (
	"sync"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

// entry is one process that has registered.
type entry struct {
	id, serviceType string
	pid             int
	state           string
	lastSeq         uint64
	domains         []string      // results it owes
	configured      bool          // it answered profile_configure
	started         bool          // it gets, or got, profile_start
	excused         bool          // the run goes on without it: nothing waits for it
	again           bool          // a process of the same name was there before
	heard           clock.MonoNS  // last word on the control socket
	silent          bool          // it was warned of since
	gone            chan struct{} // closed when it leaves
}

// registry knows who is expected and who is there. It is safe for concurrent use.
//
//	register ──> configured ──> started; gone or restarting at any time
type registry struct {
	mu       sync.Mutex
	expected map[string]string // id → type
	present  map[string]*entry
	before   map[string]bool // ids whose first process has ended
	started  bool            // profile_start has gone out
	changed  chan struct{}   // closed and replaced at each change
}

func newRegistry(specs []config.ServiceSpec, self string) *registry {
	r := &registry{expected: map[string]string{}, present: map[string]*entry{}, before: map[string]bool{}, changed: make(chan struct{})}
	for _, s := range specs {
		if s.ID != self {
			r.expected[s.ID] = s.Type
		}
	}
	return r
}

func (r *registry) touch() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// wait returns a channel that is closed at the next change.
func (r *registry) wait() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// poke wakes those who wait for a change.
func (r *registry) poke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touch()
}

// register notes a registration and tells whether the process is new and one of the
// run's own. Registering twice changes nothing but the watermark; another process id
// under a known name is a new process, whose predecessor's end is not reported yet.
func (r *registry) register(from string, seq uint64, reg *messages.Registration, domains []string) (isNew bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.present[from]
	if e == nil || e.pid != reg.PID {
		r.remove(from)
		e = &entry{id: from, serviceType: reg.ServiceType, pid: reg.PID, domains: domains, again: r.before[from], gone: make(chan struct{})}
		r.present[from] = e
		_, isNew = r.expected[from]
	}
	e.state, e.lastSeq, e.heard, e.silent = reg.State, seq, clock.Now(), false
	r.touch()
	return isNew
}

// update notes a state; one that is older than what is known is dropped. It tells
// whether the sender is known at all.
func (r *registry) update(from string, seq uint64, state string) (known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.present[from]
	if e == nil {
		return false
	}
	e.heard, e.silent = clock.Now(), false
	if seq > e.lastSeq {
		e.state, e.lastSeq = state, seq
		r.touch()
	}
	return true
}

// left tells whether all of these have stopped or are gone.
func (r *registry) left(ids []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if e := r.present[id]; e != nil && e.state != string(bootstrap.Stopped) {
			return false
		}
	}
	return true
}

// expect adds a service, such as the replacement of one that ended. It tells whether
// the service is there already.
func (r *registry) expect(id, serviceType string) (present bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected[id] = serviceType
	r.touch()
	return r.present[id] != nil
}

// gone takes a service out. It returns the results that it still owed.
func (r *registry) gone(id string) (domains []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.expected, id)
	domains = r.remove(id)
	r.touch()
	return domains
}

// restarting forgets a registration whose id will come back.
func (r *registry) restarting(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(id)
	r.touch()
}

func (r *registry) remove(id string) (domains []string) {
	e := r.present[id]
	if e == nil {
		return nil
	}
	close(e.gone)
	delete(r.present, id)
	r.before[id] = true
	return e.domains
}

// excuse lets the run go on without a service that cannot do its part.
func (r *registry) excuse(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.present[id]; e != nil {
		e.excused = true
	}
	r.touch()
}

// configured notes that a service is ready. It tells whether the service is back: a
// process of the same name had ended.
func (r *registry) configured(id string) (back bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.present[id]; e != nil {
		e.configured, back = true, e.again
	}
	r.touch()
	return back
}

// missing lists expected services that have not registered, and registered ones
// that are not configured.
func (r *registry) missing() (unregistered, unconfigured []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.expected {
		switch e := r.present[id]; {
		case e == nil:
			unregistered = append(unregistered, id)
		case !e.configured && !e.excused:
			unconfigured = append(unconfigured, id)
		}
	}
	return unregistered, unconfigured
}

// count is how many of the expected services are there.
func (r *registry) count() (there, expected int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.expected {
		if r.present[id] != nil {
			there++
		}
	}
	return there, len(r.expected)
}

// claimStart marks every configured service as started. Whoever is configured later
// claims its start for itself.
func (r *registry) claimStart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = true
	for _, e := range r.present {
		e.started = e.started || e.configured
	}
}

// claimLateStart tells whether a service that has just been configured has to be
// started by the caller: profiling goes on and nobody else will.
func (r *registry) claimLateStart(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.present[id]
	if e == nil || !r.started || e.started {
		return false
	}
	e.started = true
	return true
}

// ids lists the run's registered services of the given types (all when none is given).
func (r *registry) ids(types ...string) []string {
	return r.list(func(*entry) bool { return true }, types)
}

// startable is ids, of those that profile_start is for.
func (r *registry) startable(types ...string) []string {
	return r.list(func(e *entry) bool { return e.started && !e.excused }, types)
}

func (r *registry) list(wanted func(*entry) bool, types []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for id, e := range r.present {
		if _, ours := r.expected[id]; !ours || !wanted(e) {
			continue
		}
		if len(types) == 0 {
			out = append(out, id)
			continue
		}
		for _, t := range types {
			if e.serviceType == t {
				out = append(out, id)
			}
		}
	}
	return out
}

// domains lists the results that are owed by the services that are there.
func (r *registry) domains() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for id, e := range r.present {
		if _, ours := r.expected[id]; ours && !e.excused {
			out = append(out, e.domains...)
		}
	}
	return out
}

// known tells whether a peer has registered.
func (r *registry) known(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.present[id] != nil
}

// typeOf is the service type of a registered or expected service.
func (r *registry) typeOf(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.present[id]; e != nil {
		return e.serviceType
	}
	return r.expected[id]
}

// whenGone returns a channel that is closed when the service leaves; nil when it is
// not there.
func (r *registry) whenGone(id string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.present[id]; e != nil {
		return e.gone
	}
	return nil
}
