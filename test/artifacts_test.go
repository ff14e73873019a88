package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("what a run keeps of its requests", Label("e2e"), func() {
	It("is what the server saw and said, in as many lines as there are records", func() {
		log := filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		url := target("--ttft", "1", "--itl", "1", "--request-log", log, "--request-log-bodies")
		p, code := aiperf(profileArgs(url, artifacts(), "--concurrency", "4", "--request-count", "40", "--warmup-request-count", "3", "--osl", "5", "--isl", "12",
			"--api-key", "sk-very-secret", "--export-level", "raw", "--export-outputs-json", "--export-http-trace")...)
		Expect(code).To(BeZero(), p.output())
		records := map[string]map[string]any{}
		for _, line := range p.lines() {
			records[at(line, "metadata", "x_request_id").(string)] = line
			Expect(number(line, "trace_data", "duration_ns") / 1e6).To(BeNumerically("~", number(line, "metrics", "http_req_duration", "value"), 1e-9))
		}
		text, err := os.ReadFile(filepath.Join(p.dir, "profile_export_raw.jsonl"))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).NotTo(ContainSubstring("sk-very-secret"))
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		Expect(lines).To(HaveLen(43))
		said := map[string]string{}
		bodies := map[string]int{}
		for _, line := range lines {
			var raw struct {
				Metadata  map[string]any
				Payload   json.RawMessage
				Responses []struct{ Packets []struct{ Value string } }
			}
			Expect(json.Unmarshal([]byte(line), &raw)).To(Succeed())
			id := raw.Metadata["x_request_id"].(string)
			Expect(raw.Metadata).To(Equal(records[id]["metadata"]))
			bodies[string(raw.Payload)]++
			for _, r := range raw.Responses {
				var chunk struct {
					Choices []struct{ Delta struct{ Content string } }
				}
				if r.Packets[0].Value == "[DONE]" {
					continue
				}
				Expect(json.Unmarshal([]byte(r.Packets[0].Value), &chunk)).To(Succeed())
				for _, c := range chunk.Choices {
					said[id] += c.Delta.Content
				}
			}
		}
		for _, a := range serverLog(log) {
			bodies[string(bytes.TrimSpace([]byte(a.Body)))]--
		}
		for body, n := range bodies {
			Expect(n).To(BeZero(), body)
		}
		var outputs struct {
			Data []struct {
				SessionNum   int    `json:"session_num"`
				XRequestID   string `json:"x_request_id"`
				ResponseText string `json:"response_text"`
			}
		}
		text, err = os.ReadFile(filepath.Join(p.dir, "outputs.json"))
		Expect(err).NotTo(HaveOccurred())
		Expect(json.Unmarshal(text, &outputs)).To(Succeed())
		Expect(outputs.Data).To(HaveLen(40))
		for i, o := range outputs.Data {
			Expect(o.SessionNum).To(Equal(i))
			Expect(o.ResponseText).To(Equal(said[o.XRequestID]))
			Expect(o.ResponseText).NotTo(BeEmpty())
		}
		left, err := filepath.Glob(filepath.Join(p.dir, "*"))
		Expect(err).NotTo(HaveOccurred())
		Expect(slices.ContainsFunc(left, func(name string) bool {
			return strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, "_fragments") || strings.HasSuffix(name, "raw_records")
		})).To(BeFalse())
	})

	It("is a table for Python, with the values of the lines", func() {
		python := pythonWith("pyarrow")
		p, code := aiperf(profileArgs(target("--fast", "--error-rate", "0.2"), artifacts(), "--concurrency", "4", "--request-count", "60", "--osl", "5", "--isl", "12", "--export-parquet")...)
		Expect(code).To(BeElementOf(0, 1), p.output())
		readParquet(python, p)
	})
})

// readParquet holds the table against the lines, as another program reads it.
func readParquet(python string, p *program) {
	GinkgoHelper()
	out, err := exec.Command(python, "-c", `import json, sys, pyarrow.parquet as pq
for row in pq.read_table(sys.argv[1]).to_pylist(): print(json.dumps(row, allow_nan=False))`, filepath.Join(p.dir, "profile_export.parquet")).Output()
	Expect(err).NotTo(HaveOccurred())
	rows := strings.Split(strings.TrimSpace(string(out)), "\n")
	lines := p.lines()
	Expect(rows).To(HaveLen(len(lines)))
	for i, text := range rows {
		var row map[string]any
		Expect(json.Unmarshal([]byte(text), &row)).To(Succeed())
		for _, name := range []string{"session_num", "x_request_id", "request_start_ns", "benchmark_phase", "was_cancelled"} {
			Expect(row[name]).To(Equal(at(lines[i], "metadata", name)), name)
		}
		for tag, metric := range lines[i]["metrics"].(map[string]any) {
			Expect(row[tag]).To(Equal(metric.(map[string]any)["value"]), tag)
		}
	}
}
