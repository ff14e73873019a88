package exporters

import (
	"os"
	"reflect"
	"strings"

	. "github.com/onsi/gomega"

	"aiperf/metrics"
)

var _ = Describe("the protocol page", func() {
	DescribeTable("names every field of what travels inside the results", func(value any) {
		page, err := os.ReadFile("../docs/protocol.md")
		Expect(err).NotTo(HaveOccurred())
		t := reflect.TypeOf(value)
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("msgpack"), ","); name != "" {
				Expect(string(page)).To(ContainSubstring("`"+name+"`"), t.Name())
			}
		}
	},
		Entry("a profile result", Profile{}),
		Entry("the result of a phase", PhaseResult{}),
		Entry("a metric result", metrics.Result{}),
		Entry("its statistics", metrics.Stats{}),
		Entry("a GPU result", Telemetry{}),
		Entry("a source of GPU figures", TelemetryEndpoint{}),
		Entry("a GPU", GPU{}),
	)
})
