package transports

import (
	"bufio"
	"context"
	"encoding/json"
	"net/url"
	"os/exec"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
)

var _ = Describe("a server of another make", Ordered, func() {
	var base string
	var t *HTTP

	BeforeAll(func() {
		python, err := exec.LookPath("python3")
		if err != nil {
			Skip("there is no python3 here to run one")
		}
		cmd := exec.Command(python, "testdata/server.py")
		in, err := cmd.StdinPipe()
		Expect(err).NotTo(HaveOccurred())
		out, err := cmd.StdoutPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(cmd.Start()).To(Succeed())
		DeferCleanup(func() {
			_ = in.Close() // it ends with its input
			Expect(cmd.Wait()).To(Succeed())
		})
		port, err := bufio.NewReader(out).ReadString('\n')
		Expect(err).NotTo(HaveOccurred())
		base = "http://127.0.0.1:" + strings.TrimSpace(port)
		made, err := NewHTTP(Config{Endpoint: config.Endpoint{TimeoutSec: 20}, Environment: settings()})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(made.Close)
		t = made.(*HTTP)
	})

	ask := func(ctx context.Context, path string, body []byte) *Exchange {
		u, err := url.Parse(base + path)
		Expect(err).NotTo(HaveOccurred())
		return exchange(ctx, t, &Request{URL: u, Body: body, Headers: PlainHeaders(config.Header{Name: "X-Mine", Value: "grüße"})})
	}

	It("is understood", func(ctx context.Context) {
		x := ask(ctx, "/json", nil)
		Expect(x.Error).To(BeNil())
		Expect(texts(x)).To(Equal([]string{`{"ok": true}`}))

		x = ask(ctx, "/chunks", nil)
		Expect(x.Error).To(BeNil())
		Expect(x.Trace.Reused).To(BeTrue())
		Expect(texts(x)).To(Equal([]string{`{"a": 1234}`}))

		x = ask(ctx, "/busy", nil)
		Expect(x.Error.Error()).To(Equal("Service Unavailable: come back later"))
		Expect(ask(ctx, "/moved", nil).Error.Message).To(ContainSubstring("redirects are not followed"))

		x = ask(ctx, "/close", nil)
		Expect(x.Error).To(BeNil())
		Expect(x.Trace.Reused).To(BeTrue(), "refusals that were read to their end keep the connection")
		Expect(texts(x)).To(Equal([]string{"a", "b"}))
		Expect(ask(ctx, "/json", nil).Trace.Reused).To(BeFalse())
	})

	It("streams", func(ctx context.Context) {
		x := ask(ctx, "/stream", nil)
		Expect(x.Error).To(BeNil())
		Expect(x.Responses).To(HaveLen(21))
		Expect(x.EndNS - x.RecvStartNS).To(BeNumerically(">=", 19*time.Millisecond))
	})

	It("understands, too", func(ctx context.Context) {
		for _, size := range []int{0, 13, oneWriteBytes, 3 << 20} {
			x := ask(ctx, "/echo", make([]byte, size))
			Expect(x.Error).To(BeNil())
			var got struct {
				Headers [][2]string
				Length  int
			}
			Expect(json.Unmarshal(x.Responses[0].Bytes, &got)).To(Succeed())
			Expect(got.Length).To(Equal(size))
			Expect(got.Headers).To(HaveLen(3))
			Expect(got.Headers[0]).To(Equal([2]string{"Host", strings.TrimPrefix(base, "http://")}))
			Expect(got.Headers[1][0]).To(Equal("X-Mine"))
		}
	})
})
