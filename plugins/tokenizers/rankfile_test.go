package tokenizers

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/pkoukk/tiktoken-go-loader/assets"
)

var _ = Describe("a rank file", func() {
	write := func(name string, text []byte) string {
		GinkgoHelper()
		path := filepath.Join(GinkgoT().TempDir(), name)
		Expect(os.WriteFile(path, text, 0o644)).To(Succeed())
		return path
	}

	for _, encoding := range []string{"o200k_base", "cl100k_base", "r50k_base"} {
		It("of "+encoding+" says what the embedded vocabulary says, compiled too", func() {
			if underRace {
				Skip("left to the run without the race detector")
			}
			text, err := assets.Assets.ReadFile(encoding + ".tiktoken")
			Expect(err).NotTo(HaveOccurred())
			embedded, err := NewBuiltin(Config{Encoding: encoding})
			Expect(err).NotTo(HaveOccurred())
			t, err := Open(write(encoding+".tiktoken", text))
			Expect(err).NotTo(HaveOccurred())
			file, err := t.compile()
			Expect(err).NotTo(HaveOccurred())
			compiled, err := fromCompiled(file, true)
			Expect(err).NotTo(HaveOccurred())
			for _, s := range mixedTexts(7, 40_000) {
				want := embedded.Encode(s)
				Expect(t.Encode(s)).To(Equal(want))
				Expect(compiled.Encode(s)).To(Equal(want))
				Expect(t.Decode(want)).To(Equal(s))
			}
		})
	}

	It("of another name is cut as most are, with the special tokens of its configuration", func() {
		var b strings.Builder
		for c := range 256 {
			fmt.Fprintf(&b, "%s %d\n", base64.StdEncoding.EncodeToString([]byte{byte(c)}), c)
		}
		fmt.Fprintf(&b, "%s 256\n%s 257\n", base64.StdEncoding.EncodeToString([]byte("ab")), base64.StdEncoding.EncodeToString([]byte("abc")))
		path := write("tiktoken.model", []byte(b.String()))
		config := `{"added_tokens_decoder": {"300": {"content": "<|end|>", "special": true}}, "eos_token": "<|end|>"}`
		Expect(os.WriteFile(filepath.Join(filepath.Dir(path), "tokenizer_config.json"), []byte(config), 0o644)).To(Succeed())
		t, err := Open(filepath.Dir(path))
		Expect(err).NotTo(HaveOccurred())
		Expect(t.Encode("abcab<|end|>")).To(Equal([]int{257, 256, 300}))
		Expect(t.EOS()).To(Equal(300))
		Expect(t.DecodePlain([]int{257, 300})).To(Equal("abc"))
		Expect(t.VocabSize()).To(Equal(258))
	})

	DescribeTable("that is damaged says where", func(want, text string) {
		_, err := Open(write("x.tiktoken", []byte(text)))
		Expect(err).To(MatchError(ContainSubstring(want)))
	},
		Entry("no base64", `line 2: want a token in base64`, "YQ== 0\n*** 1\n"),
		Entry("no id", `line 2: the id "x" is out of range`, "YQ== 0\nYg== x\n"),
		Entry("one id twice", `line 2: the id 0 comes twice`, "YQ== 0\nYg== 0\n"),
		Entry("a byte is missing", `byte 0 has no token`, "YQ== 0\n"),
	)
})
