package transports

import (
	"context"
	"io"
	"net"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
)

var _ = Describe("a reactor", func() {
	descriptors := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		Expect(err).NotTo(HaveOccurred())
		return len(list)
	}

	It("gives every descriptor back", func(ctx context.Context) {
		release := make(chan struct{})
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, okAnswer)
			}
			<-release
		}))
		defer close(release)
		before := descriptors()
		made, err := NewHTTP(Config{Environment: settings(), Concurrency: 4})
		Expect(err).NotTo(HaveOccurred())
		t := made.(*HTTP)
		for range 3 {
			Expect(exchange(ctx, t, &Request{URL: u}).Error).To(BeNil())
		}
		for _, idle := range t.pool.idle {
			for _, c := range idle {
				Expect(c.direct()).To(BeTrue())
			}
		}
		t.Close()
		Eventually(descriptors).Should(Equal(before + 1)) // the server's end of the connection
	})

	It("is not needed", func(ctx context.Context) {
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, okAnswer)
			}
		}))
		t := newTransport(settings(), config.Endpoint{})
		t.dialer.reactors.close()
		t.dialer.reactors = &reactors{}
		for reused := range 2 {
			x := exchange(ctx, t, &Request{URL: u})
			Expect(x.Error).To(BeNil())
			Expect(x.Trace.Reused).To(Equal(reused == 1))
			Expect(x.StampSource).To(Equal(StampKernel))
		}
	})

	It("that refuses a connection leaves it as it was", func(ctx context.Context) {
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, okAnswer)
			}
		}))
		t := newTransport(settings(), config.Endpoint{})
		t.dialer.reactors.close()
		before := descriptors()
		refusing := &reactor{epoll: -1}
		t.dialer.reactors = &reactors{all: []*reactor{refusing}}
		DeferCleanup(func() { t.dialer.reactors = &reactors{} }) // has no goroutine to close
		for reused := range 2 {
			x := exchange(ctx, t, &Request{URL: u})
			Expect(x.Error).To(BeNil())
			Expect(x.Trace.Reused).To(Equal(reused == 1))
		}
		Expect(refusing.conns).To(BeEmpty())
		Eventually(descriptors).Should(Equal(before + 2)) // both ends of the connection
	})

	It("outlives a panic over an answer, which is that exchange's failure", func(ctx context.Context) {
		u := endpoint(keeping(func(c net.Conn, next func() bool) {
			for next() {
				_, _ = io.WriteString(c, sseHead+chunk("data: a\n\n")+"0\r\n\r\n")
			}
		}))
		t := newTransport(settings(), config.Endpoint{})
		r := &Request{URL: u}
		a := t.Ready(r).(*attempt)
		a.each = func(*event) error { panic("out of range") }
		x := &Exchange{StartNS: clock.Now()}
		a.Exchange(ctx, x)
		Expect(x.Error).To(MatchError(ContainSubstring("panic: out of range")))
		Expect(x.Error.Type).To(Equal("CreditProcessingError"))
		Expect(t.pool.slots).To(BeEmpty())
		Expect(t.pool.count).To(BeZero(), "its connection is not used again")
		a.each = a.event
		for _, r := range t.dialer.reactors.all { // each of them still reads
			x := exchange(ctx, t, &Request{URL: u})
			Expect(x.Error).To(BeNil())
			Expect(texts(x)).To(Equal([]string{"a"}))
			Expect(r.done).NotTo(BeClosed())
		}
	})
})
