package mockserver

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

const shortStream = `{"prompt":"x y","stream":true,"max_tokens":10,"stream_options":{"include_usage":true}}`

var _ = Describe("injected faults", func() {
	statuses := func(seed uint64, n int) []int {
		url, _ := serve(quick(func(c *Config) {
			c.RandomSeed, c.ErrorRate, c.ErrorStatusCodes = &seed, 30, []int{429, 500, 503}
		}))
		var out []int
		for range n {
			resp, body := post(url+"/v1/completions", `{"prompt":"x","max_tokens":1}`)
			if resp.StatusCode != 200 {
				Expect(body).To(Equal(fmt.Sprintf(`{"detail":"Simulated error (status %d)"}`, resp.StatusCode)))
				Expect(resp.Header.Get("Retry-After") == "1").To(Equal(resp.StatusCode != 500))
			}
			out = append(out, resp.StatusCode)
		}
		return out
	}

	It("come at the asked share and are the same for the same seed", func() {
		first := statuses(42, 200)
		Expect(statuses(42, 200)).To(Equal(first))
		Expect(statuses(43, 200)).NotTo(Equal(first))
		count := map[int]int{}
		for _, s := range first {
			count[s]++
		}
		Expect(count[200]).To(BeNumerically("~", 140, 25))
		Expect(count).To(HaveLen(4), "every status is picked")
	})

	It("do not move when another fault is switched on", func() {
		c := chance{42}
		var before, after []bool
		for i := range uint64(1000) {
			before = append(before, c.happens(i, askError, 0.3))
			_ = c.happens(i, askCut, 0.5)
			after = append(after, c.happens(i, askError, 0.3))
		}
		Expect(after).To(Equal(before))
	})

	DescribeTable("read a rate", func(rate, want float64) { Expect(share(rate)).To(Equal(want)) },
		Entry("as a share", 0.25, 0.25), Entry("one is all", 1.0, 1.0), Entry("above one as percent", 25.0, 0.25), Entry("all in percent", 100.0, 1.0),
	)

	It("end a stream in an error event after one to three tokens", func() {
		url, _ := serve(quick(func(c *Config) { c.ErrorMidstreamRate = 1 }))
		lengths := map[int]bool{}
		for range 30 {
			resp, body := post(url+"/v1/completions", shortStream)
			Expect(resp.StatusCode).To(Equal(200))
			Expect(body).To(HaveSuffix("event: error\ndata: {\"error\":{\"message\":\"Simulated mid-stream error\",\"type\":\"server_error\"}}\n\n"))
			Expect(body).NotTo(ContainSubstring("usage"))
			Expect(body).NotTo(ContainSubstring("[DONE]"))
			n := strings.Count(body, `"text":`)
			Expect(n).To(And(BeNumerically(">=", 1), BeNumerically("<=", 3)))
			lengths[n] = true
		}
		Expect(lengths).To(HaveLen(3))
	})

	It("cut the connection without ending the answer", func() {
		url, _ := serve(quick(func(c *Config) { c.CutRate = 100 }))
		for range 10 {
			resp, err := http.Post(url+"/v1/completions", "", strings.NewReader(shortStream))
			Expect(err).NotTo(HaveOccurred())
			data, err := events(resp.Body)
			resp.Body.Close()
			Expect(err).To(MatchError("unexpected EOF"))
			Expect(len(data)).To(And(BeNumerically(">=", 1), BeNumerically("<=", 3)))
		}
	})

	It("leave answers in one piece alone", func() {
		url, _ := serve(quick(func(c *Config) { c.CutRate, c.ErrorMidstreamRate = 1, 1 }))
		resp, _ := post(url+"/v1/completions", `{"prompt":"x","max_tokens":4}`)
		Expect(resp.StatusCode).To(Equal(200))
	})

	It("refuse a request that is wrong before they fail one", func() {
		url, _ := serve(quick(func(c *Config) { c.ErrorRate = 1 }))
		resp, _ := post(url+"/v1/completions", `{`)
		Expect(resp.StatusCode).To(Equal(400))
	})
})

var _ = Describe("the pace of an answer", func() {
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	instants := func(p pacer, n int) []time.Duration {
		out := []time.Duration{time.Duration(p.due)}
		for i := 1; i < n; i++ {
			out = append(out, time.Duration(p.next(i)))
		}
		return out
	}
	plain := newStall(Stall{})

	It("is one ITL from token to token, without drift", func() {
		p := newPacer(&timing{ttftMS: 20, itlMS: 5}, chance{1}, 0, 0, 100, 4, 1, plain)
		Expect(instants(p, 4)).To(Equal([]time.Duration{ms(20), ms(25), ms(30), ms(35)}))
	})

	It("is ttft + (n − 1) · itl for an answer in one piece", func() {
		p := newPacer(&timing{ttftMS: 20, itlMS: 5}, chance{1}, 0, 1000, 100, 11, 1, plain)
		Expect(p.last(11)).To(Equal(clock.MonoNS(1000).Add(ms(70))))
	})

	It("grows with lengths and load as the formulas say", func() {
		t := &timing{ttftMS: 1, itlMS: 1, ttftPerISLTokenMS: 0.1, ttftConcurrencyQuadMS: 0.5, itlPerOSLTokenMS: 0.01, itlConcurrencyLinMS: 2}
		p := newPacer(t, chance{1}, 0, 0, 50, 100, 4, plain)
		Expect(instants(p, 2)).To(Equal([]time.Duration{ms(1 + 5 + 8), ms(1 + 5 + 8 + 1 + 1 + 8)}))
	})

	It("jitters around the mean, alike for the same seed and request", func() {
		t := &timing{ttftMS: 10, itlMS: 2, ttftJitterCV: 0.5, itlJitterCV: 0.3}
		var sum, squares float64
		const n = 20000
		for i := range uint64(n) {
			p := newPacer(t, chance{9}, i, 0, 0, 1, 1, plain)
			v := float64(p.due) / 1e7
			sum += v
			squares += v * v
		}
		mean := sum / n
		Expect(mean).To(BeNumerically("~", 1, 0.02))
		Expect(squares/n - mean*mean).To(BeNumerically("~", 0.25, 0.03))
		a, b := newPacer(t, chance{9}, 5, 0, 0, 20, 1, plain), newPacer(t, chance{9}, 5, 0, 0, 20, 1, plain)
		Expect(instants(a, 20)).To(Equal(instants(b, 20)))
		gaps := map[time.Duration]bool{}
		last := time.Duration(0)
		for _, at := range instants(newPacer(t, chance{9}, 5, 0, 0, 20, 1, plain), 20) {
			gaps[at-last] = true
			last = at
		}
		Expect(gaps).To(HaveLen(20), "jitter is drawn anew for each token")
	})

	It("stands still while the server does, and goes on from there", func() {
		s := newStall(Stall{AtSec: 1, ForSec: 2})
		Expect(s.shift(500)).To(BeEquivalentTo(500), "nothing before the first request")
		start := clock.MonoNS(1e9)
		s.begin(start)
		s.begin(start.Add(time.Hour)) // the first one counts
		p := newPacer(&timing{ttftMS: 900, itlMS: 60}, chance{1}, 0, start, 0, 4, 1, s)
		Expect(instants(p, 5)).To(Equal([]time.Duration{
			time.Second + ms(900), time.Second + ms(960), 4 * time.Second, 4*time.Second + ms(60), 4*time.Second + ms(120),
		}))
	})

	It("stalls whole answers over the wire", func() {
		url, _ := serve(quick(func(c *Config) { c.StallAt = Stall{AtSec: 0, ForSec: 0.2} }))
		began := clock.Now()
		post(url+"/v1/completions", `{"prompt":"x","max_tokens":1}`)
		Expect(clock.Now().Sub(began)).To(BeNumerically(">=", 150*time.Millisecond))
	})

	It("never answers before its time", func() {
		url, _ := serve(quick(func(c *Config) { c.Fast = false; c.TTFTMS, c.ITLMS = 30, 10 }))
		began := clock.Now()
		post(url+"/v1/completions", `{"prompt":"x","max_tokens":3}`)
		Expect(clock.Now().Sub(began)).To(BeNumerically(">=", 50*time.Millisecond))
		began = clock.Now()
		post(url+"/v1/completions", `{"prompt":"x","max_tokens":3,"stream":true}`)
		Expect(clock.Now().Sub(began)).To(BeNumerically(">=", 50*time.Millisecond))
	})
})
