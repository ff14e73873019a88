package main

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a user's manifest", func() {
	It("with a class that is not part of the program is refused before anything starts", func() {
		path := filepath.Join(GinkgoT().TempDir(), "mine.yaml")
		Expect(os.WriteFile(path, []byte("arrival_pattern:\n  steady: {class: \"aiperf.arrivals:Nope\"}\n"), 0o600)).To(Succeed())
		_, _, err := loadPlugins([]string{path})
		Expect(err).To(MatchError(And(ContainSubstring(path+":2"), ContainSubstring("arrival_pattern:steady"), ContainSubstring("aiperf.arrivals:Nope"))))
	})
})
