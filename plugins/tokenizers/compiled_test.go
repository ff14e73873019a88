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
