package test

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("bad input", Label("e2e"), func() {
	DescribeTable("is refused before anything starts, with what, where, why and what to do",
		func(args []string, wants ...string) {
			dir := artifacts()
			all := append([]string{"profile", "--model", "m", "--tokenizer", "builtin", "--url", "127.0.0.1:9", "--artifact-dir", dir}, args...)
			p, code := aiperf(all...)
			Expect(code).To(Equal(2), p.output())
			for _, want := range wants {
				Expect(p.stderr.String()).To(ContainSubstring(want))
			}
			Expect(p.stderr.String()).NotTo(ContainSubstring("goroutine"))
			Expect(strings.Count(p.stderr.String(), "\n")).To(BeNumerically("<", 12), "short enough to be read")
			Expect(filepath.Join(dir, "profile_export.jsonl")).NotTo(BeAnExistingFile())
		},
		Entry("an unknown flag, with the nearest known one", []string{"--concurency", "4"}, "--concurency", "--concurrency"),
		Entry("a concurrency of nothing", []string{"--concurrency", "0"}, "--concurrency"),
		Entry("a URL without a host", []string{"--url", "http://:8000"}, "http://:8000"),
		Entry("a URL with a port that is none", []string{"--url", "http://host:notaport"}, "http://host:notaport"),
		Entry("a word where a number belongs", []string{"--request-count", "many"}, "--request-count", "many"),
		Entry("flags that exclude one another", []string{"--request-rate", "5", "--arrival-pattern", "nonsense"}, "nonsense"),
		Entry("an endpoint type that is none", []string{"--endpoint-type", "chatt"}, "chatt", "chat"),
	)

	It("names an artifact path that is a file", func() {
		file := filepath.Join(GinkgoT().TempDir(), "file")
		Expect(os.WriteFile(file, nil, 0o600)).To(Succeed())
		p, code := aiperf("profile", "--model", "m", "--tokenizer", "builtin", "--url", "127.0.0.1:9", "--artifact-dir", file)
		Expect(code).To(Equal(2))
		Expect(p.stderr.String()).To(And(ContainSubstring("--artifact-dir"), ContainSubstring(file), ContainSubstring("is a file")))
	})

	It("names a directory that cannot be written to", func() {
		// /proc takes no new files, not even from root.
		if _, err := os.Stat("/proc/self"); err != nil {
			Skip("needs a directory that nobody can write to: /proc")
		}
		p, code := aiperf("profile", "--model", "m", "--tokenizer", "builtin", "--url", "127.0.0.1:9", "--artifact-dir", "/proc/aiperf")
		Expect(code).To(Equal(2))
		Expect(p.stderr.String()).To(And(ContainSubstring("--artifact-dir"), ContainSubstring("/proc/aiperf")))
	})
})

var _ = Describe("small commands", Label("e2e"), func() {
	It("plugins lists what there is and fails for what there is not", func() {
		p, code := aiperf("plugins", "endpoint")
		Expect(code).To(Equal(0), p.output())
		Expect(p.stdout.String()).To(ContainSubstring("chat"))
		p, code = aiperf("plugins", "endpoint", "nonsense")
		Expect(code).To(Equal(1))
		Expect(p.stderr.String() + p.stdout.String()).To(ContainSubstring("endpoint:nonsense"))
	})

	It("plugins --validate finds the program whole", func() {
		p, code := aiperf("plugins", "--validate")
		Expect(code).To(Equal(0), p.output())
		Expect(p.stdout.String()).NotTo(ContainSubstring("(FAIL)"))
	})

	It("plugins names what is wrong with a user's manifest", func() {
		manifest := filepath.Join(GinkgoT().TempDir(), "mine.yaml")
		Expect(os.WriteFile(manifest, []byte("endpoint:\n  mine: {class: \"nobody:Here\", metadata: {metrics_title: X, endpoint_path: /x, supports_streaming: true, tokenizes_input: true, produces_tokens: true}}\n"), 0o600)).To(Succeed())
		p, code := aiperf("plugins", "--validate", "--plugins", manifest)
		Expect(code).To(Equal(1), p.output())
		Expect(p.stdout.String() + p.stderr.String()).To(And(ContainSubstring("endpoint:mine"), ContainSubstring("nobody:Here")))
	})

	It("a command that does not exist is named, with the nearest one", func() {
		p, code := aiperf("profil")
		Expect(code).To(Equal(2))
		Expect(p.stderr.String()).To(And(ContainSubstring("profil"), ContainSubstring("profile")))
	})
})
