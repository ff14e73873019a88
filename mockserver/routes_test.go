package mockserver

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"aiperf/clock"
)

var _ = Describe("embeddings", func() {
	type reply struct {
		Object, Model string
		Data          []struct {
			Object    string
			Index     int
			Embedding json.RawMessage
		}
		Usage map[string]int
	}
	ask := func(url, body string) (r reply) {
		_, answer := post(url+"/v1/embeddings", body)
		Expect(json.Unmarshal([]byte(answer), &r)).To(Succeed(), answer)
		return r
	}

	It("give one deterministic vector of 768 per input", func() {
		url, _ := serve(quick())
		r := ask(url, `{"model":"e","input":["one two","three"]}`)
		Expect(r.Object).To(Equal("list"))
		Expect(r.Data).To(HaveLen(2))
		var first, second []float64
		Expect(json.Unmarshal(r.Data[0].Embedding, &first)).To(Succeed())
		Expect(json.Unmarshal(r.Data[1].Embedding, &second)).To(Succeed())
		Expect(first).To(HaveLen(768))
		Expect(second).NotTo(Equal(first))
		Expect(r.Data[1].Index).To(Equal(1))
		Expect(r.Usage).To(Equal(map[string]int{"prompt_tokens": 3, "total_tokens": 3}))
		Expect(ask(url, `{"model":"e","input":["one two","three"]}`)).To(Equal(r))
	})

	It("come in base64 when asked for", func() {
		url, _ := serve(quick())
		body := `{"input":"x","encoding_format":"base64"}`
		var text string
		Expect(json.Unmarshal(ask(url, body).Data[0].Embedding, &text)).To(Succeed())
		raw, err := base64.StdEncoding.DecodeString(text)
		Expect(err).NotTo(HaveOccurred())
		Expect(raw).To(HaveLen(4 * 768))
		v := math.Float32frombits(binary.LittleEndian.Uint32(raw))
		Expect(v).To(And(BeNumerically(">", -1), BeNumerically("<", 1)))
	})

	It("count token ids as inputs", func() {
		url, _ := serve(quick())
		Expect(ask(url, `{"input":[[1,2],[3]]}`).Data).To(HaveLen(2))
		Expect(ask(url, `{"input":[1,2,3]}`).Data).To(HaveLen(1))
	})

	It("need an input", func() {
		url, _ := serve(quick())
		resp, _ := post(url+"/v1/embeddings", `{"prompt":"x"}`)
		Expect(resp.StatusCode).To(Equal(400))
	})
})

var _ = Describe("the control routes", func() {
	It("answer health and the index", func() {
		url, _ := serve(quick())
		resp, body := get(url + "/health")
		Expect(resp.StatusCode).To(Equal(200))
		Expect(body).To(ContainSubstring("healthy"))
		resp, _ = get(url + "/")
		Expect(resp.StatusCode).To(Equal(200))
	})

	It("list the models that were configured or asked for", func() {
		url, _ := serve(quick(func(c *Config) { c.Models = []string{"first"} }))
		post(url+"/v1/completions", `{"model":"org/second","prompt":"x","max_tokens":1}`)
		_, body := get(url + "/v1/models")
		var list struct{ Data []modelEntry }
		Expect(json.Unmarshal([]byte(body), &list)).To(Succeed())
		Expect(list.Data).To(HaveLen(2))
		Expect(list.Data[1].ID).To(Equal("org/second"))
		resp, _ := get(url + "/v1/models/org/second")
		Expect(resp.StatusCode).To(Equal(200))
		resp, _ = get(url + "/v1/models/third")
		Expect(resp.StatusCode).To(Equal(404))
	})

	It("bound the list of models", func() {
		m := newModels([]string{"a"})
		for i := range 2 * maxListedModels {
			m.add(strings.Repeat("x", i+1))
		}
		Expect(m.names()).To(HaveLen(maxListedModels))
	})

	It("change the latencies while the server runs", func() {
		url, s := serve(quick())
		resp, body := post(url+"/configure", `{"ttft":12.5}`)
		Expect(resp.StatusCode).To(Equal(200))
		Expect(body).To(MatchJSON(`{"ttft":12.5,"itl":0}`))
		_, body = post(url+"/configure", `{"itl":3}`)
		Expect(body).To(MatchJSON(`{"ttft":12.5,"itl":3}`))
		Expect(s.timing.Load().ttftMS).To(Equal(12.5))
		for _, bad := range []string{`{"ttft":-1}`, `{"speed":1}`, `{`, `{"itl":"x"}`} {
			resp, _ = post(url+"/configure", bad)
			Expect(resp.StatusCode).To(Equal(400), bad)
		}
	})

	It("answer unknown routes and methods in JSON", func() {
		url, _ := serve(quick())
		resp, body := get(url + "/v2/nothing")
		Expect(resp.StatusCode).To(Equal(404))
		Expect(body).To(MatchJSON(`{"detail":"no such route: GET /v2/nothing"}`))
		resp, _ = get(url + "/v1/chat/completions")
		Expect(resp.StatusCode).To(Equal(404))
	})
})

var _ = Describe("the request log", func() {
	It("has a line per request with its instants", func() {
		path := filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		url, s := serve(quick(func(c *Config) { c.RequestLog = path }))
		before := clock.Now()
		req, _ := http.NewRequest("POST", url+"/v1/completions", strings.NewReader(`{"model":"m\"x","prompt":"a b","stream":true,"max_tokens":4}`))
		req.Header.Set("X-Request-ID", "abc-1")
		resp, err := http.DefaultClient.Do(req)
		Expect(err).NotTo(HaveOccurred())
		_, err = events(resp.Body)
		Expect(err).NotTo(HaveOccurred())
		resp.Body.Close()
		post(url+"/v1/completions", `nonsense`)
		Eventually(s.inflight.Load).Should(BeZero())
		var lines []string
		Eventually(func() []string {
			b, _ := os.ReadFile(path)
			lines = strings.Split(strings.TrimSpace(string(b)), "\n")
			return lines
		}).Should(HaveLen(2))
		var first struct {
			Request       int
			RequestID     string `json:"request_id"`
			Connection    int
			Path, Model   string
			Stream        bool
			SHA           string       `json:"body_sha256"`
			Arrival       clock.MonoNS `json:"arrival_perf_ns"`
			ArrivalWall   clock.WallNS `json:"arrival_ns"`
			Status        int
			Prompt        int            `json:"prompt_tokens"`
			Tokens        []clock.MonoNS `json:"token_perf_ns"`
			End           clock.MonoNS   `json:"end_perf_ns"`
			Aborted       bool
			Fault, Source string
		}
		Expect(json.Unmarshal([]byte(lines[0]), &first)).To(Succeed(), lines[0])
		Expect(first.RequestID).To(Equal("abc-1"))
		Expect(first.Connection).To(BeNumerically(">", 0))
		Expect(first.Model).To(Equal(`m"x`))
		Expect(first.SHA).To(HaveLen(64))
		Expect(first.Status).To(Equal(200))
		Expect(first.Prompt).To(Equal(2))
		Expect(first.Tokens).To(HaveLen(4))
		order := append(append([]clock.MonoNS{before, first.Arrival}, first.Tokens...), first.End, clock.Now())
		for i := 1; i < len(order); i++ {
			Expect(order[i]).To(BeNumerically(">=", order[i-1]))
		}
		Expect(lines[1]).To(ContainSubstring(`"status":400`))
	})

	It("names the file that it cannot open", func() {
		_, err := New(quick(func(c *Config) { c.RequestLog = "/nowhere/at/all" }), Deps{})
		Expect(err).To(MatchError(ContainSubstring("request_log: open /nowhere/at/all")))
	})
})

var _ = Describe("the metrics pages", func() {
	families := func(url string) map[string]float64 {
		GinkgoHelper()
		resp, body := get(url)
		Expect(resp.Header.Get("Content-Type")).To(HavePrefix("text/plain"))
		parser := expfmt.NewTextParser(model.UTF8Validation)
		found, err := parser.TextToMetricFamilies(strings.NewReader(body))
		Expect(err).NotTo(HaveOccurred(), body)
		sums := map[string]float64{}
		for name, f := range found {
			for _, m := range f.GetMetric() {
				sums[name] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		return sums
	}

	It("count what the server did", func() {
		url, s := serve(quick())
		for range 3 {
			post(url+"/v1/completions", `{"prompt":"a b","stream":true,"max_tokens":5}`)
		}
		post(url+"/v1/completions", `{`)
		Eventually(s.inflight.Load).Should(BeZero())
		m := families(url + "/metrics")
		Expect(m).To(HaveKeyWithValue("aiperf_mock_requests_total", 4.0))
		Expect(m).To(HaveKeyWithValue("aiperf_mock_errors_total", 1.0))
		Expect(m).To(HaveKeyWithValue("aiperf_mock_prompt_tokens_total", 6.0))
		Expect(m).To(HaveKeyWithValue("aiperf_mock_completion_tokens_total", 15.0))
		Expect(m).To(HaveKeyWithValue("aiperf_mock_time_to_first_token_seconds", 3.0))
		Expect(m).To(HaveKeyWithValue("aiperf_mock_inter_token_latency_seconds", 12.0))
		Expect(m).To(HaveKeyWithValue("aiperf_mock_request_latency_seconds", 4.0))
		Expect(m).To(HaveKey("aiperf_mock_uptime_seconds"))
	})

	It("imitate a DCGM exporter", func() {
		url, _ := serve(quick(func(c *Config) { c.DCGM.NumGPUs = 3 }))
		m := families(url + "/dcgm1/metrics")
		Expect(m).To(HaveKeyWithValue("DCGM_FI_DEV_POWER_MGMT_LIMIT", 2100.0), "three H200s")
		Expect(m).To(HaveLen(len(dcgmFamilies)))
		_, one := get(url + "/dcgm1/metrics")
		_, two := get(url + "/dcgm2/metrics")
		Expect(one).To(ContainSubstring(`gpu="2"`))
		uuid := one[strings.Index(one, "UUID="):][:50]
		Expect(two).NotTo(ContainSubstring(uuid), "the nodes have different GPUs")
	})

	It("follow the load and never let a counter fall", func() {
		f := newFaker(Defaults().DCGM, 1, 0)
		f.last = 0
		f.history = []tokensAt{{}}
		read := func(sec float64, tokens int64) (watt, energy float64) {
			var b strings.Builder
			f.write(&b, clock.MonoNS(sec*1e9), tokens)
			parser := expfmt.NewTextParser(model.UTF8Validation)
			m, err := parser.TextToMetricFamilies(strings.NewReader(b.String()))
			Expect(err).NotTo(HaveOccurred())
			return m["DCGM_FI_DEV_POWER_USAGE"].Metric[0].Gauge.GetValue(), m["DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"].Metric[0].Counter.GetValue()
		}
		idle, _ := read(1, 0)
		Expect(idle).To(BeNumerically("~", 75, 5))
		busy, e1 := read(2, 10000)
		Expect(busy).To(BeNumerically(">", 600))
		for i := range 10 {
			_, e2 := read(3+float64(i), 10000)
			Expect(e2).To(BeNumerically(">", e1))
			e1 = e2
		}
		again, _ := read(20, 10000)
		Expect(again).To(BeNumerically("~", 75, 5))
	})

	It("can leave the GPUs idle", func() {
		d := Defaults().DCGM
		d.AutoLoad = false
		Expect(newFaker(d, 1, 0).load(clock.Now(), 1e6)).To(BeZero())
	})
})

// FuzzRequest feeds bodies to the parser of every route.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		chatBody, shortStream, `{"input":[[1,2],"x",["y"]]}`, `{"prompt":[1,2]}`, `{"messages":[{"tool_calls":[{"function":{"name":"f"}}]}],"tools":[{"function":{"parameters":{}}}]}`,
		`{"messages":[null,1,"x"]}`, "\xff\xfe", `{"a":"\ud800"}`, `{"max_tokens":1e400}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseRequest(body)
		if err != nil {
			return
		}
		if r.maxTokens < 0 || r.maxTokens > maxTokens || r.inputs < 0 || r.pretokenised < 0 || len(r.model) > maxModelName {
			t.Fatalf("out of bounds: %+v", r)
		}
		if pieces(r.text) > len(r.text) {
			t.Fatal("more pieces than bytes")
		}
	})
}

func BenchmarkAppendToken(b *testing.B) {
	g := &generation{dialect: chat, answer: newAnswer(1), tokens: 1 << 30, finish: `"length"`, frame: make([]byte, 0, 512)}
	g.head = chat.appendHead(nil, chat.chunkObject, 12345, "some-model")
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		g.appendToken(i)
		i++
	}
	b.SetBytes(int64(len(g.frame)))
}

func BenchmarkParseRequest(b *testing.B) {
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("some words here ", 150) + `"}],"stream":true,"max_completion_tokens":16,"stream_options":{"include_usage":true}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseRequest(body); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(body)))
}

var _ = It("builds a token's event without allocation", func() {
	g := &generation{dialect: chat, answer: newAnswer(1), tokens: 100, finish: `"length"`, frame: make([]byte, 0, 512)}
	g.head = chat.appendHead(nil, chat.chunkObject, 1, "m")
	Expect(testing.AllocsPerRun(100, func() { g.appendToken(5) })).To(BeZero())
})
