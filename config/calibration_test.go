package config

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/metrics"
)

var _ = Describe("a calibration", func() {
	machine := Machine{Host: "h", CPU: "EPYC", Cores: 2, Version: "1"}
	kept := func() *Calibration {
		cpu := 12.5
		return &Calibration{
			Machine: machine, Taken: "2026-01-02T03:04:05Z",
			Requests: CalibrationLadder{Unit: "requests/s", Max: 500, FailedAt: 1000, Ended: "late", Rungs: []CalibrationRung{
				{Load: 500, Delivered: 499, LatencyErrorMS: &metrics.Spread{P50: 0.1, P99: 1, Max: 2}, CPUMicros: &cpu},
			}},
		}
	}

	It("comes back as it was stored, and a newer one takes its place", func() {
		cache := filepath.Join(GinkgoT().TempDir(), "not", "there", "yet")
		for _, most := range []float64{500, 800} {
			c := kept()
			c.Requests.Max = most
			path, err := StoreCalibration(cache, c)
			Expect(err).NotTo(HaveOccurred())
			Expect(path).To(Equal(CalibrationPath(cache, machine)))
			back, err := LoadCalibration(cache, machine)
			Expect(err).NotTo(HaveOccurred())
			Expect(back).To(Equal(c))
		}
		files, err := os.ReadDir(filepath.Join(cache, "calibration"))
		Expect(err).NotTo(HaveOccurred())
		Expect(files).To(HaveLen(1), "no temporary file is left")
	})

	DescribeTable("is another one for", func(change func(m *Machine)) {
		cache := GinkgoT().TempDir()
		_, err := StoreCalibration(cache, kept())
		Expect(err).NotTo(HaveOccurred())
		other := machine
		change(&other)
		Expect(LoadCalibration(cache, other)).To(BeNil())
	},
		Entry("another host", func(m *Machine) { m.Host = "i" }),
		Entry("another processor", func(m *Machine) { m.CPU = "Xeon" }),
		Entry("another number of cores", func(m *Machine) { m.Cores = 3 }),
		Entry("another version", func(m *Machine) { m.Version = "2" }),
	)

	DescribeTable("that is damaged is told and not used", func(damage func(text string) string, want string) {
		cache := GinkgoT().TempDir()
		path, err := StoreCalibration(cache, kept())
		Expect(err).NotTo(HaveOccurred())
		text, err := os.ReadFile(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(path, []byte(damage(string(text))), 0o600)).To(Succeed())
		c, err := LoadCalibration(cache, machine)
		Expect(c).To(BeNil())
		Expect(err).To(MatchError(And(ContainSubstring(path), ContainSubstring(want), ContainSubstring("`aiperf calibrate` makes a new one"))))
	},
		Entry("cut short", func(t string) string { return t[:len(t)/2] }, "unexpected EOF"),
		Entry("empty", func(string) string { return "" }, "EOF"),
		Entry("something else", func(string) string { return `{"hello": 1}` }, "unknown field"),
		Entry("of another schema", func(t string) string { return strings.Replace(t, `"schema": 1`, `"schema": 9`, 1) }, "schema: want 1 (got 9)"),
		Entry("moved here from elsewhere", func(t string) string { return strings.Replace(t, `"host": "h"`, `"host": "x"`, 1) }, "another machine"),
		Entry("a load below nothing", func(t string) string { return strings.Replace(t, `"max": 500`, `"max": -5`, 1) }, "requests: want loads from 0 up (got -5)"),
		Entry("a load both good and bad", func(t string) string { return strings.Replace(t, `"max": 500`, `"max": 2000`, 1) }, "both within and beyond reach"),
	)

	It("cannot be kept without a place, and is then unknown", func() {
		_, err := StoreCalibration("", kept())
		Expect(err).To(MatchError(ContainSubstring("neither XDG_CACHE_HOME nor HOME is set")))
		Expect(LoadCalibration("", machine)).To(BeNil())
	})

	DescribeTable("lies in the user's cache", func(want string, env ...string) {
		Expect(CacheDir(env)).To(HaveSuffix(want))
		Expect(CacheDir(env) == "").To(Equal(want == ""))
	},
		Entry("of the desktop standard", "/x/aiperf", "HOME=/h", "XDG_CACHE_HOME=/x"),
		Entry("below home", "aiperf", "HOME=/h"),
		Entry("not below a relative path", "aiperf", "HOME=/h", "XDG_CACHE_HOME=x"),
		Entry("nowhere", "", "PATH=/bin"),
	)

	It("knows this machine", func() {
		m := ThisMachine(2)
		Expect(m.Host).To(HaveLen(16))
		Expect(m.CPU).NotTo(BeEmpty())
		Expect(m).To(Equal(ThisMachine(2)))
	})
})
