package gputelemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/bootstrap"
	"aiperf/messages"
	"aiperf/mockserver"
	"aiperf/telemetry"
)

// inbox keeps what the engine sends.
type inbox struct {
	mu   sync.Mutex
	got  []messages.TelemetryRecords
	fail bool
}

func (b *inbox) send(_ context.Context, m *messages.TelemetryRecords) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail {
		return errors.New("nobody there")
	}
	b.got = append(b.got, *m)
	return nil
}

func (b *inbox) all() []messages.TelemetryRecords {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]messages.TelemetryRecords(nil), b.got...)
}

// from are the batches of a source.
func (b *inbox) from(url string) (out []messages.TelemetryRecords) {
	for _, m := range b.all() {
		if m.TelemetrySourceURL == url {
			out = append(out, m)
		}
	}
	return out
}

func newTestEngine(b *inbox, change func(*settings)) *engine {
	set := settings{
		collector: "dcgm", interval: 5 * time.Millisecond, reachTimeout: 5 * time.Second,
		finalTimeout: 2 * time.Second, sendTimeout: time.Second,
	}
	change(&set)
	e := newEngine(set, telemetry.NewDCGM, b.send, bootstrap.NewLogger(slog.DiscardHandler))
	DeferCleanup(e.abandon)
	return e
}

// page answers with a GPU whose utilisation is a running number.
func page(refresh bool) (url string, hits *atomic.Int64) {
	hits = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := hits.Add(1)
		if !refresh {
			n = 1
		}
		fmt.Fprintf(w, "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-a\",modelName=\"m\"} %d\n", n)
	}))
	DeferCleanup(s.Close)
	return s.URL + "/metrics", hits
}

// nobody is a page at which nothing listens.
func nobody() string {
	s := httptest.NewServer(nil)
	defer s.Close()
	return s.URL + "/metrics"
}

var _ = Describe("the engine", func() {
	ctx := context.Background()

	It("collects from the source that answers beside one that does not", func() {
		good, _ := page(true)
		bad := nobody()
		b := &inbox{}
		e := newTestEngine(b, func(s *settings) { s.userURLs = []string{bad, good} })
		Expect(e.configure(ctx)).To(Equal(messages.TelemetryStatus{
			Enabled: true, EndpointsConfigured: []string{bad, good}, EndpointsReachable: []string{good},
		}))
		Expect(b.all()).To(HaveLen(1), "the baseline")
		e.start()
		Eventually(func() int { return len(b.all()) }).Should(BeNumerically(">", 5))
		e.complete(ctx)
		all := b.all()
		for i, m := range all {
			Expect(m.Sequence).To(BeEquivalentTo(i + 1))
			Expect(m.CollectionComplete).To(Equal(i == len(all)-1))
			Expect(m.Error).To(BeNil())
		}
		Expect(b.from(bad)).To(BeEmpty())
		Expect(all[0].Records[0].Data).To(HaveKey("nvidia_gpu_utilization"))
		e.complete(ctx)
		e.cancel(ctx)
		Consistently(func() int { return len(b.all()) }, 30*time.Millisecond).Should(Equal(len(all)), "the end comes once")
	})

	It("shows a default only when it answers", func() {
		good, _ := page(true)
		off := nobody()
		e := newTestEngine(&inbox{}, func(s *settings) { s.defaultURLs = []string{good, off} })
		Expect(e.configure(ctx)).To(Equal(messages.TelemetryStatus{Enabled: true, EndpointsConfigured: []string{good}, EndpointsReachable: []string{good}}))
	})

	It("says why there is nothing to collect, and ends all the same", func() {
		off, named := nobody(), nobody()
		b := &inbox{}
		e := newTestEngine(b, func(s *settings) { s.defaultURLs, s.userURLs = []string{off}, []string{named} })
		Expect(e.configure(ctx)).To(Equal(messages.TelemetryStatus{
			Reason: "no telemetry sources reachable", EndpointsConfigured: []string{named}, EndpointsReachable: []string{},
		}))
		e.start()
		e.complete(ctx)
		Expect(b.all()).To(HaveLen(1))
		Expect(b.all()[0].CollectionComplete).To(BeTrue())
	})

	It("treats a default that the user names as the user's", func() {
		off := nobody()
		e := newTestEngine(&inbox{}, func(s *settings) { s.defaultURLs, s.userURLs = []string{off}, []string{off} })
		Expect(e.configure(ctx).EndpointsConfigured).To(Equal([]string{off}))
	})

	It("reports a source that answers with nonsense, and goes on", func() {
		var sane atomic.Bool
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if sane.Load() {
				fmt.Fprint(w, "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 1\n")
				return
			}
			fmt.Fprint(w, "<html>\n")
		}))
		DeferCleanup(s.Close)
		b := &inbox{}
		e := newTestEngine(b, func(set *settings) { set.userURLs = []string{s.URL + "/metrics"} })
		Expect(e.configure(ctx).Enabled).To(BeTrue(), "it can be reached")
		Expect(b.all()[0].Error.Type).To(Equal("ParseError"))
		e.start()
		sane.Store(true)
		Eventually(func() []messages.GPUSample { return b.all()[len(b.all())-1].Records }).Should(HaveLen(1))
		e.complete(ctx)
	})

	It("takes a sample at each edge and at the end, also when nothing has changed", func() {
		url, hits := page(false)
		b := &inbox{}
		e := newTestEngine(b, func(s *settings) { s.userURLs = []string{url} })
		e.configure(ctx)
		e.start()
		before := hits.Load()
		Eventually(hits.Load).Should(BeNumerically(">", before+3))
		Expect(b.from(url)).To(HaveLen(1), "the same page is no new sample")
		Expect(e.atEdge(ctx)).To(Succeed())
		Expect(b.from(url)).To(HaveLen(2), "the sample is there when the answer is")
		e.complete(ctx)
		Expect(b.from(url)).To(HaveLen(3))
	})

	It("says at an edge what could not be read, and waits for no source without end", func() {
		b := &inbox{}
		url, _ := page(false)
		e := newTestEngine(b, func(s *settings) { s.userURLs = []string{url} })
		e.configure(ctx)
		Expect(newTestEngine(b, func(*settings) {}).atEdge(ctx)).To(Succeed(), "there is none to read")
		soon, over := context.WithTimeout(ctx, 20*time.Millisecond)
		defer over()
		Expect(e.atEdge(soon)).To(MatchError(context.DeadlineExceeded), "it does not collect yet")
		e.start()
		Expect(e.atEdge(ctx)).To(Succeed())
		e.complete(ctx)
		Expect(e.atEdge(ctx)).To(Succeed(), "the collection has ended")
	})

	It("stops at once on a cancel", func() {
		url, hits := page(true)
		b := &inbox{}
		e := newTestEngine(b, func(s *settings) { s.userURLs, s.interval = []string{url}, time.Hour })
		e.configure(ctx)
		e.start()
		before := hits.Load()
		e.cancel(ctx)
		Expect(hits.Load()).To(Equal(before), "no last sample")
		Expect(b.all()[len(b.all())-1].CollectionComplete).To(BeTrue())
	})

	It("does not let a source that hangs hold the end", func() {
		var hang atomic.Bool
		release := make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if hang.Load() {
				<-release
			}
			fmt.Fprint(w, "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 1\n")
		}))
		DeferCleanup(s.Close)
		DeferCleanup(func() { close(release) })
		b := &inbox{}
		e := newTestEngine(b, func(set *settings) {
			set.userURLs, set.finalTimeout = []string{s.URL + "/metrics"}, 20*time.Millisecond
		})
		e.configure(ctx)
		hang.Store(true)
		e.start()
		e.complete(ctx)
		all := b.all()
		Expect(all[len(all)-1].CollectionComplete).To(BeTrue())
		Expect(all[len(all)-2].Error.Type).To(Equal("TimeoutError"))
	})

	It("leaves no gap in the sequence when a batch cannot be sent", func() {
		url, _ := page(true)
		b := &inbox{}
		e := newTestEngine(b, func(s *settings) { s.userURLs = []string{url} })
		b.fail = true
		e.configure(ctx)
		b.fail = false
		e.complete(ctx)
		Expect(b.all()).To(HaveLen(2))
		Expect(b.all()[0].Sequence).To(BeEquivalentTo(1))
	})

	It("may end before it began", func() {
		b := &inbox{}
		e := newTestEngine(b, func(*settings) {})
		e.cancel(ctx)
		e.start()
		e.abandon()
		Expect(b.all()).To(HaveLen(1))
	})

	It("reads the embedded server's GPUs", func() {
		server, err := mockserver.New(mockserver.Defaults(), mockserver.Deps{})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { _ = server.Stop(ctx) })
		s := httptest.NewServer(server.Handler())
		DeferCleanup(s.Close)
		b := &inbox{}
		e := newTestEngine(b, func(set *settings) {
			set.userURLs = []string{s.URL + "/dcgm1/metrics", s.URL + "/dcgm2/metrics"}
		})
		Expect(e.configure(ctx).EndpointsReachable).To(HaveLen(2))
		for _, m := range b.all() {
			Expect(m.Error).To(BeNil())
			Expect(m.Records).To(HaveLen(2))
			for _, g := range m.Records {
				Expect(g.GPUModelName).To(Equal("NVIDIA H200"))
				Expect(strings.HasPrefix(g.GPUUUID, "GPU-")).To(BeTrue())
				Expect(g.Data["nvidia_power_usage"]).To(BeNumerically("~", 75, 5), "idle")
				Expect(g.Data["nvidia_memory_used"]).To(BeNumerically("~", 15.1, 1), "GB")
				Expect(g.Data).To(HaveLen(11), "every field of the table but the JPEG engine")
			}
		}
	})
})
