package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// Datasets from files, judged by what the server saw.
var _ = Describe("a dataset from a file", Label("e2e"), func() {
	write := func(name string, lines ...any) string {
		GinkgoHelper()
		var b strings.Builder
		for _, line := range lines {
			text, err := json.Marshal(line)
			Expect(err).NotTo(HaveOccurred())
			b.Write(append(text, '\n'))
		}
		path := filepath.Join(GinkgoT().TempDir(), name)
		Expect(os.WriteFile(path, []byte(b.String()), 0o600)).To(Succeed())
		return path
	}
	server := func(more ...string) (url, log string) {
		log = filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		return target(append([]string{"--ttft", "1", "--itl", "1", "--request-log", log, "--request-log-bodies"}, more...)...), log
	}
	type row = map[string]any

	It("that is a trace is replayed at its own times", func() {
		const rows = 1500
		rng := rand.New(rand.NewPCG(7, 7))
		var lines []any
		var times []float64
		now := 0.0
		for range rows {
			now += rng.ExpFloat64() * 3
			times = append(times, now)
			lines = append(lines, row{"timestamp": now, "input_length": 8 + rng.IntN(40), "output_length": 2})
		}
		rng.Shuffle(rows, func(i, k int) { lines[i], lines[k] = lines[k], lines[i] })
		url, log := server()
		p, code := aiperf(profileArgs(url, artifacts(), "--input-file", write("trace.jsonl", lines...), "--random-seed", "3")...)
		Expect(code).To(BeZero(), p.output())
		seen := serverLog(log)
		Expect(seen).To(HaveLen(rows))
		var late []float64
		for i, a := range seen {
			late = append(late, float64(a.ArrivalPerfNS-seen[0].ArrivalPerfNS)/1e6-(times[i]-times[0]))
		}
		slices.Sort(late)
		// How far requests are from their instants beside the median: no bound in time, which a
		// busy machine would break, but in proportion to the distances that the trace has.
		Expect(late[rows*9/10]-late[rows/10]).To(BeNumerically("<", 30*3.0), "the order and the pace of the trace")
		requested := map[int]bool{}
		for _, line := range p.lines() {
			requested[int(number(line, "metrics", "input_sequence_length", "value"))] = true
			Expect(at(line, "metadata", "scheduled_ns")).NotTo(BeNil())
		}
		Expect(len(requested)).To(BeNumerically(">", 30))
		Expect(p.output()).To(ContainSubstring("is a trace with times: they are replayed"))
	})

	It("has the same requests for one worker and for four, and the same order inside each conversation", func() {
		var lines []any
		for i := range 60 {
			var turns []row
			for k := range 1 + i%4 {
				turns = append(turns, row{"text": fmt.Sprintf("conversation %d, turn %d", i, k), "output_length": 3})
			}
			lines = append(lines, row{"session_id": fmt.Sprint("s", i), "turns": turns})
		}
		file := write("conversations.jsonl", lines...)
		run := func(workers string) map[string][]string {
			url, log := server()
			p, code := aiperf(profileArgs(url, artifacts(), "--input-file", file, "--concurrency", "8", "--num-conversations", "60", "--workers-max", workers)...)
			Expect(code).To(BeZero(), p.output())
			out := map[string][]string{}
			for _, turns := range bySession(serverLog(log)) {
				var texts []string
				for _, a := range turns {
					m := a.messagesOf()
					texts = append(texts, fmt.Sprint(m[len(m)-1].Content))
				}
				out[texts[0]] = texts
			}
			return out
		}
		one := run("1")
		Expect(one).To(HaveLen(60))
		Expect(one["conversation 3, turn 0"]).To(HaveLen(4))
		Expect(run("4")).To(Equal(one))
	})

	It("sends bodies as they are", func() {
		url, log := server()
		path := filepath.Join(GinkgoT().TempDir(), "bodies.jsonl")
		bodies := []string{`{"model":"x", "messages":[{"role":"user","content":"one"}],"max_tokens":2,"temperature":2.50}`, `{"messages": [{"role":"user","content":"two"}], "max_tokens": 3, "model": "y"}`}
		Expect(os.WriteFile(path, []byte(strings.Join(bodies, "\n")), 0o600)).To(Succeed())
		p, code := aiperf(profileArgs(url, artifacts(), "--input-file", path, "--custom-dataset-type", "raw_payload", "--request-count", "4")...)
		Expect(code).To(BeZero(), p.output())
		var seen []string
		for _, a := range serverLog(log) {
			seen = append(seen, a.Body)
		}
		Expect(seen).To(Equal([]string{bodies[0], bodies[1], bodies[0], bodies[1]}))
	})

	It("lets conversations start others", func() {
		url, log := server()
		message := func(text string) []row { return []row{{"role": "user", "content": text}} }
		file := write("dag.jsonl",
			row{"session_id": "root", "turns": []row{{"messages": message("plan"), "spawns": []string{"a", "b"}}, {"messages": message("join")}, {"messages": message("end"), "forks": []string{"f"}}}},
			row{"session_id": "a", "turns": []row{{"messages": message("work a")}}},
			row{"session_id": "b", "turns": []row{{"messages": message("work b")}}},
			row{"session_id": "f", "turns": []row{{"messages": message("fork")}}},
		)
		p, code := aiperf(profileArgs(url, artifacts(), "--input-file", file, "--concurrency", "1")...)
		Expect(code).To(BeZero(), p.output())
		var order []string
		for _, a := range serverLog(log) {
			m := a.messagesOf()
			order = append(order, fmt.Sprintf("%v/%d", m[len(m)-1].Content, len(m)))
		}
		Expect(order).To(HaveLen(6))
		Expect(order[0]).To(Equal("plan/1"))
		Expect(order[1:3]).To(ConsistOf("work a/1", "work b/1"))
		Expect(order[3:]).To(Equal([]string{"join/3", "end/5", "fork/7"}))
	})

	It("is refused with the line of the mistake before anything is sent", func() {
		url, log := server()
		p, code := aiperf(profileArgs(url, artifacts(), "--input-file", write("bad.jsonl", row{"text": "a"}, row{"text": "b", "output_length": 0}, row{"txt": "c"}))...)
		Expect(code).To(Equal(2))
		Expect(p.output()).To(And(ContainSubstring("bad.jsonl:2: output_length: must be greater than 0 (got 0)"), ContainSubstring("bad.jsonl:3: want at least one modality")))
		Expect(os.ReadFile(log)).To(BeEmpty())
	})
})

var _ = Describe("a run from a configuration file", Label("e2e"), func() {
	It("is what the file says, but for the flags that are given", func() {
		log := filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		url := target("--fast", "--request-log", log, "--request-log-bodies")
		file, dir := filepath.Join(GinkgoT().TempDir(), "run.yaml"), artifacts()
		Expect(os.WriteFile(file, []byte(fmt.Sprintf(`
variables: {n: 6}
benchmark:
  model: mock
  endpoint: {url: %q, streaming: true, extra: {temperature: 0.25}}
  tokenizer: {name: builtin}
  dataset: {isl: {points: [{value: 7}, {value: 9}]}, osl: 2}
  warmup: {type: concurrency, concurrency: 2, requests: 3}
  profiling: {type: constant, rate: 200, requests: "{{ n * 2 }}"}
  artifacts: {dir: %q}
`, url, dir)), 0o600)).To(Succeed())
		p, code := aiperf("profile", "-f", file, "--ui", "none", "--request-count", "20")
		Expect(code).To(BeZero(), p.output())
		seen := serverLog(log)
		Expect(seen).To(HaveLen(23))
		for _, a := range seen {
			Expect(a.Body).To(ContainSubstring(`"temperature":0.25`))
		}
		Expect(filepath.Join(dir, "profile_export_aiperf.json")).To(BeAnExistingFile())
	})
})
