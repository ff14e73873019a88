package main

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("aiperf plugins", func() {
	DescribeTable("shows", func(want []string, args ...string) {
		s := newSession()
		Expect(s.run(append([]string{"plugins"}, args...)...)).To(Equal(0), s.errors.String())
		for _, w := range want {
			Expect(s.out.String()).To(ContainSubstring(w))
		}
		Expect(s.errors.String()).To(BeEmpty())
	},
		Entry("the packages", []string{"Installed Packages", "aiperf"}),
		Entry("all categories", []string{"endpoint", "chat, cohere_rankings, completions", "ui"}, "--all"),
		Entry("all categories, shortly", []string{"endpoint"}, "-a"),
		Entry("all categories, in words", []string{"endpoint"}, "list"),
		Entry("a category", []string{"Endpoint Types", "chat", "embeddings"}, "endpoint"),
		Entry("a category by flag", []string{"Endpoint Types"}, "--category", "endpoint"),
		Entry("a category however it is spelled", []string{"URL Selection Strategy Types"}, "URL-selection-strategy"),
		Entry("a category, in words", []string{"UI Types"}, "show", "ui"),
		Entry("one plugin", []string{"aiperf.endpoints:Chat", `endpoint_path: "/v1/chat/completions"`, "supports_streaming: true"}, "endpoint", "Chat"),
		Entry("one plugin by flags", []string{"aiperf.endpoints:Chat"}, "--category", "endpoint", "--name", "chat"),
		Entry("one plugin, in words", []string{"aiperf.ui:None"}, "show", "ui", "none"),
	)
	DescribeTable("fails", func(code int, want string, args ...string) {
		s := newSession()
		Expect(s.run(append([]string{"plugins"}, args...)...)).To(Equal(code))
		Expect(s.errors.String()).To(ContainSubstring(want))
	},
		Entry("on an unknown category, with the nearest", 1, "did you mean endpoint?", "endpont"),
		Entry("on an unknown category, with all there are", 1, "there are: arrival_pattern", "nonsense"),
		Entry("on an unknown name", 1, "Not found: endpoint:chatty; available: chat", "endpoint", "chatty"),
		Entry("on a name without a category", 2, "want a category", "--name", "chat"),
		Entry("on too many words", 2, "want a category", "endpoint", "chat", "x"),
		Entry("on show without a category", 2, "want a category", "show"),
		Entry("on a validation of one category", 2, "takes no category", "--validate", "endpoint"),
		Entry("on a manifest that is not there", 2, "no such file", "--plugins", "/nonexistent.yaml"),
	)
	It("validates what this program is made of", func() {
		for _, args := range [][]string{{"plugins", "--validate"}, {"plugins", "-v"}, {"plugins", "validate"}} {
			s := newSession()
			Expect(s.run(args...)).To(Equal(0), s.out.String())
			Expect(s.out.String()).To(HavePrefix("(OK)"))
		}
	})
	It("fails on a manifest that names a class which is not there", func() {
		path := filepath.Join(GinkgoT().TempDir(), "mine.yaml")
		Expect(os.WriteFile(path, []byte("ui:\n  fancy: {class: \"mine.ui:Fancy\", description: x}\n"), 0o600)).To(Succeed())
		s := newSession("AIPERF_PLUGINS=" + path)
		Expect(s.run("plugins", "validate")).To(Equal(1))
		Expect(s.out.String()).To(ContainSubstring("(FAIL) ui:fancy - "))
	})
})
