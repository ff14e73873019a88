package mockserver

import (
	"encoding/json"
	"math"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("the configuration", func() {
	It("is valid by default", func() { Expect(Defaults().Validate()).To(Succeed()) })

	DescribeTable("refuses", func(change func(*Config), want string) {
		c := Defaults()
		change(&c)
		Expect(c.Validate()).To(MatchError(want))
	},
		Entry("a time before now", func(c *Config) { c.TTFTMS = -1 }, "ttft: want a number of milliseconds from 0 up (got -1)"),
		Entry("no number", func(c *Config) { c.ITLMS = math.NaN() }, "itl: want a number of milliseconds from 0 up (got NaN)"),
		Entry("more than everything", func(c *Config) { c.ErrorRate = 101 }, "error_rate: want a share from 0 to 1, or percent up to 100 (got 101)"),
		Entry("a success as an error", func(c *Config) { c.ErrorStatusCodes = []int{200} }, "error_status_codes: want statuses from 400 to 599 (got 200)"),
		Entry("no status", func(c *Config) { c.ErrorStatusCodes = nil }, "error_status_codes: want at least one status (got none)"),
		Entry("an unknown GPU", func(c *Config) { c.DCGM.GPUName = "x" }, `dcgm.gpu_name: want one of a100, b200, gb200, h100, h100-sxm, h200, rtx6000 (got "x")`),
		Entry("no GPUs", func(c *Config) { c.DCGM.NumGPUs = 0 }, "dcgm.num_gpus: want 1 to 128 (got 0)"),
		Entry("a nameless model", func(c *Config) { c.Models = []string{""} }, `models: want names of 1 to 512 bytes (got "")`),
		Entry("an unknown level", func(c *Config) { c.LogLevel = "loud" }, `log_level: want one of TRACE, DEBUG, INFO, NOTICE, WARNING, SUCCESS, ERROR, CRITICAL (got "loud")`),
	)

	It("tells all faults at once", func() {
		c := Defaults()
		c.TTFTMS, c.Port, c.Workers = -1, 70000, -2
		Expect(strings.Split(c.Validate().Error(), "\n")).To(HaveLen(3))
	})

	It("survives the way to another process", func() {
		seed := uint64(1<<53 - 1)
		c := Defaults()
		c.RandomSeed, c.StallAt, c.ErrorStatusCodes, c.DCGM.NumGPUs, c.TTFTMS = &seed, Stall{2, 0.5}, []int{429, 503}, 8, 0.25
		b, err := json.Marshal(c.Settings())
		Expect(err).NotTo(HaveOccurred())
		var settings map[string]any
		Expect(json.Unmarshal(b, &settings)).To(Succeed())
		Expect(Decode(settings)).To(Equal(c))
		Expect(settings).To(HaveLen(6), "only what differs, and the models")
		Expect(Defaults().Settings()).NotTo(BeEmpty())
	})

	It("refuses keys it does not know", func() {
		_, err := Decode(map[string]any{"tftt": 3})
		Expect(err).To(MatchError(ContainSubstring(`mock_server: json: unknown field "tftt"`)))
	})

	DescribeTable("reads a stall", func(text string, want Stall, ok bool) {
		s, err := ParseStall(text)
		Expect(err == nil).To(Equal(ok))
		Expect(s).To(Equal(want))
	},
		Entry("after two seconds, half a second", "2:0.5", Stall{2, 0.5}, true),
		Entry("without a length", "2", Stall{}, false),
		Entry("for no time", "2:0", Stall{}, false),
		Entry("before the start", "-1:2", Stall{}, false),
		Entry("for ever", "1:Inf", Stall{}, false),
		Entry("text", "a:b", Stall{}, false),
	)
})
