package tokenizers

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a compiled tokenizer", func() {
	var cache string
	BeforeEach(func() { cache = filepath.Join(GinkgoT().TempDir(), "cache") })
	prepared := func(path string) *Pipeline {
		GinkgoHelper()
		compiled, err := Prepare(path, cache)
		Expect(err).NotTo(HaveOccurred())
		t, err := NewFile(Config{Path: compiled, Name: "x"})
		Expect(err).NotTo(HaveOccurred())
		return t.(*Pipeline)
	}

	It("says the same", func() {
		for _, name := range tinyNames {
			t := prepared(filepath.Join("testdata", "tiny", name))
			Expect(t.Name()).To(Equal("x"))
			Expect(strings.Join(differences(t, vectors("tiny/"+name+".jsonl.gz")), "\n")).To(BeEmpty(), name)
		}
	})

	It("keeps apart what of a SentencePiece model is no text", func() {
		piece := func(text string, kind byte) string {
			p := "\n" + string(rune(len(text))) + text + "\x15\x00\x00\x80\xbf\x18" + string(rune(kind))
			return "\n" + string(rune(len(p))) + p
		}
		path := filepath.Join(GinkgoT().TempDir(), "tokenizer.model")
		model := piece("<unk>", pieceUnknown) + piece("<s>", pieceControl) + piece("</s>", pieceControl) + piece("▁", pieceNormal) + piece("a", pieceNormal)
		Expect(os.WriteFile(path, []byte(model), 0o644)).To(Succeed())
		read, err := Open(path)
		Expect(err).NotTo(HaveOccurred())
		for _, t := range []*Pipeline{read, prepared(path)} {
			Expect(t.Encode("<s>")).NotTo(ContainElement(1), "its text is no token")
			Expect(t.Decode([]int{1, 3, 4, 2})).To(Equal("<s> a</s>"))
			Expect(t.DecodePlain([]int{1, 3, 4, 2})).To(Equal("a"))
			Expect([]bool{t.IsSpecial(0), t.IsSpecial(1), t.IsSpecial(4)}).To(Equal([]bool{true, true, false}))
			Expect([]int{t.BOS(), t.EOS()}).To(Equal([]int{1, 2}))
		}
	})

	It("is made once, and again when what it is made of has changed or it is damaged", func() {
		dir := GinkgoT().TempDir()
		text, err := os.ReadFile(filepath.Join("testdata", "tiny", "wordlevel", "tokenizer.json"))
		Expect(err).NotTo(HaveOccurred())
		file := filepath.Join(dir, "tokenizer.json")
		Expect(os.WriteFile(file, text, 0o644)).To(Succeed())
		first, err := Prepare(dir, cache)
		Expect(err).NotTo(HaveOccurred())
		made, err := os.Stat(first)
		Expect(err).NotTo(HaveOccurred())
		Expect(Prepare(dir, cache)).To(Equal(first))
		again, err := os.Stat(first)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.SameFile(made, again)).To(BeTrue(), "it was not written again")

		good, err := os.ReadFile(first)
		Expect(err).NotTo(HaveOccurred())
		flipped := append([]byte(nil), good...)
		flipped[len(flipped)/2] ^= 1
		for _, damaged := range [][]byte{good[:100], good[:len(good)-8], nil, flipped} {
			Expect(os.Remove(first)).To(Succeed())
			Expect(os.WriteFile(first, damaged, 0o644)).To(Succeed())
			Expect(Prepare(dir, cache)).To(Equal(first))
			Expect(os.ReadFile(first)).To(Equal(good))
		}

		Expect(os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(`{"eos_token": {"content": "[PAD]"}}`), 0o644)).To(Succeed())
		second, err := Prepare(dir, cache)
		Expect(err).NotTo(HaveOccurred())
		Expect(second).NotTo(Equal(first))
		t := prepared(dir)
		Expect(t.EOS()).To(Equal(1))
		Expect(t.BOS()).To(Equal(-1))
		Expect(t.BlockSeparator()).To(Equal(1))
	})

	It("is not needed: a cache that cannot be written is told apart from a bad tokenizer", func() {
		Expect(os.WriteFile(cache, nil, 0o644)).To(Succeed())
		_, err := Prepare(filepath.Join("testdata", "tiny", "wordlevel"), cache)
		var c *CacheError
		Expect(err).To(BeAssignableToTypeOf(c))
		_, err = Prepare(filepath.Join("testdata", "tiny", "nothing"), cache)
		Expect(err).To(HaveOccurred())
		Expect(err).NotTo(BeAssignableToTypeOf(c))
	})
})

var _ = DescribeTable("a model's compiled tokenizer says what the reference says", func(name string) {
	file, err := openBig(name).compile()
	Expect(err).NotTo(HaveOccurred())
	t, err := fromCompiled(file, true)
	Expect(err).NotTo(HaveOccurred())
	Expect(strings.Join(differences(t, vectors("vectors/"+name+".jsonl.gz")), "\n")).To(BeEmpty())
},
	Entry(nil, "llama3"), Entry(nil, "qwen3"), Entry(nil, "gemma3"), Entry(nil, "gptoss"), Entry(nil, "deepseek_v3"),
)
