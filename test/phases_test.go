package test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/bootstrap"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/plugins"
)

// meshOf runs the processes of a benchmark whose phases are given, with this test in the
// launcher's place; watch sees every message on the bus.
func meshOf(url string, phases []config.Phase, watch func(p *program, e messages.Envelope), args ...string) (p *program, code int) {
	GinkgoHelper()
	p = &program{cmd: nil, stdout: &lockedBuffer{}, stderr: &lockedBuffer{}, dir: artifacts()}
	run, problems := config.Load(config.Input{Args: append(profileArgs(url, p.dir, "--isl", "16", "--osl", "4", "--random-seed", "3"), args...)[1:], Env: []string{"HOME=" + GinkgoT().TempDir()}}, config.Host{
		LoadPlugins: plugins.Load,
		ResolveTokenizer: func(config.TokenizerAsk) (config.TokenizerChoice, error) {
			return config.TokenizerChoice{Plugin: "builtin", Encoding: "o200k_base"}, nil
		},
		Entropy: func(n int) []byte {
			b := make([]byte, n)
			_, _ = rand.Read(b)
			return b
		},
		CPUs: 2, WorkingDir: p.dir, PID: os.Getpid(),
	})
	Expect(problems).To(BeEmpty())
	run.Benchmark.Phases = phases
	Expect(bootstrap.Plan(run)).To(Succeed())
	Expect(bootstrap.Own(run)).To(Succeed())
	DeferCleanup(func() {
		_ = os.RemoveAll(run.Mesh.IPCDir)
		_ = os.RemoveAll(run.DatasetDir)
	})
	mesh, err := bootstrap.NewMesh(run, bootstrap.MeshOptions{
		Executable: binary, Signals: make(chan os.Signal), Console: func(line string) { fmt.Fprintln(p.stdout, line) },
		Watch: func(e messages.Envelope) {
			if watch != nil {
				watch(p, e)
			}
		},
	})
	Expect(err).NotTo(HaveOccurred())
	out := mesh.Run(context.Background())
	return p, out.ExitCode
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
	ptr := func(n int) *int { return &n }
	sec := func(s float64) *float64 { return &s }
	closed := func(name, kind string, concurrency, requests int) config.Phase {
		return config.Phase{Name: name, Kind: kind, Type: config.TypeConcurrency, Concurrency: ptr(concurrency), Requests: ptr(requests), GraceInfinite: true, ExcludeFromResults: kind == config.KindWarmup}
	}
	const warmup, profiling = config.KindWarmup, config.KindProfiling

	It("run in their order, drained or seamless, and every request is in the results of its own phase", func() {
		log := filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		url := target("--ttft", "80", "--itl", "5", "--request-log", log)
		stress := closed("stress", profiling, 6, 30)
		stress.Seamless = true
		rate := config.Phase{Name: "rate", Kind: profiling, Type: config.TypeConstant, RatePerSec: sec(50), DurationSec: sec(1), GracePeriodSec: 30}
		p, code := meshOf(url, []config.Phase{
			closed("caches", warmup, 2, 4), closed("baseline", profiling, 4, 20), stress, rate, closed("cool-down", warmup, 1, 3),
		}, nil)
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
		second := closed("second", profiling, 12, 60)
		second.Seamless = true
		killed := false
		p, code := meshOf(target("--ttft", "300", "--itl", "5"), []config.Phase{closed("first", profiling, 6, 12), second}, func(p *program, e messages.Envelope) {
			var m messages.CreditPhaseStart
			if e.Type == "credit_phase_start" && e.Decode(&m) == nil && m.Stats.PhaseIndex == 1 && !killed {
				for pid, name := range childrenOf(os.Getpid()) {
					if strings.HasPrefix(name, "worker_") && !killed {
						killed = syscall.Kill(pid, syscall.SIGKILL) == nil
					}
				}
			}
		}, "--workers-max", "2")
		Expect(killed).To(BeTrue())
		Expect(code).To(Equal(1), p.output())
		var lost float64
		for i, want := range []float64{12, 60} {
			m := p.manifest()[i]
			Expect(number(m, "total_request_count")).To(Equal(want))
			lost += number(m, "error_request_count")
		}
		Expect(number(p.manifest()[0], "error_request_count")).To(BeNumerically(">", 0), "the first one's last answers")
		counts, _ := p.byPhase()
		Expect(counts).To(Equal(map[string]int{"first": 12, "second": 60}))
		Expect(number(p.summary(), "measurement_quality", "credits", "lost")).To(Equal(lost))
	})
})
