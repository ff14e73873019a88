package metrics

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

// replay is a real run of AIPerf (Python): what it wrote per request, and what it made
// of it. All numbers are in display units.
type replay struct {
	RequestedOSL float64 `json:"requested_osl"`
	Records      []struct {
		Phase              string
		Issued, Start, End clock.WallNS
		Failed             bool
		Metrics            map[string]any
	}
}

func loadReplay(name string) (r replay, expect map[string]figures) {
	raw, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		panic(err)
	}
	var file struct{ Expect map[string]figures }
	if err := json.Unmarshal(raw, &r); err != nil {
		panic(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		panic(err)
	}
	return r, file.Expect
}

// base undoes the conversion to display units.
func base(d *Declaration, shown float64) float64 {
	v, _ := Convert(shown, d.DisplayUnit, d.Unit)
	if d.Integer {
		return math.Round(v)
	}
	return v
}

// clockBound are the results in which AIPerf (Python) differs on purpose of ours: it
// holds wall stamps in a float64 (256 ns), divides rates by the phase's duration
// instead of the benchmark's, and ends time-weighted windows with the phase.
func clockBound(tag string) bool {
	return slices.Contains([]string{
		"request_throughput", "output_token_throughput", "input_token_throughput", "total_token_throughput",
		"benchmark_duration", "tokens_in_flight", "credit_to_start_latency", "effective_latency",
	}, tag) || strings.HasPrefix(tag, "effective_") || strings.HasPrefix(tag, "active_")
}

var _ = Describe("a replayed run", func() {
	for _, name := range []string{"chat_streaming", "failures"} {
		It("comes to what AIPerf (Python) wrote: "+name, func() {
			run, expect := loadReplay(name)
			st := NewSet(chatStreaming).NewStore()
			for _, r := range run.Records {
				values := []Value{{Tag: "requested_osl", Number: run.RequestedOSL}}
				if r.Failed {
					values = []Value{{Tag: "context_overflow_count"}}
				}
				for tag, shown := range r.Metrics {
					d, ok := Find(tag)
					Expect(ok).To(BeTrue(), tag)
					v := Value{Tag: tag}
					switch x := shown.(type) {
					case float64:
						v.Number = base(d, x)
					case []any:
						for _, y := range x {
							v.List = append(v.List, base(d, y.(float64)))
						}
					}
					values = append(values, v)
				}
				st.Append(Row{Phase: r.Phase, StartNS: r.Start, EndNS: r.End, CreditIssuedNS: r.Issued, Failed: r.Failed}, values)
			}

			got := byTagOf(st.Summarise(Selection{Phase: "profiling"}))
			for tag, want := range expect {
				Expect(got).To(HaveKey(tag))
				Expect(got[tag].Unit).To(Equal(want["unit"]), tag)
				delete(want, "unit")
				if !clockBound(tag) {
					want.expectAbout(tag, got[tag].Stats)
				}
			}
		})
	}
})

// expectAbout compares statistics that went through display units and back.
func (f figures) expectAbout(tag string, s Stats) {
	GinkgoHelper()
	raw, err := json.Marshal(s)
	Expect(err).NotTo(HaveOccurred())
	var got map[string]any
	Expect(json.Unmarshal(raw, &got)).To(Succeed())
	for name, v := range got {
		if v == nil {
			delete(got, name)
		}
	}
	Expect(got).To(HaveLen(len(f)), tag)
	for name, want := range f {
		v, ok := got[strings.ToUpper(name[:1])+name[1:]].(float64)
		Expect(ok).To(BeTrue(), "%s %s", tag, name)
		Expect(v).To(BeNumerically("~", want, 1e-9*math.Abs(want.(float64))+1e-9), "%s %s", tag, name)
	}
}

func byTagOf(results []Result) map[string]Result {
	m := map[string]Result{}
	for _, r := range results {
		m[r.Tag] = r
	}
	return m
}
