package test

import (
	"net"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// stream writes the head of a streamed answer and one event. It says that the connection
// will be closed: else the next request may already be on it when it is.
func stream(c net.Conn, more string) {
	event := `data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}` + "\n\n"
	_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(event) + more))
}

func chunk(s string) string {
	const hex = "0123456789abcdef"
	n := len(s)
	return string([]byte{hex[n>>8&15], hex[n>>4&15], hex[n&15]}) + "\r\n" + s + "\r\n"
}

var _ = Describe("a server that fails", Label("e2e"), func() {
	DescribeTable("makes every request an error record, and none a success",
		func(server func() string, wantType, wantMessage string, wantCode float64) {
			p, code := aiperf(profileArgs(server(), artifacts(), "--concurrency", "2", "--request-count", "6", "--isl", "16", "--osl", "4")...)
			Expect(code).To(Equal(1), p.output())
			Expect(p.stdout.String()).To(ContainSubstring("Error Summary"))
			Expect(p.stdout.String() + p.stderr.String()).To(ContainSubstring("All 6 inference request(s) failed"))
			s := p.summary()
			Expect(s).NotTo(HaveKey("request_latency"))
			Expect(number(s, "error_request_count", "avg")).To(Equal(6.0))
			entry := s["error_summary"].([]any)[0].(map[string]any)
			Expect(number(entry, "count")).To(Equal(6.0), "%v", s["error_summary"])
			Expect(at(entry, "error_details", "type")).To(Equal(wantType))
			Expect(at(entry, "error_details", "message")).To(ContainSubstring(wantMessage))
			if wantCode != 0 {
				Expect(number(entry, "error_details", "code")).To(Equal(wantCode))
			}
			lines := p.lines()
			Expect(lines).To(HaveLen(6))
			for _, line := range lines {
				Expect(line).To(HaveKey("error"))
				Expect(number(line, "metadata", "request_start_ns")).To(BeNumerically(">", 0))
				Expect(number(line, "metadata", "request_end_ns")).To(BeNumerically(">=", number(line, "metadata", "request_start_ns")))
			}
			credits := p.books()
			Expect(number(credits, "failed")).To(Equal(6.0))
		},
		Entry("by refusing connections", func() string { return "http://127.0.0.1:" + freePort() }, "ClientConnectorError", "refused", 0.0),
		Entry("by answering 503", func() string {
			return rawServer(func(c net.Conn) {
				_, _ = c.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 10\r\nConnection: close\r\n\r\noverloaded"))
			})
		}, "Service Unavailable", "overloaded", 503.0),
		Entry("by cutting streams", func() string {
			return rawServer(func(c net.Conn) { stream(c, "") })
		}, "ClientPayloadError", "", 0.0),
		Entry("by an error event inside a stream", func() string {
			return rawServer(func(c net.Conn) {
				stream(c, chunk("event: error\ndata: {\"error\":{\"message\":\"engine died\"}}\n\n")+"0\r\n\r\n")
			})
		}, "SSEResponseError", "engine died", 502.0),
		Entry("by closing without a word", func() string {
			return rawServer(func(net.Conn) {})
		}, "ServerDisconnectedError", "", 0.0),
	)

	It("now and then leaves the other requests alone", func() {
		url := target("--fast", "--error-rate", "0.3", "--error-status-codes", "503", "--random-seed", "7")
		p, code := aiperf(profileArgs(url, artifacts(), "--concurrency", "4", "--request-count", "60", "--isl", "16", "--osl", "4")...)
		Expect(code).To(Equal(0), p.output())
		credits := p.books()
		Expect(number(credits, "issued")).To(Equal(60.0))
		Expect(number(credits, "failed")).To(And(BeNumerically(">", 3), BeNumerically("<", 40)))
		Expect(strings.Count(p.stdout.String(), "Error Summary")).To(Equal(1))
	})
})
