package tokenizers

import (
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a stream of tokens", func() {
	check := func(t *Pipeline, all []vector) {
		GinkgoHelper()
		for i, v := range all {
			s := t.Stream()
			var b strings.Builder
			for _, id := range v.IDs {
				b.WriteString(s.Add(id))
			}
			b.WriteString(s.End())
			Expect(b.String()).To(Equal(v.Decoded), "line %d", i+1)
		}
	}
	for _, name := range []string{"bpe_gpt2", "bpe_llama2"} {
		It("gives the text of "+name, func() {
			t, err := Open(filepath.Join("testdata", "tiny", name))
			Expect(err).NotTo(HaveOccurred())
			check(t, vectors("tiny/"+name+".jsonl.gz"))
		})
	}
	for _, name := range bigNames {
		It("gives the text of "+name, func() {
			t := openBig(name)
			check(t, vectors("vectors/"+name+".jsonl.gz"))
		})
	}

	It("does not give half a character", func() {
		t := openBig("llama3")
		s := t.Stream()
		var parts []string
		for _, id := range t.Encode("a👍🏽b") {
			if text := s.Add(id); text != "" {
				parts = append(parts, text)
			}
		}
		Expect(strings.Join(parts, "") + s.End()).To(Equal("a👍🏽b"))
		for _, p := range parts {
			Expect(p).NotTo(ContainSubstring("\ufffd"))
		}
	})
})
