package transports

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// target is what is known of a URL before a request goes there.
type target struct {
	host    string // scheme://host:port; connections to it may serve any of its URLs
	address string // host:port to connect to
	name    string // that a certificate must have
	secure  bool
	proxied bool   // goes through a proxy
	line    []byte // request line and the beginning of Host
	own     string // value of Host, unless the user wants another
}

// targets remembers URLs by identity: a run has a handful, and uses them unchanged.
type targets struct {
	proxy func(*http.Request) (*url.URL, error) // nil: none

	mu    sync.RWMutex
	known map[*url.URL]*target
}

// maxTargets bounds the memory of a caller that makes a URL for each request.
const maxTargets = 1024

func (t *targets) of(u *url.URL) *target {
	t.mu.RLock()
	to := t.known[u]
	t.mu.RUnlock()
	if to != nil {
		return to
	}
	to = t.prepare(u)
	t.mu.Lock()
	if len(t.known) < maxTargets {
		t.known[u] = to
	}
	t.mu.Unlock()
	return to
}

func (t *targets) prepare(u *url.URL) *target {
	to := &target{name: u.Hostname(), secure: strings.EqualFold(u.Scheme, "https")}
	port := u.Port()
	switch {
	case port != "":
	case to.secure:
		port = "443"
	default:
		port = "80"
	}
	to.address = net.JoinHostPort(to.name, port)
	to.host = strings.ToLower(u.Scheme + "://" + to.address)
	to.own = strings.TrimSuffix(u.Host, ":")
	if name, zone, zoned := strings.Cut(to.own, "%"); zoned { // a zone means nothing to the server
		_, rest, _ := strings.Cut(zone, "]")
		to.own = name + "]" + rest
	}
	to.line = []byte("POST " + u.RequestURI() + " HTTP/1.1\r\nHost: ")
	if t.proxy != nil {
		through, err := t.proxy(&http.Request{URL: u})
		to.proxied = err != nil || through != nil // an error is the standard client's to report
	}
	return to
}

// appendHead writes the head of a request.
//
// hot: once per request. Budget: no allocation.
func (to *target) appendHead(dst []byte, r *Request, closing bool) []byte {
	dst = append(dst, to.line...)
	host := to.own
	if r.Headers != nil && r.Headers.host != "" {
		host = r.Headers.host
	}
	dst = append(append(dst, host...), "\r\n"...)
	if r.Headers != nil {
		dst = r.Headers.appendLines(dst, r.RequestID, r.Session)
	}
	if closing {
		dst = append(dst, "Connection: close\r\n"...)
	}
	return appendLength(dst, len(r.Body))
}
