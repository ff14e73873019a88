package mockserver

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

// pair is a stamped connection as the server has it, and its other end.
func pair(stamped bool) (*connection, net.Conn) {
	GinkgoHelper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	ours := &listener{Listener: l}
	if stamped {
		keep, err := clock.KeepStamps()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(keep.Close)
		Expect(clock.StampConn(l.(*net.TCPListener))).To(Succeed())
		ours.realtime = clock.NewRealtime()
	}
	client, err := net.Dial("tcp4", l.Addr().String())
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { _ = client.Close() })
	accepted, err := ours.Accept()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(accepted.Close)
	return accepted.(*connection), client
}

var _ = Describe("the arrival of a request", func() {
	It("is when the kernel had it, however late it is read", func() {
		if runtime.GOOS != "linux" {
			Skip("only Linux gives stamps that we read")
		}
		server, client := pair(true)
		before := clock.Now()
		_, err := client.Write([]byte("hello"))
		Expect(err).NotTo(HaveOccurred())
		written := clock.Now() // on loopback the other end has it by then
		const late = 20 * time.Millisecond
		Eventually(func() time.Duration { return clock.Now().Sub(written) }).Should(BeNumerically(">", late))
		n, err := server.Read(make([]byte, 100))
		Expect(n, err).To(Equal(5))
		at := clock.MonoNS(server.lastRead.Load())
		Expect(server.kernel.Load()).To(BeTrue())
		const uncertain = time.Millisecond // of two clocks that were read one after the other
		Expect(at).To(BeNumerically(">", before.Add(-uncertain)))
		Expect(at).To(BeNumerically("<", written.Add(late)), "not when it was read")
	})

	DescribeTable("of either kind ends and waits as a connection does", func(stamped bool) {
		server, client := pair(stamped)
		Expect(server.SetReadDeadline(time.Unix(1, 0))).To(Succeed())
		_, err := server.Read(make([]byte, 1))
		var timeout net.Error
		Expect(errors.As(err, &timeout)).To(BeTrue())
		Expect(timeout.Timeout()).To(BeTrue(), "which ends the server's look-ahead")
		Expect(server.SetReadDeadline(time.Time{})).To(Succeed())
		Expect(client.Close()).To(Succeed())
		_, err = server.Read(make([]byte, 1))
		Expect(err).To(Equal(io.EOF))
	},
		Entry("stamped by the kernel", true),
		Entry("stamped by the read", false),
	)

	It("makes no garbage", func() {
		server, client := pair(runtime.GOOS == "linux")
		into, one := make([]byte, 16), []byte("x")
		Expect(testing.AllocsPerRun(200, func() {
			_, _ = client.Write(one)
			_, _ = server.Read(into)
		})).To(BeZero())
	})

	It("is said to come from the kernel in the log of a server", func() {
		if runtime.GOOS != "linux" {
			Skip("only Linux gives stamps that we read")
		}
		path := filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		url, _ := serve(quick(func(c *Config) { c.RequestLog = path }))
		resp, _ := post(url+"/v1/completions", `{"model":"m","prompt":"a","max_tokens":1}`)
		Expect(resp.StatusCode).To(Equal(http.StatusOK))
		Eventually(func() (string, error) {
			text, err := os.ReadFile(path)
			return string(text), err
		}).Should(ContainSubstring(`"arrival_source":"kernel"`))
	})
})
