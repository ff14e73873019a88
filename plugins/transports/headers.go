package transports

import (
	"strings"

	"aiperf/config"
)

// Headers makes the headers of each request: a fixed part and the ids that change.
type Headers struct {
	fixed     []config.Header
	requestID []string // names that carry the request's id
	session   []string // names that carry the session's id
}

// HeaderOptions are what the headers of a run are made from.
type HeaderOptions struct {
	UserAgent string
	Endpoint  []config.Header // of the dialect: the user's own and the API key
	// SessionHeader renames X-Correlation-ID; empty keeps the name.
	SessionHeader string
	Stream        bool
	Environment   *config.Environment
}

// NewHeaders merges them; later ones win, names compare without case:
//
//	User-Agent, X-Request-ID, X-Correlation-ID
//	the endpoint's, where a name may come more than once
//	Accept and Content-Type, unless the user has set them
//	derived session headers, always as the run wants them
func NewHeaders(o HeaderOptions) *Headers {
	h := &Headers{}
	mine := func(name string) bool { return !contains(o.Endpoint, name) }
	if mine("User-Agent") {
		h.fixed = append(h.fixed, config.Header{Name: "User-Agent", Value: o.UserAgent})
	}
	if mine("X-Request-ID") {
		h.requestID = append(h.requestID, "X-Request-ID")
	}
	session := o.SessionHeader
	if session == "" {
		session = "X-Correlation-ID"
	}
	if mine(session) {
		h.session = append(h.session, session)
	}
	derived := derivedHeaders(o.Environment)
	for i, header := range o.Endpoint {
		// A later Authorization replaces the earlier one; other names may repeat.
		replaced := strings.EqualFold(header.Name, "Authorization") && contains(o.Endpoint[i+1:], header.Name)
		if !replaced && !containsName(derived, header.Name) {
			h.fixed = append(h.fixed, header)
		}
	}
	if mine("Accept") {
		accept := "application/json"
		if o.Stream {
			accept = "text/event-stream"
		}
		h.fixed = append(h.fixed, config.Header{Name: "Accept", Value: accept})
	}
	if mine("Content-Type") {
		h.fixed = append(h.fixed, config.Header{Name: "Content-Type", Value: "application/json"})
	}
	h.session = append(h.session, derived...)
	return h
}

// derivedHeaders are the names that routers of inference servers know a session by.
func derivedHeaders(env *config.Environment) []string {
	var names []string
	for _, d := range []struct {
		on   bool
		name string
	}{
		{env.HTTP.SessionAffinityHeader, "X-Session-Affinity"},
		{env.HTTP.SessionIDHeader, "X-Session-ID"},
		{env.HTTP.SMGRoutingKeyHeader, "X-SMG-Routing-Key"},
		{env.HTTP.DynamoSessionIDHeader, "X-Dynamo-Session-ID"},
	} {
		if d.on {
			names = append(names, d.name)
		}
	}
	return names
}

func contains(headers []config.Header, name string) bool {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}

func containsName(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// Append appends the headers of one request.
func (h *Headers) Append(dst []config.Header, requestID, session string) []config.Header {
	dst = append(dst, h.fixed...)
	for _, name := range h.requestID {
		dst = append(dst, config.Header{Name: name, Value: requestID})
	}
	for _, name := range h.session {
		dst = append(dst, config.Header{Name: name, Value: session})
	}
	return dst
}
