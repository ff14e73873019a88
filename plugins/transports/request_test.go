package transports

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
)

var _ = DescribeTable("joining a URL", func(base, path, want string) {
	u, err := JoinURL(base, path)
	Expect(err).NotTo(HaveOccurred())
	Expect(u.String()).To(Equal(want))
},
	Entry("a scheme is put before", "localhost:8000", "/v1/chat/completions", "http://localhost:8000/v1/chat/completions"),
	Entry("the version comes once", "http://h/v1", "/v1/chat/completions", "http://h/v1/chat/completions"),
	Entry("also with a slash", "http://h/v1/", "/v1/chat/completions", "http://h/v1/chat/completions"),
	Entry("a whole URL stays", "http://h/v1/chat/completions", "/v1/chat/completions", "http://h/v1/chat/completions"),
	Entry("the query stays", "http://h/proxy?k=1", "/v1/completions", "http://h/proxy/v1/completions?k=1"),
	Entry("with repeated and odd keys as they are", "http://h?a=1&a=2&b=%7e+x", "/v1/completions", "http://h/v1/completions?a=1&a=2&b=%7e+x"),
	Entry("another path", "http://h", "/v2/chat", "http://h/v2/chat"),
	Entry("a path without slash", "http://h", "v2/chat", "http://h/v2/chat"),
	Entry("a bare slash appends nothing", "http://h/x", "/", "http://h/x"),
	Entry("no path appends nothing", "http://h/x", "", "http://h/x"),
	Entry("a path with a query", "http://h?a=1", "/chat?b=2", "http://h/chat?a=1&b=2"),
	Entry("an IPv6 literal", "http://[::1]:8000", "/v1/chat/completions", "http://[::1]:8000/v1/chat/completions"),
	Entry("an escaped path stays escaped", "http://h/a%2Fb", "/v1/x", "http://h/a%2Fb/v1/x"),
	Entry("capitals in the scheme", "HTTPS://h", "/v1/x", "https://h/v1/x"),
)

var _ = DescribeTable("refusing a URL", func(base string) {
	_, err := JoinURL(base, "/v1/x")
	Expect(err).To(HaveOccurred())
},
	Entry("no host", "http://:8000"), Entry("no port number", "http://h:port"), Entry("white space", "http://h h/"),
)

var _ = Describe("headers", func() {
	build := func(o HeaderOptions) []config.Header {
		if o.Environment == nil {
			o.Environment = &config.Environment{}
		}
		o.UserAgent = "aiperf/1"
		return NewHeaders(o).List("req", "ses")
	}
	h := func(pairs ...string) (out []config.Header) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, config.Header{Name: pairs[i], Value: pairs[i+1]})
		}
		return out
	}

	It("carry ids, the dialect's own, and what is sent and wanted", func() {
		Expect(build(HeaderOptions{Endpoint: h("X-A", "1", "Authorization", "Bearer k"), Stream: true})).To(ConsistOf(h(
			"User-Agent", "aiperf/1", "X-A", "1", "Authorization", "Bearer k", "Accept", "text/event-stream",
			"Content-Type", "application/json", "X-Request-ID", "req", "X-Correlation-ID", "ses")))
	})
	It("are the user's where he has a say", func() {
		Expect(build(HeaderOptions{Endpoint: h("user-agent", "me", "accept", "*/*", "content-type", "text/x", "x-request-id", "mine", "X-Correlation-Id", "mine")})).
			To(ConsistOf(h("user-agent", "me", "accept", "*/*", "content-type", "text/x", "x-request-id", "mine", "X-Correlation-Id", "mine")))
	})
	It("may repeat, but the last Authorization counts", func() {
		got := build(HeaderOptions{Endpoint: h("X-A", "1", "X-A", "2", "authorization", "Basic x", "Authorization", "Bearer k")})
		Expect(got).To(ContainElements(h("X-A", "1", "X-A", "2", "Authorization", "Bearer k")))
		Expect(got).NotTo(ContainElement(h("authorization", "Basic x")[0]))
	})
	It("name the session as the run wants it", func() {
		env := &config.Environment{}
		env.HTTP.SessionAffinityHeader, env.HTTP.DynamoSessionIDHeader, env.HTTP.SMGRoutingKeyHeader, env.HTTP.SessionIDHeader = true, true, true, true
		got := build(HeaderOptions{SessionHeader: "X-Mine", Environment: env, Endpoint: h("x-session-affinity", "other")})
		Expect(got).To(ContainElements(h("X-Mine", "ses", "X-Session-Affinity", "ses", "X-Session-ID", "ses", "X-SMG-Routing-Key", "ses", "X-Dynamo-Session-ID", "ses")))
		Expect(got).NotTo(ContainElement(h("x-session-affinity", "other")[0]))
		Expect(got).NotTo(ContainElement(h("X-Correlation-ID", "ses")[0]))
	})
})
