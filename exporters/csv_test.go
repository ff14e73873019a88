package exporters

import (
	"bytes"
	"context"
	"path/filepath"
	"strconv"
	"strings"

	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/metrics"
)

func csvOf(run *config.Run, r *Report) string {
	GinkgoHelper()
	var b bytes.Buffer
	Expect(summaryCSV(&b, run, r)).To(Succeed())
	return b.String()
}

// loneHeader ends the CSV of a run without GPUs in AIPerf (Python); ours has no table then.
const loneHeader = "\r\n\r\nEndpoint,GPU_Index,GPU_Name,GPU_UUID,Platform,Metric,avg,min,max,sum,p1,p5,p10,p25,p50,p75,p90,p95,p99,std\r\n"

var _ = Describe("the summary CSV", func() {
	It("is laid out like this", func() {
		expectGolden("golden/summary.csv", []byte(csvOf(sampleRun("/run"), sampleReport())))
	})

	DescribeTable("is that of AIPerf (Python), but for what two decimals showed as zero", func(name string) {
		run, r := load(name)
		theirs := strings.Split(strings.TrimSuffix(string(fixture(name+"/profile_export_aiperf.csv")), loneHeader), "\r\n")
		ours := strings.Split(csvOf(run, r), "\r\n")
		Expect(ours).To(HaveLen(len(theirs)))
		for i := range theirs {
			their, our := strings.Split(theirs[i], ","), strings.Split(ours[i], ",")
			Expect(our).To(HaveLen(len(their)), ours[i])
			for k := range their {
				if v, err := strconv.ParseFloat(our[k], 64); err == nil && v != 0 && v < 0.01 {
					Expect(their[k]).To(BeElementOf("0.00", "0.01"), ours[i])
					continue
				}
				Expect(our[k]).To(Equal(their[k]), ours[i])
			}
		}
	},
		Entry("streaming", "chat-streaming"),
		Entry("not streaming", "chat-nonstreaming"),
		Entry("with failed requests", "failures"),
		Entry("with cancelled requests", "cancelled-requests"),
		Entry("cut short", "cancelled-run"),
		Entry("with a warmup, which it does not show", "warmup"),
		Entry("with GPUs", "server-and-gpu-telemetry"),
	)

	It("starts with the single numbers when there is nothing else", func() {
		r := &Report{Profile: &Profile{Records: []metrics.Result{{Tag: "error_request_count", Header: "Error Request Count", Unit: "requests", Stats: number(4)}}}}
		Expect(csvOf(sampleRun("/run"), r)).To(Equal("Metric,Value\r\nError Request Count,4.00\r\n"))
	})

	It("names where a GPU runs when any of them knows", func() {
		r := sampleReport()
		r.Telemetry.Endpoints[0].GPUs[1].PodName = `pod "a", b`
		table := csvOf(sampleRun("/run"), r)
		Expect(table).To(ContainSubstring("p99,std,Hostname,Pod Name\r\n"))
		Expect(table).To(ContainSubstring(`node1,"pod ""a"", b"` + "\r\n"))
		Expect(table).To(ContainSubstring("node1,\r\n"), "the other GPU has an empty cell")
	})

	DescribeTable("a number", func(v float64, want string) { Expect(csvNumber(&v)).To(Equal(want)) },
		Entry("two decimals, no thousands separator", 1234567.891, "1234567.89"),
		Entry("zero", 0.0, "0.00"),
		Entry("just shown by two decimals", 0.01, "0.01"),
		Entry("three digits below that", 0.004, "0.004"),
		Entry("an energy", 0.00021234, "0.000212"),
		Entry("a tiny one", 7.738e-05, "7.74e-05"),
		Entry("negative", -0.0012345, "-0.00123"),
	)

	DescribeTable("a label", func(header, unit, want string) {
		Expect(csvLabel(&metrics.Result{Header: header, Unit: unit})).To(Equal(want))
	},
		Entry("with its unit", "Request Latency", "ms", "Request Latency (ms)"),
		Entry("requests say nothing new", "Request Count", "requests", "Request Count"),
		Entry("nor does count, in any case", "Chunks", "Count", "Chunks"),
		Entry("no unit", "X", "", "X"),
		Entry("no header", "", "ms", "(ms)"),
	)

	It("fails with the name of a file that cannot be written", func() {
		run := sampleRun(filepath.Join("/proc", "nowhere"))
		_, err := NewCSV().Export(context.Background(), run, sampleReport())
		Expect(err).To(MatchError(ContainSubstring("/proc/nowhere/profile_export_aiperf.csv")))
	})
})
