package transports

import (
	"bufio"
	"context"
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

	"golang.org/x/sys/unix"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
)

// keeping serves connection after connection, each by a function that may read requests.
func keeping(serve func(c net.Conn, next func() bool)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				r := bufio.NewReader(c)
				serve(c, func() bool {
					req, err := http.ReadRequest(r)
					if err != nil {
						return false
					}
					_, err = io.Copy(io.Discard, req.Body)
					return err == nil
				})
			})
		}
	})
	DeferCleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return "http://" + l.Addr().String()
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

var _ = Describe("stamps", func() {
	It("are the kernel's, between the server's write and the return of the read", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{})
		if t.stamping == nil {
			Skip("this kernel gives no receive stamps")
		}
		written := make([]clock.MonoNS, 10)
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, sseHead)
				for i := range written {
					time.Sleep(time.Millisecond)
					written[i] = clock.Now()
					_, _ = io.WriteString(c, chunk("data: x\n\n"))
				}
				_, _ = io.WriteString(c, chunk("data: [DONE]\n\n")+"0\r\n\r\n")
			}
		}))
		// The kernel begins to stamp a little after it was asked to.
		var x *Exchange
		Eventually(func() string {
			x = exchange(ctx, t, &Request{URL: u})
			return x.StampSource
		}).Should(Equal(StampKernel))
		Expect(x.Error).To(BeNil())
		for i := range written {
			Expect(x.Responses[i].PerfNS).To(BeNumerically(">=", written[i]), "event %d", i)
		}
		Expect(x.EndNS).To(BeNumerically("<=", clock.Now()))
		Expect(t.ClockSteps()).To(BeZero())
	})

	It("tell when a late reader found several events together", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{})
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(says(sseHead + chunk("data: a\n\ndata: b\n\n") + chunk("data: [DONE]\n\n") + "0\r\n\r\n")))})
		Expect(x.Error).To(BeNil())
		Expect(x.CoalescedEvents).To(BeEquivalentTo(2))
	})

	It("say that a read made them when the kernel gives none", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{})
		t.dialer.kernel = nil
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(says(okAnswer)))})
		Expect(x.StampSource).To(Equal(StampRead))
		x = exchange(ctx, t, &Request{URL: endpoint(rawServer(says("")))})
		Expect(x.StampSource).To(BeEmpty(), "nothing was stamped")
	})

	It("are those of the network under TLS", func(ctx context.Context) {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 5 {
				_, _ = io.WriteString(w, "data: "+strings.Repeat("x", 20<<10)+"\n\n")
				w.(http.Flusher).Flush()
			}
		}))
		DeferCleanup(s.Close)
		env := settings()
		env.HTTP.SSLVerify = false
		t := newTransport(env, config.Endpoint{})
		first := exchange(ctx, t, &Request{URL: endpoint(s.URL), Body: make([]byte, 100<<10)})
		Expect(first.Error).To(BeNil())
		Expect(first.Responses).To(HaveLen(5))
		Expect(first.Trace.TLSStartNS).To(BeNumerically(">", first.Trace.ConnectStartNS))
		Expect(first.Trace.TLSEndNS).To(Equal(first.Trace.ConnectEndNS))
		again := exchange(ctx, t, &Request{URL: endpoint(s.URL)})
		Expect(again.Error).To(BeNil())
		Expect(again.Trace.Reused).To(BeTrue(), "tickets that came meanwhile do not matter")
		Expect(again.Trace.TLSStartNS).To(BeZero())
	})
})

var _ = Describe("a connection", func() {
	It("that the server spoke on while it was idle is not used again", func(ctx context.Context) {
		sent := make(chan struct{})
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, okAnswer)
				<-sent
				_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
				sent <- struct{}{}
			}
		}))
		t := newTransport(settings(), config.Endpoint{})
		for range 3 {
			x := exchange(ctx, t, &Request{URL: u})
			Expect(x.Error).To(BeNil())
			Expect(x.Trace.Reused).To(BeFalse())
			sent <- struct{}{}
			<-sent
		}
	})

	It("is used no longer than the server and the setting want", func(ctx context.Context) {
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok")
			}
		}))
		t := newTransport(settings(), config.Endpoint{})
		exchange(ctx, t, &Request{URL: u})
		idle := t.pool.idle[t.targets.of(u).host]
		Expect(idle).To(HaveLen(1))
		Expect(idle[0].expiry.Sub(clock.Now())).To(BeNumerically("~", 5*time.Second, time.Second))
		idle[0].expiry = 1 // long ago
		Expect(exchange(ctx, t, &Request{URL: u}).Trace.Reused).To(BeFalse())
	})

	It("gives way to one that another host needs", func(ctx context.Context) {
		env := settings()
		env.HTTP.ConnectionLimit, env.HTTP.ConnectionLimitSet = 2, true
		t := newTransport(env, config.Endpoint{})
		var open atomic.Int64
		serve := func(c net.Conn, next func() bool) {
			open.Add(1)
			defer open.Add(-1)
			for next() {
				_, _ = io.WriteString(c, okAnswer)
			}
		}
		for range 4 {
			Expect(exchange(ctx, t, &Request{URL: endpoint(keeping(serve))}).Error).To(BeNil())
		}
		Eventually(open.Load).Should(BeEquivalentTo(2))
		Expect(t.pool.count).To(Equal(2))
	})

	It("that took nothing of a request is replaced, also for a long body", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{})
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, okAnswer)
			}
		}))
		exchange(ctx, t, &Request{URL: u})
		// What the look at an idle connection cannot see: it fails when it is written to.
		idle := t.pool.idle[t.targets.of(u).host][0]
		if idle.direct() {
			Expect(unix.Shutdown(idle.fd, unix.SHUT_WR)).To(Succeed())
		} else {
			Expect(idle.CloseWrite()).To(Succeed())
		}
		idle.look = func(uintptr) { idle.alive = true }
		x := exchange(ctx, t, &Request{URL: u, Body: make([]byte, 1<<20)})
		Expect(x.Error).To(BeNil())
		Expect(x.Trace.Reused).To(BeFalse())
		Expect(x.Trace.ChunksSent).To(BeEquivalentTo(1))
	})

	It("hands on what a server says before it hangs up on a long body", func(ctx context.Context) {
		u := endpoint(keeping(func(c net.Conn, _ func() bool) {
			_, _ = io.ReadFull(c, make([]byte, 100))
			_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo long")
			time.Sleep(20 * time.Millisecond) // a reset overtakes what is not read yet
		}))
		x := exchange(ctx, newTransport(settings(), config.Endpoint{}), &Request{URL: u, Body: make([]byte, 32<<20)})
		Expect(x.Error.Error()).To(SatisfyAny(Equal("Content Too Large: too long"), ContainSubstring("ClientOSError")))
	})
})

var _ = Describe("an exchange that nobody wants any more", func() {
	stopped := func(ctx context.Context, t *HTTP, u *url.URL, body []byte, after func(stop func())) *Exchange {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		after(func() { cancel(ErrCancelled) })
		x := exchange(ctx, t, &Request{URL: u, Body: body})
		Expect(x.Error).To(Equal(CancelledError()))
		Expect(x.Cancelled).To(BeTrue())
		Expect(t.pool.slots).To(BeEmpty())
		Expect(t.pool.count).To(BeZero(), "its connection is not used again")
		return x
	}
	soon := func(stop func()) { time.AfterFunc(10*time.Millisecond, stop) }
	silent := func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }

	It("ends before it begins", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{})
		x := stopped(ctx, t, endpoint("http://nowhere.test"), nil, func(stop func()) { stop() })
		Expect(x.SendNS).To(BeZero())
	})

	It("ends while its name is looked up", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{})
		t.dialer.resolver.lookup = func(ctx context.Context, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, &net.DNSError{Err: ctx.Err().Error(), Name: "nowhere.test"}
		}
		stopped(ctx, t, endpoint("http://nowhere.test"), nil, soon)
	})

	It("ends while it shakes hands", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{})
		u := endpoint(strings.Replace(keeping(func(c net.Conn, _ func() bool) { _, _ = io.Copy(io.Discard, c) }), "http:", "https:", 1))
		stopped(ctx, t, u, nil, soon)
	})

	It("ends while it is sent", func(ctx context.Context) {
		release := make(chan struct{})
		u := endpoint(keeping(func(net.Conn, func() bool) { <-release }))
		DeferCleanup(func() { close(release) }) // before the server waits for it
		x := stopped(ctx, newTransport(settings(), config.Endpoint{}), u, make([]byte, 32<<20), soon)
		Expect(x.SendNS).NotTo(BeZero())
	})

	It("ends while it waits, and in the middle of an answer", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{TimeoutSec: 60})
		stopped(ctx, t, endpoint(rawServer(silent)), nil, soon)
		x := stopped(ctx, t, endpoint(rawServer(func(c net.Conn) {
			_, _ = io.WriteString(c, sseHead+chunk("data: a\n\n"))
			silent(c)
		})), nil, soon)
		Expect(x.SendNS).NotTo(BeZero())
		x = stopped(ctx, t, endpoint(rawServer(func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\nhalf")
			silent(c)
		})), nil, soon)
		Expect(x.Status).To(Equal(500))
	})

	It("leaves a fresh pool behind, under a storm of them", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{TimeoutSec: 60})
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, sseHead+chunk("data: a\n\n"))
				_, _ = io.WriteString(c, chunk("data: b\n\n")+"0\r\n\r\n")
			}
		}))
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				defer GinkgoRecover()
				for j := range 50 {
					ctx, cancel := context.WithCancelCause(ctx)
					time.AfterFunc(time.Duration((i+j)%20)*20*time.Microsecond, func() { cancel(ErrCancelled) })
					x := exchange(ctx, t, &Request{URL: u})
					if x.Error != nil {
						Expect(x.Error).To(Equal(CancelledError()))
					} else {
						Expect(texts(x)).To(Equal([]string{"a", "b"}), "never the answer to another request")
					}
					cancel(nil)
				}
			})
		}
		wg.Wait()
		Expect(t.pool.slots).To(BeEmpty())
		Expect(exchange(ctx, t, &Request{URL: u}).Error).To(BeNil())
	})
})

var _ = Describe("headers that HTTP does not allow", func() {
	DescribeTable("never reach the network", func(ctx context.Context, name, value string) {
		t := newTransport(settings(), config.Endpoint{})
		x := exchange(ctx, t, &Request{URL: endpoint("http://127.0.0.1:1"), Headers: PlainHeaders(config.Header{Name: name, Value: value})})
		Expect(x.Error.Type).To(Equal("ValueError"))
		Expect(x.Error.Message).To(ContainSubstring("header"))
	},
		Entry("a line end in a value", "X-A", "1\r\nX-B: 2"), Entry("a line end in a name", "X-A\r\nB", "1"), Entry("no name", "", "1"),
	)
})

var _ = Describe("a proxy", func() {
	It("is gone through when the environment names one", func(ctx context.Context) {
		var asked atomic.Value
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Store(r.URL.String())
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: "+r.Header.Get("X-Request-ID")+"\n\ndata: "+string(body)+"\n\n")
		}))
		DeferCleanup(proxy.Close)
		t := newTransport(settings(), config.Endpoint{TimeoutSec: 10})
		through, err := url.Parse(proxy.URL)
		Expect(err).NotTo(HaveOccurred())
		t.targets.proxy = http.ProxyURL(through)
		headers := NewHeaders(HeaderOptions{UserAgent: "aiperf/1", Environment: settings()})
		x := exchange(ctx, t, &Request{URL: endpoint("http://inference.test"), Headers: headers, RequestID: "r1", Session: "s1", Body: []byte("body")})
		Expect(x.Error).To(BeNil())
		Expect(asked.Load()).To(Equal("http://inference.test/v1/chat/completions"))
		Expect(texts(x)).To(Equal([]string{"r1", "body"}))
		Expect(x.StampSource).To(Equal(StampRead))
		Expect(x.Trace.SendEndNS).To(BeNumerically(">=", x.SendNS))
		Expect(x.Trace.ReceiveStartNS).To(BeNumerically(">=", x.Trace.SendEndNS))
		again := exchange(ctx, t, &Request{URL: endpoint("http://inference.test"), Headers: headers})
		Expect(again.Trace.Reused).To(BeTrue())
	})

	It("that is not there is a failure with a name, and a cancel one of its own", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{})
		t.targets.proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:1"})
		Expect(exchange(ctx, t, &Request{URL: endpoint("http://inference.test")}).Error.Type).To(Equal("ClientConnectorError"))

		t = newTransport(settings(), config.Endpoint{})
		ctx, cancel := context.WithCancelCause(ctx)
		through, err := url.Parse(rawServer(func(c net.Conn) { // not before it has the request: the client would keep the connection
			cancel(ErrCancelled)
			_, _ = c.Read(make([]byte, 1))
		}))
		Expect(err).NotTo(HaveOccurred())
		t.targets.proxy = http.ProxyURL(through)
		Expect(exchange(ctx, t, &Request{URL: endpoint("http://inference.test")}).Error).To(Equal(CancelledError()))
	})
})
