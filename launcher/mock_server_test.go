package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/mockserver"
)

// lockedBuffer may be read while the program writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var _ = Describe("aiperf mock-server", func() {
	It("serves until a signal, with settings from flags and environment", func() {
		s := newSession("MOCK_SERVER_MODELS=from-env", "MOCK_SERVER_TTFT=7", "MOCK_SERVER_FAST=true", "MOCK_SERVER_PORT=1")
		out := &lockedBuffer{}
		signals := make(chan os.Signal, 1)
		s.state.Stdout, s.state.Signals = out, signals
		code := make(chan int, 1)
		go func() { code <- s.run("mock-server", "--port", "0", "--no-tokenizer") }()
		address := regexp.MustCompile(`listening on (http://127\.0\.0\.1:\d+)\n`)
		Eventually(out.String).Should(MatchRegexp(address.String()))
		url := address.FindStringSubmatch(out.String())[1]
		resp, err := http.Get(url + "/v1/models")
		Expect(err).NotTo(HaveOccurred())
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		Expect(string(body)).To(ContainSubstring("from-env"))
		signals <- syscall.SIGINT
		Eventually(code, "10s").Should(Receive(Equal(130)))
	})

	DescribeTable("refuses", func(want int, text string, env []string, args ...string) {
		s := newSession(env...)
		Expect(s.run(append([]string{"mock-server"}, args...)...)).To(Equal(want))
		Expect(s.errors.String()).To(ContainSubstring(text))
		Expect(s.out.String()).To(BeEmpty())
	},
		Entry("a flag it does not know", 2, "tftt", nil, "--tftt", "5"),
		Entry("a value that is none", 2, "ttft", nil, "--ttft", "soon"),
		Entry("a value out of range", 2, "--error-rate: want a share from 0 to 1, or percent up to 100 (got 200)", nil, "--error-rate", "200"),
		Entry("a bad GPU", 2, "--dcgm-gpu-name: want one of", nil, "--dcgm-gpu-name", "abacus"),
		Entry("a bad stall", 2, "--stall-at: want S:FOR", nil, "--stall-at", "5"),
		Entry("a bad variable", 2, "MOCK_SERVER_ITL", []string{"MOCK_SERVER_ITL=x"}),
		Entry("a word too many", 2, `unexpected argument "now"`, nil, "now"),
		Entry("an address that is not here", 1, "--host: ", nil, "--host", "192.0.2.1", "--port", "0", "--no-tokenizer"),
	)

	It("names a port that is taken", func() {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		s := newSession()
		Expect(s.run("mock-server", "--port", port, "--no-tokenizer")).To(Equal(1))
		Expect(s.errors.String()).To(ContainSubstring("--port: " + port + " is in use on 127.0.0.1"))
	})

	It("takes every setting from the environment", func() {
		c, err := mockFromEnvironment([]string{
			"MOCK_SERVER_ERROR_STATUS_CODES=429,503", "MOCK_SERVER_STALL_AT=1:2", "MOCK_SERVER_RANDOM_SEED=9", "MOCK_SERVER_MODELS=a,b",
			"MOCK_SERVER_DCGM_AUTO_LOAD=false", "MOCK_SERVER_ITL=2.5", "MOCK_SERVER_TTFT=", "OTHER=1",
		})
		Expect(err).NotTo(HaveOccurred())
		want := mockserver.Defaults()
		seed := uint64(9)
		want.ErrorStatusCodes, want.StallAt, want.RandomSeed, want.Models = []int{429, 503}, mockserver.Stall{AtSec: 1, ForSec: 2}, &seed, []string{"a", "b"}
		want.DCGM.AutoLoad, want.ITLMS = false, 2.5
		Expect(c).To(Equal(want))
	})

	It("has every flag in its page of the documentation", func() {
		page, err := os.ReadFile(filepath.Join("..", "docs", "mock-server.md"))
		Expect(err).NotTo(HaveOccurred())
		for _, fl := range newMockFlags().flags {
			for _, name := range fl.Names() {
				if len(name) == 1 {
					name = "-" + name
				} else {
					name = "--" + name
				}
				Expect(string(page)).To(ContainSubstring("`" + name + "`"))
			}
		}
	})
})

var _ = Describe("aiperf demo", func() {
	given := func(args ...string) []string {
		flags, problems := config.ParseFlags(args)
		Expect(problems).To(BeEmpty())
		return presets(flags)
	}

	It("needs no flags", func() {
		args := given()
		_, problems := config.ParseFlags(args)
		Expect(problems).To(BeEmpty())
		Expect(strings.Join(args, " ")).To(And(ContainSubstring("--streaming"), ContainSubstring("--concurrency 16"), ContainSubstring("--request-count 320")))
	})

	DescribeTable("says nothing where the user does", func(without []string, args ...string) {
		got := strings.Join(given(args...), " ")
		for _, w := range without {
			Expect(got).NotTo(ContainSubstring(w))
		}
	},
		Entry("a load", []string{"--concurrency"}, "--concurrency", "4"),
		Entry("a rate", []string{"--concurrency"}, "--request-rate", "40"),
		Entry("a duration", []string{"--request-count"}, "--benchmark-duration", "3"),
		Entry("a model", []string{"--model"}, "-m", "x"),
		Entry("a warmup", []string{"--warmup-request-count"}, "--warmup-duration", "1"),
		Entry("an endpoint without a stream", []string{"--streaming", "--osl", "--extra-inputs"}, "--endpoint-type", "embeddings"),
	)

	It("has one target", func() {
		s := newSession()
		Expect(s.run("demo", "-u", "host:1")).To(Equal(2))
		Expect(s.errors.String()).To(ContainSubstring("demo: -u: the target is the embedded server; use `aiperf profile`"))
	})

	It("reports all problems of flags and server settings", func() {
		s := newSession()
		Expect(s.run("demo", "--concurrency", "-3", "--no-such-flag")).To(Equal(2))
		Expect(s.errors.String()).To(And(ContainSubstring("--concurrency"), ContainSubstring("--no-such-flag")))
		s = newSession("MOCK_SERVER_TTFT=-1")
		Expect(s.run("demo")).To(Equal(2))
		Expect(s.errors.String()).To(ContainSubstring("--ttft"))
	})

	It("resolves to a run against the embedded server", func() {
		s := newSession()
		flags, _ := config.ParseFlags(nil)
		run, err := load(s.state, config.Input{Args: presets(flags), MockServer: mockserver.Defaults().Settings()})
		Expect(err).NotTo(HaveOccurred())
		Expect(run.Benchmark.MockServer).NotTo(BeNil())
		Expect(run.Benchmark.Tokenizer.Encoding).To(Equal("o200k_base"))
		Expect(run.Warnings).To(BeEmpty())
	})
})
