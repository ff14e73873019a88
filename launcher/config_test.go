package main

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("config", func() {
	session := func() *session {
		return newSession("HOME="+GinkgoT().TempDir(), "AIPERF_GPU_DEFAULT_DCGM_ENDPOINTS=[]")
	}

	It("has templates that are valid, and takes model and URL", func() {
		dir := GinkgoT().TempDir()
		for _, t := range configTemplates() {
			s := session()
			path := filepath.Join(dir, t.name+".yaml")
			Expect(s.run("config", "init", "--template", t.name, "--model", "tiny", "--url", "localhost:9", "--output", path)).To(Equal(0), s.errors.String())
			Expect(t.title).NotTo(BeEmpty())
			Expect(t.category).NotTo(BeEmpty())
			s = session()
			Expect(s.run("config", "validate", path)).To(Equal(0), s.errors.String())
			Expect(s.out.String()).To(Equal("Configuration valid: " + path + "\n"))
			s = session()
			Expect(s.run("config", "expand", path, "--full")).To(Equal(0), s.errors.String())
			Expect(s.out.String()).To(And(HavePrefix("Sweep type: none (1 variations)\n[0] dir=base  label=base\n"), ContainSubstring("tiny"), ContainSubstring("localhost:9")))
		}
	})

	It("lists and finds templates", func() {
		s := session()
		Expect(s.run("config", "init", "--list")).To(Equal(0))
		Expect(s.out.String()).To(And(ContainSubstring("Getting Started\n"), ContainSubstring("  minimal ")))
		s = session()
		Expect(s.run("config", "init", "--search", "soak")).To(Equal(0))
		Expect(strings.Count(s.out.String(), "\n")).To(Equal(1))
		s = session()
		Expect(s.run("config", "init", "--search", "nonsense")).To(Equal(0))
		Expect(s.out.String()).To(ContainSubstring("No template has"))
	})

	DescribeTable("refuses what it cannot do", func(code int, want string, args ...string) {
		s := session()
		Expect(s.run(append([]string{"config"}, args...)...)).To(Equal(code))
		Expect(s.errors.String()).To(ContainSubstring(want))
	},
		Entry("no template", 2, "wants --template NAME", "init"),
		Entry("another template", 1, "did you mean minimal?", "init", "--template", "minimall"),
		Entry("no file", 2, "wants one file, got 0", "validate"),
		Entry("a file that is not there", 1, "no such file", "validate", "/nonexistent.yaml"),
		Entry("another command", 2, "unknown command", "nonsense"),
	)

	It("tells all that is wrong with a file", func() {
		path := filepath.Join(GinkgoT().TempDir(), "run.yaml")
		Expect(os.WriteFile(path, []byte("benchmark:\n  model: m\n  endpoint: {url: \"localhost:9\", stream: true}\n  dataset: {isl: 4}\n  phases: {type: concurrency}\n"), 0o600)).To(Succeed())
		s := session()
		Expect(s.run("config", "validate", path)).To(Equal(1))
		Expect(s.errors.String()).To(And(ContainSubstring(":3:34: benchmark.endpoint.stream: unknown key; did you mean streaming?"), ContainSubstring(":5:11: benchmark.phases: phase 'profiling': at least one of")))
		s = session()
		Expect(s.run("profile", "-f", path)).To(Equal(2))
	})
})
