package transports

import (
	"fmt"
	"strings"

	"golang.org/x/net/http/httpguts"

	"aiperf/config"
	"aiperf/messages"
)

// Headers makes the headers of each request: a fixed part, written once, and the ids that
// change. It is not changed after it was made.
type Headers struct {
	fixed     []config.Header
	host      string   // replaces that of the URL; empty keeps it
	requestID []string // names that carry the request's id
	session   []string // names that carry the session's id

	block []byte // the fixed part as it goes over the wire
	bad   error  // what must not go over the wire
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
//
// A name or value that HTTP does not allow is reported by every exchange.
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
	h.prepare()
	return h
}

// RunHeaders are the headers of a run's requests; dialect are those of its endpoint.
func RunHeaders(run *config.Run, dialect []config.Header, stream bool) *Headers {
	return NewHeaders(HeaderOptions{
		UserAgent: "aiperf/" + config.Version, Endpoint: dialect, SessionHeader: run.Benchmark.Endpoint.SessionHeader,
		Stream: stream, Environment: &run.Environment,
	})
}

// PlainHeaders are the given ones and no others.
func PlainHeaders(headers ...config.Header) *Headers {
	h := &Headers{fixed: headers}
	h.prepare()
	return h
}

// prepare writes what is the same in all requests.
func (h *Headers) prepare() {
	for _, f := range h.fixed {
		if !httpguts.ValidHeaderFieldName(f.Name) || !httpguts.ValidHeaderFieldValue(f.Value) {
			h.bad = messages.NewError("ValueError", fmt.Sprintf("header %q: want a name of letters, digits and dashes, and a value without line ends and control characters", f.Name))
			continue
		}
		switch strings.ToLower(f.Name) {
		case "host":
			h.host = f.Value
			continue
		case "content-length", "transfer-encoding", "trailer":
			continue // how the body is framed is the transport's to say
		}
		h.block = appendHeader(h.block, f.Name, f.Value)
	}
}

func appendHeader(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
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

// appendLines writes the headers of one request, without Host and the length.
//
// hot: once per request. Budget: no allocation.
func (h *Headers) appendLines(dst []byte, requestID, session string) []byte {
	dst = append(dst, h.block...)
	for _, name := range h.requestID {
		dst = appendHeader(dst, name, requestID)
	}
	for _, name := range h.session {
		dst = appendHeader(dst, name, session)
	}
	return dst
}

// List returns the headers of one request, in order.
func (h *Headers) List(requestID, session string) []config.Header {
	list := append([]config.Header(nil), h.fixed...)
	for _, name := range h.requestID {
		list = append(list, config.Header{Name: name, Value: requestID})
	}
	for _, name := range h.session {
		list = append(list, config.Header{Name: name, Value: session})
	}
	return list
}
