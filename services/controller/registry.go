package controller

import (
	"sync"

	"aiperf/config"
	"aiperf/messages"
)

// entry is one service that has registered.
type entry struct {
	id, serviceType string
	state           string
	lastSeq         uint64
	domains         []string // results it owes
	configured      bool
}

// registry knows who is expected and who is there. It is safe for concurrent use.
type registry struct {
	mu       sync.Mutex
	expected map[string]string // id → type
	present  map[string]*entry
	changed  chan struct{} // closed and replaced at each change
}

func newRegistry(specs []config.ServiceSpec, self string) *registry {
	r := &registry{expected: map[string]string{}, present: map[string]*entry{}, changed: make(chan struct{})}
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

// register notes a registration and tells whether the service is new. Registering
// twice changes nothing but the watermark.
func (r *registry) register(from string, seq uint64, reg *messages.Registration, domains []string) (isNew bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.present[from]
	if e == nil {
		e = &entry{id: from, serviceType: reg.ServiceType, domains: domains}
		r.present[from] = e
		isNew = true
	}
	e.state, e.lastSeq = reg.State, seq
	r.touch()
	return isNew
}

// update notes a state; one that is older than what is known is dropped. It tells
// whether the service is known at all.
func (r *registry) update(from string, seq uint64, state string) (known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.present[from]
	if e == nil {
		return false
	}
	if seq > e.lastSeq {
		e.state, e.lastSeq = state, seq
	}
	return true
}

// expect adds a service, such as the replacement of one that ended.
func (r *registry) expect(id, serviceType string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected[id] = serviceType
	r.touch()
}

// gone takes a service out.
func (r *registry) gone(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.expected, id)
	delete(r.present, id)
	r.touch()
}

// configured notes that a service is ready.
func (r *registry) configured(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.present[id]; e != nil {
		e.configured = true
	}
	r.touch()
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
		case !e.configured:
			unconfigured = append(unconfigured, id)
		}
	}
	return unregistered, unconfigured
}

// ids lists the registered services of the given types (all when none is given).
func (r *registry) ids(types ...string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for id, e := range r.present {
		if _, ours := r.expected[id]; !ours {
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

// known tells whether a peer has registered.
func (r *registry) known(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.present[id] != nil
}

// restarting forgets a registration whose id will come back.
func (r *registry) restarting(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.present, id)
	r.touch()
}

// poke wakes those who wait for a change.
func (r *registry) poke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touch()
}
