package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
	"aiperf/plugins"
)

// page is what an exporter of two GPUs shows, cut down.
var page = func() []byte {
	b, err := os.ReadFile("testdata/dcgm.txt")
	if err != nil {
		panic(err)
	}
	return b
}()

func collector(url string) Collector {
	GinkgoHelper()
	make, err := plugins.Constructor[Constructor](plugins.Builtin(), "gpu_telemetry_collector", "dcgm")
	Expect(err).NotTo(HaveOccurred())
	c, err := make(Config{URL: url})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() {
		Expect(c.Close()).To(Succeed())
		Expect(c.Close()).To(Succeed())
	})
	return c
}

func exporter(h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	DeferCleanup(s.Close)
	return s.URL
}

var _ = Describe("the DCGM collector", func() {
	ctx := context.Background()

	It("reads one sample per GPU in display units", func() {
		url := exporter(func(w http.ResponseWriter, r *http.Request) {
			Expect(r.URL.Path).To(Equal("/metrics"))
			_, _ = w.Write(page)
		})
		samples, err := collector(url).Collect(ctx, false)
		Expect(err).NotTo(HaveOccurred())
		Expect(samples).To(HaveLen(2))
		g := samples[1]
		Expect(g.TimestampNS).To(BeNumerically("~", time.Now().UnixNano(), time.Minute))
		g.TimestampNS = 0
		Expect(g).To(Equal(messages.GPUSample{
			GPUIndex: 1, GPUUUID: "GPU-b", GPUModelName: "NVIDIA H200", PCIBusID: "00000000:3B:00.0", Device: "nvidia1",
			Hostname: "node1", Namespace: "prod", PodName: "vllm-0", Platform: "nvidia", SourceURL: url + "/metrics",
			Data: g.Data,
		}))
		for name, want := range map[string]float64{
			"nvidia_power_usage": 299.25, "nvidia_energy_consumption": 2.004906433, "nvidia_gpu_utilization": 74, "nvidia_memory_utilization": 31,
			"nvidia_memory_used": 65540 * 1.048576e-3, "nvidia_temperature": 53, "nvidia_sm_utilization": 62.5, "nvidia_xid_errors": 31,
			"nvidia_power_violation": 49, "nvidia_jpg_utilization": 5,
		} {
			Expect(g.Data).To(HaveKeyWithValue(name, BeNumerically("~", want, 1e-9)), name)
		}
		Expect(g.Data).To(HaveLen(10), "unknown metrics and values that are no numbers are left out")
	})

	It("sends the credentials of its URL to the page, and shows them to nobody else", func() {
		status := http.StatusOK
		url := exporter(func(w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			Expect([]string{user, password, r.URL.Query().Get("token")}).To(Equal([]string{"bob", "hunter2", "tok55"}))
			w.WriteHeader(status)
			_, _ = w.Write(page)
		})
		host := strings.TrimPrefix(url, "http://")
		c := collector("http://bob:hunter2@" + host + "/gpus?token=tok55")
		want := "http://<redacted>@" + host + "/gpus?token=<redacted>"
		Expect(c.Source()).To(Equal(want))
		samples, err := c.Collect(ctx, false)
		Expect(err).NotTo(HaveOccurred())
		Expect(samples[0].SourceURL).To(Equal(want))
		Expect(DisplayURL(want)).To(Equal(host + "/gpus?token=<redacted>"))
		status = http.StatusForbidden
		for _, err := range []error{c.Reachable(ctx), func() error { _, err := c.Collect(ctx, false); return err }()} {
			Expect(err).To(MatchError(And(ContainSubstring("403"), Not(ContainSubstring("hunter2")), Not(ContainSubstring("tok55")))))
		}
	})

	It("drops an answer that has not changed, unless it is forced", func() {
		var body atomic.Pointer[[]byte]
		body.Store(&page)
		c := collector(exporter(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*body.Load()) }))
		count := func(forced bool) int {
			s, err := c.Collect(ctx, forced)
			Expect(err).NotTo(HaveOccurred())
			return len(s)
		}
		Expect([]int{count(false), count(false), count(true), count(false)}).To(Equal([]int{2, 0, 2, 0}))
		changed := bytes.Replace(page, []byte("310.5"), []byte("310.6"), 1)
		body.Store(&changed)
		Expect([]int{count(false), count(false)}).To(Equal([]int{2, 0}))
	})

	DescribeTable("is reachable", func(head, get int, want string) {
		c := collector(exporter(func(w http.ResponseWriter, r *http.Request) {
			if status := map[string]int{"HEAD": head, "GET": get}[r.Method]; status != 200 {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
			}
		}))
		if err := c.Reachable(ctx); want == "" {
			Expect(err).NotTo(HaveOccurred())
		} else {
			Expect(err).To(MatchError(ContainSubstring(want)))
		}
	},
		Entry("when it answers a HEAD", 200, 500, ""),
		Entry("when it knows only GET", 405, 200, ""),
		Entry("not when it has no such page", 404, 404, "status 404"),
		Entry("not when it sends one elsewhere", 302, 302, "status 302"),
	)

	It("names what it cannot reach, and why", func() {
		s := httptest.NewServer(nil)
		url := s.URL
		s.Close()
		err := collector(url).Reachable(ctx)
		Expect(err).To(MatchError(HavePrefix("reach " + strings.TrimPrefix(url, "http://") + ": ClientConnectorError")))
		Expect(messages.AsErrorDetails("x", err).Type).To(Equal("ClientConnectorError"))
	})

	It("does not wait longer than it may", func() {
		release := make(chan struct{})
		url := exporter(func(http.ResponseWriter, *http.Request) { <-release })
		defer close(release)
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, err := collector(url).Collect(short, false)
		Expect(messages.AsErrorDetails("x", err).Type).To(Equal("TimeoutError"))
	})

	DescribeTable("reports a bad page", func(status int, body, typ string) {
		c := collector(exporter(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		samples, err := c.Collect(ctx, false)
		Expect(samples).To(BeEmpty())
		Expect(messages.AsErrorDetails("x", err).Type).To(Equal(typ))
	},
		Entry("that is an error", 503, "busy", "Service Unavailable"),
		Entry("that is another kind of page", 200, "<html><body>hello</body></html>\n", "ParseError"),
		Entry("that breaks off", 200, "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"", "ParseError"),
		Entry("that is no text", 200, "\x00\x01\x02{}", "ParseError"),
	)

	DescribeTable("takes what a page gives", func(body string, gpus ...string) {
		samples, err := parsePage([]byte(body))
		Expect(err).NotTo(HaveOccurred())
		got := []string{}
		for _, s := range samples {
			got = append(got, fmt.Sprintf("%d %s %s %v", s.GPUIndex, s.GPUUUID, s.GPUModelName, s.Data))
		}
		Expect(got).To(HaveExactElements(gpus))
	},
		Entry("nothing", ""),
		Entry("only metrics of others", "up 1\nnode_load1 0.5\n"),
		Entry("a GPU without uuid and name", `DCGM_FI_DEV_GPU_UTIL{gpu="3"} 7`+"\n", "3 GPU-unknown-3 Unknown GPU map[nvidia_gpu_utilization:7]"),
		Entry("no GPU without a number", `DCGM_FI_DEV_GPU_UTIL{gpu="x",UUID="u"} 7`+"\n"),
		Entry("a counter's suffix, and no line end", `DCGM_FI_DEV_POWER_VIOLATION_total{gpu="0",UUID="u",modelName="m"} 2000`, "0 u m map[nvidia_power_violation:2]"),
		Entry("no value that is not finite", "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"u\"} NaN\nDCGM_FI_DEV_GPU_TEMP{gpu=\"0\",UUID=\"u\"} +Inf\n"),
		Entry("two hosts that number alike, apart", "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"b\",modelName=\"m\"} 1\nDCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"a\",modelName=\"m\"} 2\n",
			"0 a m map[nvidia_gpu_utilization:2]", "0 b m map[nvidia_gpu_utilization:1]"),
	)

	It("can be made without a URL, to be asked what it needs", func() {
		c, err := NewDCGM(Config{})
		Expect(err).NotTo(HaveOccurred())
		_, validates := c.(EnvironmentValidator)
		Expect(validates).To(BeFalse())
		Expect(c.Reachable(ctx)).NotTo(Succeed())
	})
})

// FuzzPage feeds pages to the parser: whatever it gives is finite and names its GPU.
func FuzzPage(f *testing.F) {
	f.Add(page)
	for _, s := range []string{"", "# TYPE DCGM_FI_DEV_GPU_UTIL histogram\nDCGM_FI_DEV_GPU_UTIL_bucket{gpu=\"0\",le=\"1\"} 1\n", `DCGM_FI_DEV_GPU_UTIL{gpu="-1"} 1e999`, "a{b=\"\\\"} 1\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		samples, err := parsePage(b)
		if err != nil && samples != nil {
			t.Fatal("samples beside an error")
		}
		for _, s := range samples {
			if s.GPUIndex < 0 || s.GPUUUID == "" || s.GPUModelName == "" || len(s.Data) == 0 {
				t.Fatalf("incomplete: %+v", s)
			}
			for name, v := range s.Data {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("%s is %g", name, v)
				}
			}
		}
	})
}
