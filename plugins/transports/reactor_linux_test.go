package transports

import (
	"context"
	"io"
	"net"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

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
})
