package mockserver

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/bootstrap"
	"aiperf/config"
	"aiperf/mockserver"
	"aiperf/plugins"
)

var _ = Describe("the service", func() {
	ctx := context.Background()

	process := func(b config.Benchmark) *bootstrap.Process {
		seed := uint64(1)
		return &bootstrap.Process{
			Type: "mock_server", ID: "mock_server", Run: &config.Run{Benchmark: b, RandomSeed: &seed},
			Log: bootstrap.NewLogger(slog.DiscardHandler), Handlers: bootstrap.NewHandlers(),
		}
	}

	It("serves on the socket it inherits, with the settings of the run and the client's vocabulary", func() {
		c := mockserver.Defaults()
		c.Fast = true
		svc, err := New(process(config.Benchmark{MockServer: c.Settings(), Tokenizer: config.Tokenizer{Name: "builtin", Encoding: "o200k_base", Needed: true}}))
		Expect(err).NotTo(HaveOccurred())
		m := svc.(*MockServer)
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		m.listen = func() (net.Listener, error) { return l, nil }
		Expect(m.Init(ctx)).To(Succeed())
		Expect(m.Start(ctx)).To(Succeed())
		DeferCleanup(func() { Expect(m.Stop(ctx)).To(Succeed()) })
		resp, err := http.Post("http://"+l.Addr().String()+"/v1/completions", "", strings.NewReader(`{"prompt":"antidisestablishmentarianism, twice","max_tokens":2}`))
		Expect(err).NotTo(HaveOccurred())
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		var answer struct {
			Usage struct {
				Prompt     int `json:"prompt_tokens"`
				Completion int `json:"completion_tokens"`
			}
		}
		Expect(json.NewDecoder(bytes.NewReader(b)).Decode(&answer)).To(Succeed())
		Expect(answer.Usage.Completion).To(Equal(2))
		Expect(answer.Usage.Prompt).To(BeNumerically(">", 4), "tokens, not words")
		Expect(*m.cfg.RandomSeed).To(BeEquivalentTo(1), "the run's")
	})

	It("refuses settings that it does not know", func() {
		_, err := New(process(config.Benchmark{MockServer: map[string]any{"nonsense": 1}}))
		Expect(err).To(MatchError(ContainSubstring("nonsense")))
	})

	It("can be stopped before it was started", func() {
		svc, err := New(process(config.Benchmark{}))
		Expect(err).NotTo(HaveOccurred())
		Expect(svc.Stop(ctx)).To(Succeed())
	})
})

var _ = Describe("the counter", func() {
	It("counts words when there is no vocabulary", func() {
		c := NewCounter(plugins.Builtin(), "builtin", "no_such_base")
		Expect(c.Load()).To(MatchError(ContainSubstring("no_such_base")))
		Expect(c.Count("one two  three")).To(Equal(3))
	})
})
