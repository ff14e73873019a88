package calibrate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

const (
	logLine = `{"request":0,"request_id":"a","arrival_perf_ns":1000000,"arrival_source":"kernel","in_flight":3,"token_perf_ns":[3000000,5000000],"end_perf_ns":5100000}` + "\n"
	record  = `{"metadata":{"x_request_id":"a","benchmark_phase":"profiling","stamp_source":"kernel"},"metrics":{"time_to_first_token":{"value":2.25,"unit":"ms"},"request_latency":{"value":4.5,"unit":"ms"}}}` + "\n"
)

var _ = Describe("the request log", func() {
	It("is read line by line, without the one that is being written", func() {
		answers, size, err := ReadAnswers(strings.NewReader(logLine + logLine[:40]))
		Expect(err).NotTo(HaveOccurred())
		Expect(size).To(Equal(int64(len(logLine))))
		Expect(answers).To(Equal([]Answer{{ID: "a", Arrival: 1e6, Stamp: "kernel", Tokens: []clock.MonoNS{3e6, 5e6}, End: 5.1e6, InFlight: 3}}))
		Expect(answers[0].LastToken()).To(Equal(clock.MonoNS(5e6)))
	})
	It("may have lines longer than a buffer", func() {
		long := strings.Replace(logLine, "3000000,", strings.Repeat("3000000,", 100_000), 1)
		answers, _, err := ReadAnswers(strings.NewReader(long + logLine))
		Expect(err).NotTo(HaveOccurred())
		Expect(answers).To(HaveLen(2))
		Expect(answers[0].Tokens).To(HaveLen(100_001))
	})
	It("says what is no log", func() {
		_, _, err := ReadAnswers(strings.NewReader("nonsense\n"))
		Expect(err).To(MatchError(ContainSubstring(`no JSON: "nonsense`)))
	})
	It("ends an answer in one piece with the answer", func() {
		a := Answer{Arrival: 5, End: 9}
		Expect(a.LastToken()).To(Equal(clock.MonoNS(9)))
	})
})

var _ = Describe("the comparison", func() {
	read := func(text string) []Record {
		GinkgoHelper()
		path := filepath.Join(GinkgoT().TempDir(), "records.jsonl")
		Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
		records, err := ReadRecords(path)
		Expect(err).NotTo(HaveOccurred())
		return records
	}
	It("leaves out what it took to connect, which the server cannot see", func() {
		answers, _, _ := ReadAnswers(strings.NewReader(logLine))
		c := Compare(read(strings.Replace(record, `"metrics":{`, `"metrics":{"http_req_connection_overhead":{"value":0.2,"unit":"ms"},`, 1)), answers)
		Expect(c.TTFTMS).To(HaveExactElements(BeNumerically("~", 2.25-0.2-2, 1e-9)))
		Expect(c.LatencyMS).To(HaveExactElements(BeNumerically("~", 4.5-0.2-4, 1e-9)))
	})
	It("takes the server's figures off the client's", func() {
		answers, _, _ := ReadAnswers(strings.NewReader(logLine))
		c := Compare(read(record), answers)
		Expect(c.TTFTMS).To(HaveExactElements(BeNumerically("~", 2.25-2, 1e-9)))
		Expect(c.LatencyMS).To(HaveExactElements(BeNumerically("~", 4.5-4, 1e-9)))
		Expect(c.Events).To(Equal(2))
		Expect(c.InFlight).To(Equal(3))
		Expect(c.KernelPct).To(Equal(100.0))
		Expect(c.ServerStamps).To(Equal("kernel"))
		Expect(c.EventRate()).To(BeNumerically("~", 2/0.004, 1e-6))
	})
	It("counts what has no counterpart", func() {
		warmup := strings.Replace(record, "profiling", "warmup", 1)
		failed := strings.Replace(record, `"metrics"`, `"error":{"code":500},"metrics"`, 1)
		unknown := strings.Replace(record, `"a"`, `"b"`, 1)
		answers, _, _ := ReadAnswers(strings.NewReader(logLine))
		c := Compare(read(warmup+failed+unknown+record), answers)
		Expect([]int{c.Matched, c.Failed, c.Missing}).To(Equal([]int{1, 1, 1}))
	})
	It("has no figures without requests", func() {
		c := Compare(nil, nil)
		Expect(c.TTFTError()).To(BeNil())
		Expect(c.Rate()).To(BeZero())
		Expect(c.EventRate()).To(BeZero())
		Expect(c.ArrivalError(10)).To(BeNil())
	})
	It("does not count a constant way to the server as lateness", func() {
		var at []clock.MonoNS
		for i := range 5 {
			at = append(at, clock.MonoNS(7e6+i*10e6)) // 100/s
		}
		at[3] += clock.MonoNS(2 * time.Millisecond)
		at[0] += clock.MonoNS(1 * time.Millisecond)
		Expect(ArrivalErrors(at, 100)).To(HaveExactElements(
			BeNumerically("~", 1, 1e-9), BeNumerically("~", 0, 1e-9), BeNumerically("~", 0, 1e-9), BeNumerically("~", 2, 1e-9), BeNumerically("~", 0, 1e-9)))
	})
})

func FuzzReadAnswers(f *testing.F) {
	f.Add(logLine)
	f.Add(logLine + logLine[:30])
	f.Add("{}\n[]\n1\n")
	f.Fuzz(func(t *testing.T, text string) {
		answers, size, err := ReadAnswers(strings.NewReader(text))
		if size < 0 || size > int64(len(text)) {
			t.Fatalf("%d bytes of %d", size, len(text))
		}
		if err == nil && len(answers) != strings.Count(text, "\n") {
			t.Fatalf("%d answers in %q", len(answers), text)
		}
	})
}
