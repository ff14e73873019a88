package main

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
)

var _ = Describe("calibrate", func() {
	It("takes no arguments", func() {
		s := newSession()
		Expect(s.run("calibrate", "now")).To(Equal(2))
		Expect(s.errors.String()).To(ContainSubstring(`calibrate: unexpected argument "now"`))
	})
	It("says that its server cannot be started", func() {
		s := newSession()
		Expect(s.run("calibrate", "--quick")).To(Equal(1))
		Expect(s.errors.String()).To(ContainSubstring("start the embedded server"))
		Expect(s.out.String()).To(BeEmpty())
	})
	It("keeps what it measured, and a run finds it", func() {
		cache := GinkgoT().TempDir()
		s := newSession("XDG_CACHE_HOME=" + cache)
		cal := &config.Calibration{Machine: thisMachine(), Requests: config.CalibrationLadder{Unit: "requests/s", Max: 7}}
		Expect(keep(s.state, cal)).To(Succeed())
		Expect(s.errors.String()).To(HavePrefix("Kept in " + cache))
		run, err := load(s.state, config.Input{Args: []string{"--model", "m", "--tokenizer", "builtin"}, Env: s.state.Env})
		Expect(err).NotTo(HaveOccurred())
		Expect(run.Calibration).To(Equal(cal))
	})
	It("does not keep what it measured on a busy machine", func() {
		cache, busy := GinkgoT().TempDir(), 60.0
		s := newSession("XDG_CACHE_HOME=" + cache)
		Expect(keep(s.state, &config.Calibration{Machine: thisMachine(), OtherLoadPct: &busy})).To(Succeed())
		Expect(s.errors.String()).To(ContainSubstring("not kept: other programs used too much of the machine: 60 %"))
		Expect(os.ReadDir(cache)).To(BeEmpty())
	})
	It("prints JSON when asked", func() {
		s := newSession()
		Expect(showCalibration(s.state, &config.Calibration{Taken: "now"}, true)).To(Succeed())
		Expect(s.out.String()).To(ContainSubstring(`"taken": "now"`))
	})
	It("tells of a damaged file, and the run goes on without", func() {
		cache := GinkgoT().TempDir()
		path := config.CalibrationPath(filepath.Join(cache, "aiperf"), thisMachine())
		Expect(os.MkdirAll(filepath.Dir(path), 0o700)).To(Succeed())
		Expect(os.WriteFile(path, []byte("{"), 0o600)).To(Succeed())
		s := newSession("XDG_CACHE_HOME=" + cache)
		Expect(s.run("profile", "--model", "m", "--tokenizer", "builtin", "--dry-run")).To(Equal(0), s.errors.String())
		Expect(s.out.String()).To(ContainSubstring("# Warning: calibration " + path + " cannot be used"))
	})
})
