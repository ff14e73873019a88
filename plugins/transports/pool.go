package transports

import (
	"context"
	"fmt"
	"sync"
	"time"

	"aiperf/clock"
)

// pool keeps connections between exchanges.
//
//	slots      one per connection that is in use; who wants one waits here, first come first
//	idle       by host, the most recently used last: few are kept warm, the others expire
//	sessions   with sticky sessions: one per session
//
// The connections in use and the idle ones together are no more than there are slots; a
// new one takes the place of the longest idle one. Those of sessions are on top of them,
// one for each session that is between two turns.
type pool struct {
	slots   chan struct{}
	keep    time.Duration // lifetime of an idle connection; 0 = no end
	crowded func()        // called when somebody has to wait

	mu       sync.Mutex
	idle     map[string][]*conn
	count    int // of idle ones
	sessions map[string]*conn
	closed   bool
}

func newPool(connections int, keep time.Duration, crowded func()) *pool {
	return &pool{
		slots: make(chan struct{}, connections), keep: keep, crowded: crowded,
		idle: map[string][]*conn{}, sessions: map[string]*conn{},
	}
}

// acquire takes the right to use a connection; it waits while all are in use, until ctx
// or the limit ends.
func (p *pool) acquire(ctx context.Context, x *Exchange, limit time.Duration) error {
	waited := x.Trace.PoolWaitStartNS != 0 // before it came here
	select {
	case p.slots <- struct{}{}:
		if waited {
			x.Trace.PoolWaitEndNS = clock.Now()
		}
		return nil
	default:
	}
	p.crowded()
	if !waited {
		x.Trace.PoolWaitStartNS = clock.Now()
	}
	defer func() { x.Trace.PoolWaitEndNS = clock.Now() }()
	ctx, done := bounded(ctx, x, limit)
	defer done()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tryAcquire is acquire without the wait.
func (p *pool) tryAcquire() bool {
	select {
	case p.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p *pool) leave() { <-p.slots }

// bounded bounds a context by the limit of an exchange.
func bounded(ctx context.Context, x *Exchange, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit-clock.Now().Sub(x.StartNS))
}

// take returns an idle connection that can be used, nil when there is none. session is
// empty unless the session has a connection of its own.
func (p *pool) take(host, session string) *conn {
	for {
		c := p.pop(host, session)
		if c == nil || c.usable() {
			return c
		}
		c.close() // the server has ended it meanwhile
	}
}

func (p *pool) pop(host, session string) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := clock.Now()
	if session != "" {
		c := p.sessions[session]
		delete(p.sessions, session)
		if c != nil && (c.host != host || c.expired(now)) {
			c.close()
			return nil
		}
		return c
	}
	for {
		list := p.idle[host]
		if len(list) == 0 {
			return nil
		}
		c := list[len(list)-1]
		list[len(list)-1] = nil
		p.idle[host] = list[:len(list)-1]
		p.count--
		if !c.expired(now) {
			return c
		}
		c.close()
	}
}

func (c *conn) expired(now clock.MonoNS) bool { return c.expiry != 0 && now > c.expiry }

// expire closes those of a host that are too old.
func (p *pool) expire(host string, now clock.MonoNS) {
	list := p.idle[host]
	kept := list[:0]
	for _, c := range list {
		if c.expired(now) {
			c.close()
			p.count--
			continue
		}
		kept = append(kept, c)
	}
	clear(list[len(kept):])
	p.idle[host] = kept
}

// room makes place for a new connection: it closes the longest idle one when there would
// be too many. The caller has a slot.
func (p *pool) room() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == 0 || p.count+len(p.slots) <= cap(p.slots) {
		return
	}
	var oldest string
	for host, list := range p.idle {
		if len(list) > 0 && (oldest == "" || list[0].at < p.idle[oldest][0].at) {
			oldest = host
		}
	}
	list := p.idle[oldest]
	list[0].close()
	copy(list, list[1:])
	list[len(list)-1] = nil
	p.idle[oldest] = list[:len(list)-1]
	p.count--
}

// put keeps a connection for the next exchange. serverKeeps is what the server has said
// about how long it keeps it, 0 when it said nothing.
func (p *pool) put(c *conn, session string, serverKeeps time.Duration) {
	keep := p.keep
	if serverKeeps > 0 && (keep == 0 || serverKeeps < keep) {
		keep = serverKeeps
	}
	now := clock.Now()
	c.used, c.expiry = true, 0
	if keep > 0 {
		c.expiry = now.Add(keep)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		c.close()
	case session != "":
		if old := p.sessions[session]; old != nil {
			old.close()
		}
		p.sessions[session] = c
	default:
		list := append(p.idle[c.host], c)
		p.idle[c.host] = list
		p.count++
		if list[0].expired(now) {
			p.expire(c.host, now)
		}
	}
}

// end closes the connection of a session, if it has one.
func (p *pool) end(session string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.sessions[session]; c != nil {
		delete(p.sessions, session)
		c.close()
	}
}

// close ends every idle connection; those in use end with their exchange.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, list := range p.idle {
		for _, c := range list {
			c.close()
		}
	}
	for _, c := range p.sessions {
		c.close()
	}
	clear(p.idle)
	clear(p.sessions)
	p.count = 0
}

// crowdedText tells the user why requests wait.
func crowdedText(connections int) string {
	return fmt.Sprintf("requests wait for one of %d connections: the wait is in their latency and in http_req_blocked; raise AIPERF_HTTP_CONNECTION_LIMIT", connections)
}
