package mockserver

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"aiperf/clock"
)

// stats are the server's own figures, shown at /metrics.
type stats struct {
	tokens atomic.Int64 // written so far; live, for the GPUs' load

	mu       sync.Mutex
	requests map[requestKey]int64
	errors   map[requestKey]int64
	prompt   map[string]int64
	output   map[string]int64
	latency  map[string]*histogram
	ttft     map[string]*histogram
	gaps     map[string]*histogram
}

type requestKey struct {
	route  string
	status int
}

// Upper bounds of the buckets, seconds.
var (
	latencyBounds = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}
	gapBounds     = [gapBuckets]float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1}
)

const gapBuckets = 13

// gaps are the inter-token latencies of one answer, kept by its goroutine and merged
// when it ends: tokens share no lock.
type gaps struct {
	counts [gapBuckets + 1]int64
	sum    float64 // seconds
}

// add is hot: once per token.
func (g *gaps) add(d time.Duration) {
	s := d.Seconds()
	i := 0
	for i < gapBuckets && s > gapBounds[i] {
		i++
	}
	g.counts[i]++
	g.sum += s
}

type histogram struct {
	bounds []float64
	counts []int64 // one more than bounds
	sum    float64
}

func newHistogram(bounds []float64) *histogram {
	return &histogram{bounds: bounds, counts: make([]int64, len(bounds)+1)}
}

func (h *histogram) add(seconds float64) {
	h.counts[sort.SearchFloat64s(h.bounds, seconds)]++
	h.sum += seconds
}

func newStats() *stats {
	return &stats{
		requests: map[requestKey]int64{}, errors: map[requestKey]int64{}, prompt: map[string]int64{}, output: map[string]int64{},
		latency: map[string]*histogram{}, ttft: map[string]*histogram{}, gaps: map[string]*histogram{},
	}
}

// observe accounts for one answer.
func (s *stats) observe(c *call, end clock.MonoNS) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := requestKey{c.route, c.status}
	s.requests[key]++
	if c.status >= 400 || c.fault != "" || c.aborted {
		s.errors[key]++
	}
	s.prompt[c.route] += int64(c.promptTokens)
	s.output[c.route] += int64(c.outputTokens)
	of(s.latency, c.route, latencyBounds).add(end.Sub(c.arrival).Seconds())
	if c.outputTokens == 0 {
		return
	}
	of(s.ttft, c.route, latencyBounds).add(c.first.Sub(c.arrival).Seconds())
	g := of(s.gaps, c.route, gapBounds[:])
	for i, n := range c.gaps.counts {
		g.counts[i] += n
	}
	g.sum += c.gaps.sum
}

func of(m map[string]*histogram, route string, bounds []float64) *histogram {
	h := m[route]
	if h == nil {
		h = newHistogram(bounds)
		m[route] = h
	}
	return h
}

// metricsPage is the Prometheus page of the server itself.
func (s *Server) metricsPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.stats.write(w, clock.Wall().Sub(s.started).Seconds(), s.inflight.Load())
}

func (s *stats) write(w io.Writer, uptime float64, inflight int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	writeCounts(w, "aiperf_mock_requests_total", "Answered requests.", s.requests)
	writeCounts(w, "aiperf_mock_errors_total", "Requests that failed, were cut short or were given up.", s.errors)
	writeTotals(w, "aiperf_mock_prompt_tokens_total", "Prompt tokens.", s.prompt)
	writeTotals(w, "aiperf_mock_completion_tokens_total", "Written tokens.", s.output)
	writeHistograms(w, "aiperf_mock_request_latency_seconds", "From the arrival of a request to the end of its answer.", s.latency)
	writeHistograms(w, "aiperf_mock_time_to_first_token_seconds", "From the arrival of a request to the first token of its answer.", s.ttft)
	writeHistograms(w, "aiperf_mock_inter_token_latency_seconds", "Between the tokens of a stream.", s.gaps)
	writeHead(w, "aiperf_mock_in_flight", "Requests under way.", "gauge")
	fmt.Fprintf(w, "aiperf_mock_in_flight %d\n", inflight)
	writeHead(w, "aiperf_mock_uptime_seconds", "Time since the start.", "gauge")
	fmt.Fprintf(w, "aiperf_mock_uptime_seconds %g\n", uptime)
}

func writeHead(w io.Writer, name, help, kind string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func writeCounts(w io.Writer, name, help string, counts map[requestKey]int64) {
	writeHead(w, name, help, "counter")
	keys := make([]requestKey, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		return keys[i].route < keys[j].route || keys[i].route == keys[j].route && keys[i].status < keys[j].status
	})
	for _, k := range keys {
		fmt.Fprintf(w, "%s{endpoint=\"%s\",status=\"%d\"} %d\n", name, k.route, k.status, counts[k])
	}
}

func writeTotals(w io.Writer, name, help string, totals map[string]int64) {
	writeHead(w, name, help, "counter")
	for _, route := range sortedRoutes(totals) {
		fmt.Fprintf(w, "%s{endpoint=\"%s\"} %d\n", name, route, totals[route])
	}
}

func writeHistograms(w io.Writer, name, help string, of map[string]*histogram) {
	writeHead(w, name, help, "histogram")
	for _, route := range sortedRoutes(of) {
		h, total := of[route], int64(0)
		for i, n := range h.counts {
			total += n
			bound := math.Inf(1)
			if i < len(h.bounds) {
				bound = h.bounds[i]
			}
			fmt.Fprintf(w, "%s_bucket{endpoint=\"%s\",le=\"%s\"} %d\n", name, route, leText(bound), total)
		}
		fmt.Fprintf(w, "%s_sum{endpoint=\"%s\"} %g\n%s_count{endpoint=\"%s\"} %d\n", name, route, h.sum, name, route, total)
	}
}

func leText(bound float64) string {
	if math.IsInf(bound, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(bound, 'g', -1, 64)
}

func sortedRoutes[T any](m map[string]T) []string {
	routes := make([]string, 0, len(m))
	for r := range m {
		routes = append(routes, r)
	}
	sort.Strings(routes)
	return routes
}
