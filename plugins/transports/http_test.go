package transports

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

// settings are those of a run, as far as transports read them.
func settings() *config.Environment {
	env := &config.Environment{}
	env.HTTP.ConnectionLimit, env.HTTP.KeepaliveTimeoutSec, env.HTTP.SSLVerify, env.HTTP.IPVersion = 100, 300, true, "4"
	env.HTTP.TCPKeepIdleSec, env.HTTP.TCPKeepIntvlSec, env.HTTP.TCPKeepCnt, env.HTTP.TCPUserTimeoutMS = 60, 30, 1, 30000
	env.HTTP.UseDNSCache, env.HTTP.TTLDNSCacheSec = true, 300
	return env
}

func newTransport(env *config.Environment, ep config.Endpoint) *HTTP {
	t, err := NewHTTP(Config{Endpoint: ep, Environment: env})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(t.Close)
	return t.(*HTTP)
}

func endpoint(raw string) *url.URL {
	u, err := JoinURL(raw, "/v1/chat/completions")
	Expect(err).NotTo(HaveOccurred())
	return u
}

// exchange sends a body and checks what is true of every exchange.
func exchange(ctx context.Context, t Transport, r *Request) *Exchange {
	if r.Body == nil {
		r.Body = []byte(`{"model":"m"}`)
	}
	x := &Exchange{StartNS: clock.Now()}
	t.Exchange(ctx, r, x)
	Expect(x.EndNS).To(BeNumerically(">", x.StartNS), "every exchange takes time")
	Expect(x.StampSource).To(BeElementOf("", "kernel", "read"))
	last := x.StartNS
	for _, at := range []clock.MonoNS{x.SendNS, x.RecvStartNS} {
		if at != 0 {
			Expect(at).To(BeNumerically(">=", last))
			last = at
		}
	}
	for _, resp := range x.Responses {
		Expect(resp.PerfNS).To(BeNumerically(">=", last), "responses are stamped in order")
		last = resp.PerfNS
	}
	Expect(x.EndNS).To(BeNumerically(">=", last))
	return x
}

func texts(x *Exchange) (out []string) {
	for _, r := range x.Responses {
		out = append(out, string(r.Bytes))
	}
	return out
}

// rawServer answers each connection with a function that sees the request's bytes gone.
func rawServer(answer func(c net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				req, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				answer(c)
			})
		}
	})
	DeferCleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return "http://" + l.Addr().String()
}

func says(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

const sseHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"

var _ = Describe("an HTTP exchange", func() {
	var t *HTTP
	BeforeEach(func() { t = newTransport(settings(), config.Endpoint{}) })

	It("sends the body verbatim under the given headers, and nothing else", func(ctx context.Context) {
		var got http.Header
		var body []byte
		var host, path string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, host, path = r.Header, r.Host, r.URL.RequestURI()
			body, _ = io.ReadAll(r.Body)
			_, _ = io.WriteString(w, `{"ok":true}`)
		}))
		DeferCleanup(s.Close)
		x := exchange(ctx, t, &Request{
			URL: endpoint(s.URL + "/proxy?k=1"), Body: []byte(`{"a":"<&>"}`),
			Headers: PlainHeaders(config.Header{Name: "User-Agent", Value: "aiperf/1"}, config.Header{Name: "X-Twice", Value: "1"}, config.Header{Name: "x-twice", Value: "2"}, config.Header{Name: "Host", Value: "example.test"}),
		})
		Expect(x.Error).To(BeNil())
		Expect(x.Status).To(Equal(200))
		Expect(texts(x)).To(Equal([]string{`{"ok":true}`}))
		Expect(x.Responses[0].Kind).To(Equal(messages.ResponseText))
		Expect(x.Responses[0].PerfNS).To(Equal(x.EndNS), "a whole body is stamped at its end")
		Expect(x.Streamed).To(BeFalse())
		Expect(string(body)).To(Equal(`{"a":"<&>"}`))
		Expect(host).To(Equal("example.test"))
		Expect(path).To(Equal("/proxy/v1/chat/completions?k=1"))
		Expect(got).To(Equal(http.Header{"User-Agent": {"aiperf/1"}, "X-Twice": {"1", "2"}, "Content-Length": {"11"}}))
	})

	It("stamps events at the reads that completed them", func(ctx context.Context) {
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(func(c net.Conn) {
			_, _ = io.WriteString(c, sseHead+chunk("data: a\n\ndata: b\n\n")+chunk("data: c"))
			time.Sleep(20 * time.Millisecond)
			_, _ = io.WriteString(c, chunk("\n\ndata: [DONE]\n\n")+"0\r\n\r\n")
		}))})
		Expect(x.Error).To(BeNil())
		Expect(x.Streamed).To(BeTrue())
		Expect(texts(x)).To(Equal([]string{"a", "b", "c", "[DONE]"}))
		Expect(x.Responses[0].PerfNS).To(Equal(x.Responses[1].PerfNS), "one read, one stamp")
		Expect(x.Responses[2].PerfNS - x.Responses[1].PerfNS).To(BeNumerically(">=", 20*time.Millisecond))
		Expect(x.Trace.ChunksSent).To(BeEquivalentTo(1), "head and body leave in one write")
		Expect(x.RecvBytes).To(BeEquivalentTo(len("data: a\n\ndata: b\n\ndata: c\n\ndata: [DONE]\n\n")))
		Expect(x.Trace.ReceiveStartNS).To(Equal(x.Responses[0].PerfNS))
	})

	It("counts neither a late reader nor its own bookkeeping into the stamps", func(ctx context.Context) {
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(says(sseHead + chunk("data: a\n\n") + "0\r\n\r\n")))})
		Expect(x.RecvStartNS).To(Equal(x.Responses[0].PerfNS), "head and event came with one read")
		Expect(x.EndNS).To(Equal(x.RecvStartNS))
	})

	DescribeTable("takes a stream apart wherever the network cuts it", func(ctx context.Context, step int) {
		whole := sseHead + chunk("data: {\"a\":1}\r\n\r\n: ping\n\ndata: b\n") + chunk("\ndata: [DONE]\n\n") + "0\r\n\r\n"
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(func(c net.Conn) {
			for at := 0; at < len(whole); at += step {
				_, _ = io.WriteString(c, whole[at:min(at+step, len(whole))])
				if step < 8 {
					time.Sleep(50 * time.Microsecond)
				}
			}
		}))})
		Expect(x.Error).To(BeNil())
		Expect(texts(x)).To(Equal([]string{`{"a":1}`, "b", "[DONE]"}))
	},
		Entry("byte by byte", 1), Entry("by threes", 3), Entry("by sevens", 7), Entry("by sixty-fours", 64),
	)

	It("reads an answer by what it is, not by what was asked for", func(ctx context.Context) {
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"a\":")
			time.Sleep(10 * time.Millisecond)
			_, _ = io.WriteString(c, "1234}")
		}))})
		Expect(texts(x)).To(Equal([]string{`{"a":1234}`}))
		Expect(x.Trace.ReceiveEndNS-x.Trace.ReceiveStartNS).To(BeNumerically(">=", 10*time.Millisecond), "a body in two parts takes time to receive")
		Expect(x.Trace.ChunksReceived).To(BeEquivalentTo(2))
	})

	DescribeTable("gives a failure its name", func(ctx context.Context, answer func(net.Conn), typ, message string) {
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(answer))})
		Expect(x.Error).NotTo(BeNil())
		Expect(x.Error.Type).To(Equal(typ))
		Expect(x.Error.Message).To(ContainSubstring(message))
		Expect(x.Error.Message).NotTo(MatchRegexp(`127\.0\.0\.1:\d+->`), "ports would keep equal failures apart")
		Expect(x.Cancelled).To(BeFalse())
	},
		Entry("closed without an answer", says(""), "ServerDisconnectedError", "Server disconnected"),
		Entry("closed in the middle of the head", says("HTTP/1.1 200 OK\r\nContent-Ty"), "ServerDisconnectedError", "Server disconnected"),
		Entry("no HTTP", says("SSH-2.0-OpenSSH_9\r\n\r\n"), "ClientResponseError", "malformed HTTP"),
		Entry("a status that is no number", says("HTTP/1.1 abc OK\r\n\r\n"), "ClientResponseError", "malformed HTTP"),
		Entry("a header without a colon", says("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"), "ClientResponseError", "malformed MIME header"),
		Entry("fewer bytes than announced", says("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), "ClientPayloadError", "cut short"),
		Entry("a stream that breaks off inside a chunk", says(sseHead+"40\r\ndata: a\n\n"), "ClientPayloadError", "cut short"),
		Entry("a stream that breaks off between chunks", says(sseHead+chunk("data: a\n\n")), "ClientPayloadError", "cut short"),
		Entry("a chunk length that is no number", says(sseHead+"zz\r\ndata: a\n\n"), "ClientPayloadError", "cut short"),
		Entry("an impossible length", says("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), "ClientResponseError", "Content-Length"),
		Entry("a reset before the answer", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, "ClientOSError", "connection reset by peer"),
		Entry("a reset inside the answer", func(c net.Conn) {
			_, _ = io.WriteString(c, sseHead+chunk("data: a\n\n"))
			time.Sleep(5 * time.Millisecond) // a reset overtakes what is not read yet
			_ = c.(*net.TCPConn).SetLinger(0)
		}, "ClientOSError", "connection reset by peer"),
	)

	It("keeps what came before a stream broke off", func(ctx context.Context) {
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(says(sseHead + chunk("data: a\n\n") + "5\r\nda")))})
		Expect(x.Error.Type).To(Equal("ClientPayloadError"))
		Expect(texts(x)).To(Equal([]string{"a"}))
		Expect(x.Status).To(Equal(200))
	})

	It("ends at an error that the server reports inside the stream", func(ctx context.Context) {
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(says(sseHead + chunk("data: a\n\ndata: {\"error\":{\"message\":\"out of memory\",\"code\":507}}\n\n") + chunk("data: b\n\n"))))})
		Expect(x.Error.Type).To(Equal("SSEResponseError"))
		Expect(*x.Error.Code).To(BeEquivalentTo(507))
		Expect(texts(x)).To(Equal([]string{"a"}))
	})

	DescribeTable("reports a status outside 2xx with its reason and body", func(ctx context.Context, answer string, code int, typ, message string) {
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(func(c net.Conn) {
			time.Sleep(2 * time.Millisecond)
			_, _ = io.WriteString(c, answer)
		}))})
		Expect(x.Error.Type).To(Equal(typ))
		Expect(*x.Error.Code).To(BeEquivalentTo(code))
		Expect(x.Error.Message).To(Equal(message))
		Expect(x.Status).To(Equal(code))
		Expect(x.RecvStartNS).To(BeZero())
		Expect(x.Responses).To(BeEmpty())
		Expect(x.EndNS-x.StartNS).To(BeNumerically(">=", 2*time.Millisecond), "an error takes its time, too")
	},
		Entry("busy", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy", 503, "Service Unavailable", "busy"),
		Entry("a reason of its own", "HTTP/1.1 404 Gone Fishing\r\nContent-Length: 2\r\n\r\nno", 404, "Gone Fishing", "no"),
		Entry("no reason", "HTTP/1.1 429 \r\nContent-Length: 2\r\n\r\nno", 429, "Too Many Requests", "no"),
		Entry("no reason that anybody knows", "HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n", 599, "HTTP status 599", "HTTP status 599"),
		Entry("no body", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", 500, "Internal Server Error", "Internal Server Error"),
		Entry("a body that breaks off", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 9\r\n\r\nhalf", 500, "Internal Server Error", "half"),
		Entry("a redirect is not followed", "HTTP/1.1 302 Found\r\nLocation: http://u:p@h/x?key=1\r\nContent-Length: 0\r\n\r\n", 302, "Found", "redirects are not followed; the server points to http://<redacted>@h/x?key=<redacted>"),
	)

	It("keeps the first part of a very long reason", func(ctx context.Context) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			for range 100 {
				_, _ = io.WriteString(w, strings.Repeat("x", 10<<10))
			}
		}))
		DeferCleanup(s.Close)
		x := exchange(ctx, t, &Request{URL: endpoint(s.URL)})
		Expect(len(x.Error.Message)).To(BeNumerically("<", 5000))
		Expect(x.RecvBytes).To(BeNumerically("<", 600<<10), "the rest is not worth reading")
	})

	It("reports a refused connection", func(ctx context.Context) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		address := l.Addr().String()
		Expect(l.Close()).To(Succeed())
		x := exchange(ctx, t, &Request{URL: endpoint("http://" + address)})
		Expect(x.Error.Type).To(Equal("ClientConnectorError"))
		Expect(x.Error.Message).To(ContainSubstring("connection refused"))
		Expect(x.SendNS).To(BeZero())
	})

	It("reports a name without an address", func(ctx context.Context) {
		t.dialer.resolver.lookup = func(context.Context, string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "nowhere.test", IsNotFound: true}
		}
		x := exchange(ctx, t, &Request{URL: endpoint("http://nowhere.test")})
		Expect(x.Error.Type).To(Equal("ClientConnectorDNSError"))
		Expect(x.Error.Message).To(ContainSubstring("nowhere.test"))
	})

	Describe("its deadline", func() {
		DescribeTable("says what the request was doing", func(ctx context.Context, answer func(net.Conn), doing string) {
			t = newTransport(settings(), config.Endpoint{TimeoutSec: 0.05})
			x := exchange(ctx, t, &Request{URL: endpoint(rawServer(answer))})
			Expect(x.Error.Type).To(Equal("TimeoutError"))
			Expect(x.Error.Message).To(And(ContainSubstring("50ms"), ContainSubstring(doing)))
			Expect(x.Cancelled).To(BeFalse())
		},
			Entry("no head", func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }, "waiting for the response"),
			Entry("half a head", func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConte")
				_, _ = c.Read(make([]byte, 1))
			}, "waiting for the response"),
			Entry("half a stream", func(c net.Conn) {
				_, _ = io.WriteString(c, sseHead+chunk("data: a\n\n"))
				_, _ = c.Read(make([]byte, 1))
			}, "receiving the response"),
		)

		It("counts the wait for a connection", func(ctx context.Context) {
			env := settings()
			env.HTTP.ConnectionLimit, env.HTTP.ConnectionLimitSet = 1, true
			var notes atomic.Int32
			made, err := NewHTTP(Config{Endpoint: config.Endpoint{TimeoutSec: 0.2}, Environment: env, Note: func(string) { notes.Add(1) }, Concurrency: 10})
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(made.Close)
			busy := make(chan struct{})
			at := endpoint(rawServer(func(c net.Conn) {
				close(busy)
				_, _ = c.Read(make([]byte, 1))
			}))
			first, stop := context.WithCancelCause(ctx)
			var wg sync.WaitGroup
			wg.Go(func() {
				defer GinkgoRecover()
				Expect(exchange(first, made, &Request{URL: at}).Cancelled).To(BeTrue())
			})
			<-busy
			made.(*HTTP).limit = 30 * time.Millisecond
			x := exchange(ctx, made, &Request{URL: at})
			Expect(x.Error.Type).To(Equal("TimeoutError"))
			Expect(x.Error.Message).To(ContainSubstring("waiting for a free connection"))
			Expect(x.Trace.PoolWaitEndNS - x.Trace.PoolWaitStartNS).To(BeNumerically(">", 10*time.Millisecond))
			Expect(notes.Load()).To(BeEquivalentTo(1))
			stop(ErrCancelled)
			wg.Wait()
		})
	})

	It("becomes a cancelled one when nobody wants it any more", func(ctx context.Context) {
		ctx, cancel := context.WithCancelCause(ctx)
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(func(c net.Conn) {
			_, _ = io.WriteString(c, sseHead+chunk("data: a\n\n"))
			time.AfterFunc(5*time.Millisecond, func() { cancel(ErrCancelled) })
			_, _ = c.Read(make([]byte, 1))
		}))})
		Expect(x.Cancelled).To(BeTrue())
		Expect(*x.Error).To(Equal(*CancelledError()))
		Expect(texts(x)).To(Equal([]string{"a"}))
	})

	It("does not read the body of a request after its end", func(ctx context.Context) {
		// A server that never reads: the body is still being written when the exchange ends.
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(l.Close)
		ctx, cancel := context.WithCancelCause(ctx)
		body := make([]byte, 32<<20)
		time.AfterFunc(20*time.Millisecond, func() { cancel(ErrCancelled) })
		x := exchange(ctx, t, &Request{URL: endpoint("http://" + l.Addr().String()), Body: body})
		Expect(x.Cancelled).To(BeTrue())
		clear(body) // the race detector would see a late reader
	})
})

var _ = Describe("connections", func() {
	// counting counts connections of a server that answers everything.
	counting := func(tls bool) (s *httptest.Server, connections *atomic.Int64) {
		connections = &atomic.Int64{}
		s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "ok")
		}))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		s.Config.ErrorLog = nil
		if tls {
			s.StartTLS()
		} else {
			s.Start()
		}
		DeferCleanup(s.Close)
		return s, connections
	}

	DescribeTable("are used as the strategy says", func(ctx context.Context, reuse string, forceClose bool, want int) {
		s, connections := counting(false)
		env := settings()
		env.HTTP.ForceClose = forceClose
		t := newTransport(env, config.Endpoint{ConnectionReuse: reuse})
		for _, session := range []string{"a", "b"} {
			for turn := range 3 {
				x := exchange(ctx, t, &Request{URL: endpoint(s.URL), Session: session, FinalTurn: turn == 2})
				Expect(x.Error).To(BeNil())
				Expect(x.Trace.Reused).To(Equal(x.Trace.ConnectEndNS == 0))
			}
		}
		Expect(connections.Load()).To(BeEquivalentTo(want))
		Expect(t.sessions).To(BeEmpty())
	},
		Entry("one after another through a pool", "pooled", false, 1),
		Entry("a fresh one each", "never", false, 6),
		Entry("one per session", "sticky-user-sessions", false, 2),
		Entry("closed after every answer", "pooled", true, 6),
	)

	It("end with their session also after an error", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{ConnectionReuse: "sticky_user_sessions"})
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(says("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"))), Session: "a"})
		Expect(x.Error).NotTo(BeNil())
		Expect(t.sessions).To(BeEmpty())
	})

	It("end with their session when they were taken for a turn that is not sent", func(ctx context.Context) {
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, okAnswer)
			}
		}))
		t := newTransport(settings(), config.Endpoint{ConnectionReuse: "sticky_user_sessions"})
		Expect(exchange(ctx, t, &Request{URL: u, Session: "a"}).Error).To(BeNil())
		Expect(t.sessions).To(HaveLen(1))
		ctx, cancel := context.WithCancelCause(ctx)
		ready := t.Ready(&Request{URL: u, Session: "a"})
		ready.Hold(ctx)
		Expect(t.sessions).To(BeEmpty(), "it is held")
		cancel(ErrCancelled)
		x := &Exchange{StartNS: clock.Now()}
		ready.Exchange(ctx, x)
		Expect(x.Error).To(Equal(CancelledError()))
		Expect(t.sessions).To(BeEmpty())
		Expect(t.pool.slots).To(BeEmpty())
	})

	It("refuse a strategy that does not exist", func() {
		_, err := NewHTTP(Config{Endpoint: config.Endpoint{ConnectionReuse: "sometimes"}, Environment: settings()})
		Expect(err).To(MatchError(ContainSubstring("there are: pooled, never, sticky-user-sessions")))
	})

	It("that the server closed while idle are replaced without an error", func(ctx context.Context) {
		end, ended := make(chan struct{}), make(chan struct{})
		connections := 0
		at := endpoint(rawServer(func(c net.Conn) {
			connections++
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			<-end // the exchange is over; nobody reads here, so that closing is immediate
			_ = c.Close()
			ended <- struct{}{}
		}))
		t := newTransport(settings(), config.Endpoint{})
		for range 20 {
			x := exchange(ctx, t, &Request{URL: at})
			Expect(x.Error).To(BeNil())
			Expect(x.Trace.Reused).To(BeFalse())
			end <- struct{}{}
			<-ended
		}
		Expect(connections).To(Equal(20))
	})

	It("carry one attempt per request, whatever the server does to it", func(ctx context.Context) {
		var requests atomic.Int64
		at := endpoint(rawServer(func(c net.Conn) {
			if requests.Add(1) == 1 {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				req, err := http.ReadRequest(bufio.NewReader(c)) // the next one on this connection
				if err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
					requests.Add(1)
				}
			}
		}))
		t := newTransport(settings(), config.Endpoint{})
		key := PlainHeaders(config.Header{Name: "Idempotency-Key", Value: "k"})
		Expect(exchange(ctx, t, &Request{URL: at, Headers: key}).Error).To(BeNil())
		x := exchange(ctx, t, &Request{URL: at, Headers: key})
		Expect(x.Error.Type).To(Equal("ServerDisconnectedError"))
		Expect(requests.Load()).To(BeEquivalentTo(2))
	})

	It("stamp DNS, connection and handshake so that the parts fit into the whole", func(ctx context.Context) {
		s, _ := counting(true)
		env := settings()
		env.HTTP.SSLVerify = false
		t := newTransport(env, config.Endpoint{})
		t.dialer.resolver.lookup = func(context.Context, string) ([]netip.Addr, error) {
			time.Sleep(time.Millisecond)
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		u := endpoint(strings.Replace(s.URL, "127.0.0.1", "server.test", 1))
		x := exchange(ctx, t, &Request{URL: u})
		Expect(x.Error).To(BeNil())
		tr := x.Trace
		stamps := []clock.MonoNS{x.StartNS, tr.DNSStartNS, tr.DNSEndNS, tr.ConnectStartNS, tr.ConnectEndNS, tr.SendStartNS, tr.SendEndNS, tr.ReceiveStartNS, tr.ReceiveEndNS, x.EndNS}
		for i := 1; i < len(stamps); i++ {
			Expect(stamps[i]).To(BeNumerically(">=", stamps[i-1]), "stamp %d", i)
		}
		Expect(tr.DNSEndNS - tr.DNSStartNS).To(BeNumerically(">=", time.Millisecond))
		Expect(x.SendNS).To(Equal(tr.SendStartNS))
		Expect(tr.BytesSent).To(BeEquivalentTo(13))
		Expect(tr.ChunksSent).To(BeEquivalentTo(1), "head and body leave in one write")
		again := exchange(ctx, t, &Request{URL: u})
		Expect(again.Trace.Reused).To(BeTrue())
		Expect(again.Trace.ConnectStartNS + again.Trace.DNSStartNS).To(BeZero())
		Expect(again.SendNS).To(BeNumerically(">", x.EndNS))
	})

	It("verify certificates unless told not to", func(ctx context.Context) {
		s, _ := counting(true)
		x := exchange(ctx, newTransport(settings(), config.Endpoint{}), &Request{URL: endpoint(s.URL)})
		Expect(x.Error.Type).To(Equal("ClientConnectorCertificateError"))
	})

	It("report a failed handshake as such", func(ctx context.Context) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(l.Close)
		go func() {
			for c, err := l.Accept(); err == nil; c, err = l.Accept() {
				_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
				_ = c.Close()
			}
		}()
		x := exchange(ctx, newTransport(settings(), config.Endpoint{}), &Request{URL: endpoint("https://" + l.Addr().String())})
		Expect(x.Error.Type).To(Equal("ClientConnectorSSLError"))
	})

	It("are missed before they are needed", func() {
		var notes []string
		warnLimits(1<<40, func(s string) { notes = append(notes, s) })
		Expect(notes).NotTo(BeEmpty())
		Expect(notes[0]).To(ContainSubstring("ulimit -n"))
		warnLimits(0, func(string) { Fail("nothing is wanted") })
	})

	It("serve many requests at a time", func(ctx context.Context) {
		s, connections := counting(false)
		env := settings()
		env.HTTP.ConnectionLimit = 8
		t := newTransport(env, config.Endpoint{})
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				defer GinkgoRecover()
				for range 20 {
					Expect(exchange(ctx, t, &Request{URL: endpoint(s.URL)}).Error).To(BeNil())
				}
			})
		}
		wg.Wait()
		Expect(connections.Load()).To(BeNumerically("<=", 8*3), "the limit holds; a connection that lost its race waits in the pool")
		Expect(t.slots).To(BeEmpty())
	})

	It("let go of a connection once it is back in the pool, also when the answer was a failure", func(ctx context.Context) {
		// The race detector is the judge: exchanges that fail hand their connections to others.
		busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) }))
		DeferCleanup(busy.Close)
		t := newTransport(settings(), config.Endpoint{})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				defer GinkgoRecover()
				for range 50 {
					Expect(exchange(ctx, t, &Request{URL: endpoint(busy.URL)}).Status).To(Equal(http.StatusServiceUnavailable))
				}
			})
		}
		wg.Wait()
	})
})

var _ = Describe("finding addresses", func() {
	at := netip.MustParseAddr
	make := func(family string, found ...netip.Addr) (*resolver, *int, *[]string) {
		calls, notes := 0, []string{}
		r := newResolver(family, true, 0, func(s string) { notes = append(notes, s) })
		r.lookup = func(context.Context, string) ([]netip.Addr, error) {
			calls++
			return found, nil
		}
		return r, &calls, &notes
	}

	DescribeTable("keeps the wanted family", func(ctx context.Context, family string, found, want []netip.Addr) {
		r, _, _ := make(family, found...)
		addrs, _, _, err := r.resolve(ctx, "h.test")
		Expect(err).NotTo(HaveOccurred())
		Expect(addrs).To(Equal(want))
	},
		Entry("4", "4", []netip.Addr{at("::1"), at("127.0.0.1")}, []netip.Addr{at("127.0.0.1")}),
		Entry("6", "6", []netip.Addr{at("127.0.0.1"), at("::1")}, []netip.Addr{at("::1")}),
		Entry("any", "auto", []netip.Addr{at("::1"), at("127.0.0.1")}, []netip.Addr{at("::1"), at("127.0.0.1")}),
		Entry("the other one when there is no choice", "4", []netip.Addr{at("::1")}, []netip.Addr{at("::1")}),
		Entry("a mapped address is of its inner family", "4", []netip.Addr{at("::ffff:10.0.0.1")}, []netip.Addr{at("10.0.0.1")}),
	)

	It("looks a name up once, and says so once when it uses the other family", func(ctx context.Context) {
		r, calls, notes := make("4", at("::1"))
		_, started, _, err := r.resolve(ctx, "h.test")
		Expect(err).NotTo(HaveOccurred())
		Expect(started).NotTo(BeZero())
		_, started, _, err = r.resolve(ctx, "h.test")
		Expect(err).NotTo(HaveOccurred())
		Expect(started).To(BeZero())
		Expect(*calls).To(Equal(1))
		Expect(*notes).To(HaveLen(1))
	})

	It("looks again when the entry has aged", func(ctx context.Context) {
		r, calls, _ := make("4", at("127.0.0.1"))
		r.ttl = 1
		for range 2 {
			_, _, _, err := r.resolve(ctx, "h.test")
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(*calls).To(Equal(2))
	})

	It("takes a literal as it is", func(ctx context.Context) {
		r, calls, _ := make("4")
		addrs, _, _, err := r.resolve(ctx, "::1")
		Expect(err).NotTo(HaveOccurred())
		Expect(addrs).To(Equal([]netip.Addr{at("::1")}))
		Expect(*calls).To(BeZero())
	})

	It("takes an empty answer for a failure", func(ctx context.Context) {
		r, _, _ := make("4")
		_, _, _, err := r.resolve(ctx, "h.test")
		Expect(err).To(HaveOccurred())
	})
})
