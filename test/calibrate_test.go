package test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/experiments/calibrate"
	"aiperf/plugins"
)

var _ = Describe("a calibration", func() {
	It("climbs its ladders with real runs and real stamps", func() {
		env := []string{"HOME=" + GinkgoT().TempDir(), "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
		var told []string
		var dir string // of the last run
		cal, err := calibrate.Run(context.Background(), calibrate.Options{
			Executable: binary, Env: env, Signals: make(chan os.Signal), Machine: config.ThisMachine(2), Quick: true,
			Plans: []calibrate.Plan{
				{Kind: calibrate.Requests, Unit: "requests/s", Loads: []float64{20}},
				{Kind: calibrate.Events, Unit: "events/s", Loads: []float64{170}},
				{Kind: calibrate.Streams, Unit: "streams", Loads: []float64{4}},
			},
			Resolve: func(args []string) (*config.Run, error) {
				run, problems := config.Load(config.Input{Args: args, Env: env}, config.Host{
					LoadPlugins: plugins.Load,
					ResolveTokenizer: func(config.TokenizerAsk) (config.TokenizerChoice, error) {
						return config.TokenizerChoice{Plugin: "builtin", Encoding: "o200k_base"}, nil
					},
					Entropy: func(n int) []byte { b := make([]byte, n); _, _ = rand.Read(b); return b },
					CPUs:    2, WorkingDir: GinkgoT().TempDir(), PID: os.Getpid(),
				})
				if len(problems) > 0 {
					return nil, problems
				}
				dir = run.ArtifactDir
				return run, nil
			},
			Done: func(kind string, _ config.CalibrationRung) { told = append(told, kind) },
		})
		Expect(err).NotTo(HaveOccurred())
		text, _ := json.MarshalIndent(cal, "", " ")
		Expect(told).To(ContainElements("requests", "events", "streams"))
		// Whether a load was trusted is the machine's affair; that it was measured is ours.
		first := func(l config.CalibrationLadder) config.CalibrationRung {
			GinkgoHelper()
			Expect(l.Rungs).NotTo(BeEmpty(), string(text))
			r := l.Rungs[0]
			Expect(r.Requests).To(BeNumerically(">", 0), string(text))
			Expect(r.Trouble).NotTo(Or(ContainSubstring("failed"), ContainSubstring("missing")), string(text))
			Expect(r.LatencyErrorMS).NotTo(BeNil(), string(text))
			return r
		}
		r := first(cal.Requests)
		Expect(r.Delivered).To(BeNumerically(">", 0))
		Expect(r.ArrivalErrorMS).NotTo(BeNil())
		r = first(cal.Events)
		Expect(r.Streams).To(Equal(2))
		Expect(r.TTFTErrorMS).NotTo(BeNil())
		Expect(r.Delivered).To(BeNumerically(">", 0))
		r = first(cal.Streams)
		Expect(r.Requests).To(Equal(int64(4)))
		Expect(r.TTFTErrorMS).NotTo(BeNil())
		Expect(filepath.Dir(dir)).NotTo(BeADirectory(), "nothing is left behind")
	})

	It("is held against what a run asks for", func() {
		home, dir := GinkgoT().TempDir(), GinkgoT().TempDir()
		env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
		_, err := config.StoreCalibration(config.CacheDir(env), &config.Calibration{
			Machine: config.ThisMachine(runtime.GOMAXPROCS(0)), Requests: config.CalibrationLadder{Unit: "requests/s", Max: 10, FailedAt: 20},
		})
		Expect(err).NotTo(HaveOccurred())
		cmd := exec.Command(binary, "demo", "--request-rate", "40", "--arrival-pattern", "constant", "--request-count", "20", "--warmup-request-count", "1",
			"--osl", "2", "--ui", "none", "--artifact-dir", dir)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(out))
		var summary struct {
			Quality struct{ Reasons []string } `json:"measurement_quality"`
		}
		text, err := os.ReadFile(filepath.Join(dir, "profile_export_aiperf.json"))
		Expect(err).NotTo(HaveOccurred())
		Expect(json.Unmarshal(text, &summary)).To(Succeed())
		Expect(summary.Quality.Reasons).To(ContainElement(HavePrefix("40 requests/s are 4.0x what this machine can measure (10")))
	})
})
