package transports

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
)

var _ = Describe("a disconnect on purpose", func() {
	// A server that has read the whole request, streams one event, and then waits for the
	// client to hang up.
	var (
		bodies  atomic.Int64
		hungUp  atomic.Int64
		address string
		release chan struct{}
	)
	handle := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies.Add(int64(len(b)))
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: x\n\n")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			hungUp.Add(1)
		case <-release:
		}
	})
	BeforeEach(func() {
		bodies.Store(0)
		hungUp.Store(0)
		release = make(chan struct{})
		s := httptest.NewServer(handle)
		address = s.URL
		DeferCleanup(s.Close)
		DeferCleanup(func() { close(release) })
	})

	cut := func(t *HTTP, after time.Duration, body []byte, ready bool) (*Exchange, clock.MonoNS) {
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		var sent clock.MonoNS
		r := &Request{URL: endpoint(address), Body: body, Sent: func(at clock.MonoNS) {
			sent = at
			if after == 0 {
				cancel(Disconnect(0))
				return
			}
			time.AfterFunc(after, func() { cancel(Disconnect(after)) })
		}}
		if !ready {
			return exchange(ctx, t, r), sent
		}
		x := &Exchange{StartNS: clock.Now()}
		one := t.Ready(r)
		one.Hold(ctx)
		one.Exchange(ctx, x)
		return x, sent
	}

	DescribeTable("has sent everything, keeps what came, and ends the connection", func(after time.Duration, events int, ready bool) {
		t := newTransport(settings(), config.Endpoint{})
		body := make([]byte, 300<<10)
		x, sent := cut(t, after, body, ready)
		Expect(x.Cancelled).To(BeTrue())
		Expect(x.Error).To(Equal(Disconnect(after)))
		Expect(x.EndNS).To(BeNumerically(">=", sent.Add(after)))
		Expect(x.Responses).To(HaveLen(events))
		Expect(x.Trace.SendEndNS).To(BeNumerically(">", 0))
		Expect(x.Trace.BytesSent).To(BeEquivalentTo(len(body)))
		Eventually(hungUp.Load).Should(BeEquivalentTo(1))
		Expect(bodies.Load()).To(BeEquivalentTo(len(body)))
		x, _ = cut(t, after, nil, ready)
		Expect(x.Trace.Reused).To(BeFalse(), "the first connection is not used again")
	},
		Entry("at once", time.Duration(0), 0, false),
		Entry("at once, made ready before", time.Duration(0), 0, true),
		Entry("in the middle of the answer", 200*time.Millisecond, 1, false),
		Entry("in the middle of the answer, made ready before", 200*time.Millisecond, 1, true),
	)

	It("comes too late for an answer that is complete", func(ctx context.Context) {
		t := newTransport(settings(), config.Endpoint{})
		told := 0
		x := exchange(ctx, t, &Request{URL: endpoint(rawServer(says(okAnswer))), Sent: func(clock.MonoNS) { told++ }})
		Expect(x.Error).To(BeNil())
		Expect(told).To(Equal(1))
	})

	It("of a request that a server does not take is a timeout of the sending", func(ctx context.Context) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(l.Close) // accepts nothing, so that the body fills the buffers
		t := newTransport(settings(), config.Endpoint{TimeoutSec: 0.3})
		x := exchange(ctx, t, &Request{URL: endpoint("http://" + l.Addr().String()), Body: make([]byte, 64<<20), Sent: func(clock.MonoNS) {}})
		Expect(x.Error.Type).To(Equal("RequestSendTimeout"))
		Expect(*x.Error.Code).To(BeZero())
		Expect(x.Cancelled).To(BeFalse())
	})
})
