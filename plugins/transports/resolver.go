package transports

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"aiperf/clock"
)

// resolver finds the addresses of host names and remembers them for a while. It is
// safe for concurrent use.
type resolver struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	family string // 4, 6, auto
	cached bool
	ttl    time.Duration // 0 = for ever
	note   func(string)

	mu      sync.Mutex
	entries map[string]cachedAddrs
	noted   map[string]bool
}

type cachedAddrs struct {
	addrs []netip.Addr
	at    clock.MonoNS
}

func newResolver(family string, cached bool, ttl time.Duration, note func(string)) *resolver {
	return &resolver{
		lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		family: family, cached: cached, ttl: ttl, note: note,
		entries: map[string]cachedAddrs{}, noted: map[string]bool{},
	}
}

// maxCachedNames bounds the cache; a run talks to a handful of hosts.
const maxCachedNames = 256

// resolve returns at least one address, in the order to try. The stamps are 0 when
// nothing was looked up: for literals, and for names in the cache.
func (r *resolver) resolve(ctx context.Context, host string) (addrs []netip.Addr, started, ended clock.MonoNS, err error) {
	if literal, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{literal}, 0, 0, nil // its own family, whatever the setting says
	}
	if addrs := r.remembered(host); addrs != nil {
		return addrs, 0, 0, nil
	}
	started = clock.Now()
	found, err := r.lookup(ctx, host)
	ended = clock.Now()
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	if err != nil {
		return nil, started, ended, err
	}
	addrs = r.choose(host, found)
	r.mu.Lock()
	if r.cached && len(r.entries) < maxCachedNames {
		r.entries[host] = cachedAddrs{addrs, ended}
	}
	r.mu.Unlock()
	return addrs, started, ended, nil
}

func (r *resolver) remembered(host string) []netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[host]
	if !ok {
		return nil
	}
	if r.ttl > 0 && clock.Now().Sub(e.at) > r.ttl {
		delete(r.entries, host)
		return nil
	}
	return e.addrs
}

// choose keeps the wanted family; a name that has none of it is reached through the
// other, which is noted once.
func (r *resolver) choose(host string, found []netip.Addr) []netip.Addr {
	if r.family == "auto" {
		return found
	}
	var wanted []netip.Addr
	for _, a := range found {
		if a.Unmap().Is4() == (r.family != "6") {
			wanted = append(wanted, a.Unmap())
		}
	}
	if wanted != nil {
		return wanted
	}
	r.mu.Lock()
	first := !r.noted[host]
	r.noted[host] = true
	r.mu.Unlock()
	if first {
		r.note(host + " has no IPv" + r.family + " address; using the other family")
	}
	return found
}
