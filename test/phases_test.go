package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
	"aiperf/messages/bus"
)

// inPhases are the arguments of a run whose phases stand in a file.
func inPhases(url string, phases ...string) []string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "run.yaml")
	text := "benchmark:\n  model: m\n  endpoint: {url: \"" + url + "\"}\n  phases:\n    - " + strings.Join(phases, "\n    - ") + "\n"
	Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	return profileArgs(url, artifacts(), "--isl", "16", "--osl", "4", "--random-seed", "3", "--config", path)
}

// manifest reads the counts of each phase.
func (p *program) manifest() (phases []map[string]any) {
	GinkgoHelper()
	b, err := os.ReadFile(filepath.Join(p.dir, "phase_manifest.json"))
	Expect(err).NotTo(HaveOccurred(), p.output())
	var doc struct {
		Phases []map[string]any `json:"phases"`
	}
	Expect(json.Unmarshal(b, &doc)).To(Succeed())
	return doc.Phases
}

// byPhase counts the records of each phase, and notes the requests they are of.
func (p *program) byPhase() (counts map[string]int, of map[string]string) {
	GinkgoHelper()
	counts, of = map[string]int{}, map[string]string{}
	for _, line := range p.lines() {
		phase := at(line, "metadata", "phase_name").(string)
		counts[phase]++
		if id, ok := at(line, "metadata", "x_request_id").(string); ok {
			Expect(of).NotTo(HaveKey(id), "one request, one phase")
			of[id] = phase
		}
	}
	return counts, of
}

var _ = Describe("several phases", Label("e2e"), func() {
	It("run in their order, drained or seamless, and every request is in the results of its own phase", func() {
		log := filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		url := target("--ttft", "80", "--itl", "5", "--request-log", log)
		p, code := aiperf(inPhases(url,
			"{name: caches, kind: warmup, type: concurrency, concurrency: 2, requests: 4}",
			"{name: baseline, kind: profiling, type: concurrency, concurrency: 4, requests: 20}",
			"{name: stress, kind: profiling, type: concurrency, concurrency: 6, requests: 30, seamless: true}",
			"{name: rate, kind: profiling, type: constant, rate: 50, duration: 1}",
			"{name: cool-down, kind: warmup, type: concurrency, concurrency: 1, requests: 3}",
		)...)
		Expect(code).To(BeZero(), p.output())

		seen := serverLog(log)
		counts, of := p.byPhase()
		Expect(counts["rate"]).To(BeNumerically("~", 50, 1))
		Expect(counts).To(Equal(map[string]int{"caches": 4, "baseline": 20, "stress": 30, "rate": counts["rate"], "cool-down": 3}))
		Expect(seen).To(HaveLen(4 + 20 + 30 + counts["rate"] + 3))

		first, last := map[string]int64{}, map[string]int64{}
		ofPhase := map[string][]answered{}
		for _, a := range seen {
			phase := of[a.RequestID]
			Expect(phase).NotTo(BeEmpty(), "the server saw a request without a record")
			if first[phase] == 0 {
				first[phase] = a.ArrivalPerfNS
			}
			last[phase] = max(last[phase], a.EndPerfNS)
			ofPhase[phase] = append(ofPhase[phase], a)
		}
		for _, pair := range [][2]string{{"caches", "baseline"}, {"stress", "rate"}, {"rate", "cool-down"}} {
			Expect(first[pair[1]]).To(BeNumerically(">", last[pair[0]]), "%s begins when %s is over", pair[1], pair[0])
		}
		Expect(first["stress"]).To(BeNumerically("<", last["baseline"]), "the seamless one does not wait")
		Expect(mostAtOnce(ofPhase["baseline"])).To(Equal(4))
		Expect(mostAtOnce(ofPhase["stress"])).To(Equal(6))
		Expect(mostAtOnce(append(ofPhase["baseline"], ofPhase["stress"]...))).To(Equal(6), "old requests count against the limit of the new phase")

		var names []string
		for i, m := range p.manifest() {
			name := m["phase_name"].(string)
			names = append(names, name)
			Expect(number(m, "phase_index")).To(BeEquivalentTo(i))
			Expect(number(m, "total_request_count")).To(BeEquivalentTo(counts[name]))
			b, err := os.ReadFile(filepath.Join(p.dir, m["metrics_json"].(string)))
			Expect(err).NotTo(HaveOccurred())
			var own map[string]any
			Expect(json.Unmarshal(b, &own)).To(Succeed())
			Expect(number(own, "request_count", "avg")).To(BeEquivalentTo(counts[name]))
			Expect(at(own, "measurement_quality", "credits", "issued")).To(BeEquivalentTo(counts[name]))
		}
		Expect(names).To(Equal([]string{"caches", "baseline", "stress", "rate", "cool-down"}))
		s := p.summary()
		Expect(number(s, "request_count", "avg")).To(BeEquivalentTo(20+30+counts["rate"]), "the profiling phases")
		Expect(number(s, "warmup_metrics", "request_count", "avg")).To(BeEquivalentTo(4 + 3))
	})

	It("lose no request of either when a worker dies between two that overlap", func() {
		linuxOnly()
		p := start(append(inPhases(target("--ttft", "400", "--itl", "5"),
			"{name: first, kind: profiling, type: concurrency, concurrency: 6, requests: 12}",
			"{name: second, kind: profiling, type: concurrency, concurrency: 12, requests: 36, seamless: true}",
		), "--workers-max", "2")...)
		l := p.listen("credit_phase_start")
		for begun := false; !begun; {
			var d bus.Delivery
			Eventually(l.sub.Receive()).WithTimeout(patience).Should(Receive(&d), p.output)
			var m messages.CreditPhaseStart
			Expect(d.Envelope.Decode(&m)).To(Succeed())
			begun = m.Stats.PhaseIndex == 1
		}
		p.kill("worker_")
		code := p.wait()
		Expect(code).To(Equal(1), p.output())
		var lost float64
		for i, want := range []float64{12, 36} {
			m := p.manifest()[i]
			Expect(number(m, "total_request_count")).To(Equal(want))
			lost += number(m, "error_request_count")
		}
		Expect(number(p.manifest()[0], "error_request_count")).To(BeNumerically(">", 0), "the first one's last answers")
		counts, _ := p.byPhase()
		Expect(counts).To(Equal(map[string]int{"first": 12, "second": 36}))
		Expect(number(p.summary(), "measurement_quality", "credits", "lost")).To(Equal(lost))
	})
})
