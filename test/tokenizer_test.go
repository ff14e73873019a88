package test

import (
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a run with a tokenizer of its own", Label("e2e"), func() {
	It("makes prompts of exact length by it, and counts with it, from one compiled file", func() {
		folder, err := filepath.Abs("../plugins/tokenizers/testdata/tiny/bpe_gpt2")
		Expect(err).NotTo(HaveOccurred())
		p, code := aiperf("profile", "--model", "any/model", "--tokenizer", folder, "--url", target("--fast"), "--endpoint-type", "chat", "--streaming", "--ui", "none",
			"--artifact-dir", artifacts(), "--isl", "40", "--osl", "6", "--request-count", "10", "--concurrency", "2", "--num-dataset-entries", "10")
		Expect(code).To(BeZero(), p.output())
		s := p.summary()
		Expect(number(s, "input_sequence_length", "min")).To(Equal(40.0))
		Expect(number(s, "input_sequence_length", "max")).To(Equal(40.0))
		Expect(number(s, "output_sequence_length", "avg")).To(BeNumerically(">", 6), "a small vocabulary needs more tokens for the server's words")
		compiled, err := filepath.Glob(filepath.Join(p.cmd.Dir, ".cache", "aiperf", "tokenizers", "*.tokenizer"))
		Expect(err).NotTo(HaveOccurred())
		Expect(compiled).To(HaveLen(1))
	})
})
