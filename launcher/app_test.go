package main

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/bootstrap"
	"aiperf/config"
	"aiperf/exporters"
	"aiperf/metrics"
)

var _ = Describe("the program", func() {
	It("prints its bare version", func() {
		s := newSession()
		Expect(s.run("--version")).To(Equal(0))
		Expect(s.out.String()).To(Equal(config.Version + "\n"))
	})
	DescribeTable("helps", func(args ...string) {
		s := newSession()
		Expect(s.run(args...)).To(Equal(0))
		Expect(s.out.String()).To(HavePrefix("aiperf " + config.Version))
		for _, c := range commands(s.state) {
			Expect(s.out.String()).To(ContainSubstring("  " + c.Name + " "))
		}
		Expect(s.errors.String()).To(BeEmpty())
	},
		Entry("without a command"),
		Entry("when asked", "--help"),
		Entry("when asked shortly", "-h"),
	)
	It("helps with each command, on stdout", func() {
		for _, c := range commands(newSession().state) {
			s := newSession()
			Expect(s.run(c.Name, "--help")).To(Equal(0), c.Name)
			Expect(s.out.String()).To(ContainSubstring("aiperf "+c.Name), c.Name)
			Expect(s.errors.String()).To(BeEmpty(), c.Name)
		}
	})
	DescribeTable("refuses bad usage before anything starts", func(want string, args ...string) {
		s := newSession()
		Expect(s.run(args...)).To(Equal(2))
		Expect(s.errors.String()).To(ContainSubstring(want))
		for _, line := range strings.Split(strings.TrimSpace(s.errors.String()), "\n") {
			Expect(line).To(HavePrefix("aiperf: "))
		}
		Expect(s.out.String()).To(BeEmpty())
	},
		Entry("an unknown command, with the nearest", "porfile: unknown command; did you mean `aiperf profile`?", "porfile"),
		Entry("an unknown command that is near nothing", "`aiperf --help` lists them", "xyzzy"),
		Entry("an unknown flag of the program", "flag provided but not defined", "--foo"),
		Entry("an unknown flag of a small command", "keys: flag provided but not defined", "keys", "--foo"),
		Entry("an unknown flag of profile, with the nearest", "--concurency: unknown flag; did you mean --concurrency?", "profile", "--model", "m", "--concurency", "3"),
		Entry("no concurrency", "--concurrency: must be at least 1 (got 0)", "profile", "--model", "m", "--concurrency", "0"),
		Entry("a malformed URL", "-u: missing scheme or host (got http://:8000)", "profile", "--model", "m", "-u", "http://:8000"),
		Entry("exclusive flags", "--gpu-telemetry, --no-gpu-telemetry: cannot be used together", "profile", "--model", "m", "--gpu-telemetry", "--no-gpu-telemetry"),
		Entry("a flag of a later version", "--public-dataset: not supported by this version", "profile", "--model", "m", "--public-dataset", "sharegpt"),
		Entry("no model", "--model: required", "profile"),
		Entry("an unknown group of flags", "--help: no such group of flags (got nonsense)", "profile", "--help", "nonsense"),
		Entry("a mesh that others could reach", "--zmq-host: 0.0.0.0 can be reached from other machines", "profile", "--model", "m", "--tokenizer", "builtin", "--no-gpu-telemetry", "--zmq-host", "0.0.0.0"),
		Entry("two ways to find a run", "cannot be used together", "watch", "--run", "a", "--connect", "b"),
		Entry("a directory that is a file", "is a file, not a directory", "profile", "--model", "m", "--tokenizer", "builtin", "--no-gpu-telemetry", "--artifact-dir", "/dev/null"),
		Entry("a directory that nobody can write to", "cannot make /proc/aiperf", "profile", "--model", "m", "--tokenizer", "builtin", "--no-gpu-telemetry", "--artifact-dir", "/proc/aiperf"),
	)
	It("refuses a bad environment too", func() {
		s := newSession("AIPERF_HTTP_CONNECTION_LIMIT=many")
		Expect(s.run("profile", "--model", "m", "--tokenizer", "builtin")).To(Equal(2))
		Expect(s.errors.String()).To(ContainSubstring("AIPERF_HTTP_CONNECTION_LIMIT: expected integer (got many)"))
	})
	It("never shows a secret in a message", func() {
		s := newSession()
		Expect(s.run("profile", "--api-key", "sk-123456", "-H", "Authorization sk-123456", "-u", "http://u:sk-123456@h:x", "--bogus=sk-123456")).To(Equal(2))
		Expect(s.errors.String()).NotTo(ContainSubstring("sk-123456"))
	})
	It("ends with a word when its own service command is used by hand", func() {
		var b strings.Builder
		Expect(runService([]string{"--type", "worker"}, &b)).To(Equal(2))
		Expect(b.String()).To(ContainSubstring("not by hand"))
	})
})

var _ = Describe("a dry run", func() {
	It("prints the configuration without secrets, and the plan, and leaves nothing", func() {
		s := newSession()
		Expect(s.run("profile", "--model", "m", "--tokenizer", "builtin", "--dry-run", "--api-key", "sk-123456", "--random-seed", "7", "--request-rate", "5",
			"--warmup-request-count", "3", "-H", "X-N:1", "--benchmark-duration", "1m", "--session-turns-mean", "3", "--session-turn-delay-mean", "50")).To(Equal(0), s.errors.String())
		text := s.out.String()
		Expect(text).To(HavePrefix("schema_version: \"2.0\"\nrandom_seed: 7\nbenchmark:\n  models:\n    items:\n      - name: m\n"))
		Expect(text).To(ContainSubstring("api_key: <redacted>"))
		Expect(text).To(ContainSubstring("X-N: \"1\""))
		Expect(text).To(ContainSubstring("# Phase warmup: 5 requests/s, poisson arrivals, one every 200ms on average; stops after 3 requests"))
		Expect(text).To(ContainSubstring("# Phase profiling: 5 requests/s, poisson arrivals, one every 200ms on average; stops after 60 s, then waits up to 30 s"))
		Expect(text).To(ContainSubstring("3 requests each, 50 ms apart"))
		Expect(text).NotTo(ContainSubstring("sk-123456"))
		Expect(os.ReadDir(s.state.WorkingDir)).To(BeEmpty())
	})
})

var _ = Describe("claiming an artifact directory", func() {
	var dir string
	mesh := func(pid string) {
		Expect(os.WriteFile(filepath.Join(dir, bootstrap.MeshFileName), []byte(`{"pid":`+pid+`}`), 0o600)).To(Succeed())
	}
	BeforeEach(func() { dir = GinkgoT().TempDir() })

	It("takes an empty one", func() { Expect(claim(dir)).To(Succeed()) })
	It("refuses one that a live run is writing to", func() {
		mesh("1")
		Expect(claim(dir)).To(MatchError(ContainSubstring("in use by a running benchmark (process 1)")))
	})
	It("removes what a killed run left", func() {
		mesh("2147483646")
		for _, name := range []string{bootstrap.JournalName, exporters.MarkerName, "profile_export_aiperf.json"} {
			Expect(os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600)).To(Succeed())
		}
		Expect(claim(dir)).To(Succeed())
		left, err := os.ReadDir(dir)
		Expect(err).NotTo(HaveOccurred())
		Expect(left).To(HaveLen(1))
		Expect(left[0].Name()).To(Equal("profile_export_aiperf.json"))
	})
})

var _ = DescribeTable("the demanded quality", func(needed, got string, good bool) {
	err := quality(needed, &exporters.Report{Profile: &exporters.Profile{Quality: metrics.Quality{Verdict: got}}})
	if good {
		Expect(err).NotTo(HaveOccurred())
	} else {
		Expect(err).To(MatchError(ContainSubstring("--require-quality")))
	}
},
	Entry("none was demanded", "", "invalid", true),
	Entry("as good as demanded", "good", "good", true),
	Entry("better than demanded", "degraded", "good", true),
	Entry("worse than demanded", "good", "degraded", false),
	Entry("invalid is never enough", "degraded", "invalid", false),
	Entry("an unknown verdict is none", "degraded", "", false),
)

var _ = It("a run without a report has no quality", func() {
	Expect(quality("good", nil)).To(HaveOccurred())
})
