package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// tiny is the folder of a small tokenizer.
func tiny(name string) string {
	GinkgoHelper()
	dir, err := filepath.Abs(filepath.Join("..", "plugins", "tokenizers", "testdata", "tiny", name))
	Expect(err).NotTo(HaveOccurred())
	return dir
}

var _ = Describe("tokenize", func() {
	tokenize := func(in string, args ...string) string {
		GinkgoHelper()
		s := newSession("HOME=" + GinkgoT().TempDir())
		s.state.Stdin = strings.NewReader(in)
		Expect(s.run(append([]string{"tokenize"}, args...)...)).To(Equal(0), s.errors.String())
		return s.out.String()
	}

	It("takes a text from the arguments, from a file and from standard input", func() {
		Expect(tokenize("", "hello", "world")).To(Equal("24912 2375\n2 tokens\n"))
		file := filepath.Join(GinkgoT().TempDir(), "text")
		Expect(os.WriteFile(file, []byte("hello world"), 0o644)).To(Succeed())
		Expect(tokenize("", "--file", file)).To(Equal("24912 2375\n2 tokens\n"))
		Expect(tokenize("hello world")).To(Equal("24912 2375\n2 tokens\n"))
		Expect(tokenize("")).To(Equal("\n0 tokens\n"))
		Expect(tokenize("24912 2375", "--decode")).To(Equal("hello world\n"))
	})

	It("speaks JSON lines both ways", func() {
		ids := tokenize("\"hello\\n\"\nhello\n{\"text\": \"hello\"}\n7\n\n", "--json")
		Expect(ids).To(Equal("{\"ids\":[24912,198],\"count\":2}\n{\"ids\":[24912],\"count\":1}\n{\"ids\":[24912],\"count\":1}\n{\"ids\":[22],\"count\":1}\n{\"ids\":[],\"count\":0}\n"))
		Expect(tokenize(ids, "--json", "--decode")).To(Equal("{\"text\":\"hello\\n\"}\n{\"text\":\"hello\"}\n{\"text\":\"hello\"}\n{\"text\":\"7\"}\n{\"text\":\"\"}\n"))
		Expect(tokenize("[199999, 24912]", "--json", "--decode")).To(Equal("{\"text\":\"hello\"}\n"))
		Expect(tokenize("[199999, 24912]", "--json", "--decode", "--special")).To(Equal("{\"text\":\"<|endoftext|>hello\"}\n"))
	})

	It("renders messages with the chat template of the model", func() {
		dir := GinkgoT().TempDir()
		text, err := os.ReadFile(filepath.Join(tiny("bpe_gpt2"), "tokenizer.json"))
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(filepath.Join(dir, "tokenizer.json"), text, 0o644)).To(Succeed())
		Expect(os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte("{% for m in messages %}{{ m.content }}{% endfor %}"), 0o644)).To(Succeed())
		Expect(tokenize(`[{"role":"user","content":"hello"},{"role":"user","content":" world"}]`, "-t", dir, "--chat")).To(Equal(tokenize("hello world", "-t", dir)))
		Expect(tokenize(`[{"role":"user","content":"hello"}]`+"\n", "-t", dir, "--chat", "--json")).To(Equal(tokenize("hello\n", "-t", dir, "--json")))
	})

	It("ends at a signal", func() {
		s := newSession("HOME=" + GinkgoT().TempDir())
		signals := make(chan os.Signal, 1)
		in, out := io.Pipe()
		DeferCleanup(out.Close)
		s.state.Stdin, s.state.Signals = in, signals
		signals <- syscall.SIGTERM
		Expect(s.run("tokenize")).To(Equal(143))
	})

	It("uses the tokenizer of a folder, with its special tokens when asked", func() {
		Expect(tokenize("", "-t", tiny("wordpiece_bert"), "the")).To(Equal("62 874 867\n3 tokens\n"))
		Expect(tokenize("", "-t", tiny("wordpiece_bert"), "--special", "the")).To(Equal("2 62 874 867 3\n5 tokens\n"))
	})

	DescribeTable("says what is wrong", func(code int, want, in string, args ...string) {
		s := newSession("HOME="+GinkgoT().TempDir(), "HF_HUB_OFFLINE=1")
		s.state.Stdin = strings.NewReader(in)
		Expect(s.run(append([]string{"tokenize"}, args...)...)).To(Equal(code))
		Expect(s.errors.String()).To(ContainSubstring(want))
	},
		Entry("no such tokenizer", 2, "HF_HUB_OFFLINE=1", "", "-t", "org/none", "x"),
		Entry("no name", 2, "--tokenizer: wants a name, a folder, or builtin", "", "-t", "", "x"),
		Entry("chat without a template", 2, "--chat: tokenizer builtin has no chat template", "[]", "--chat"),
		Entry("chat and back", 2, "--chat: cannot be used together with --decode", "", "--chat", "--decode"),
		Entry("no such file", 1, "no such file", "", "--file", "/nonexistent/text"),
		Entry("two texts", 2, "--file: cannot be used together", "", "--file", "x", "y"),
		Entry("no ids", 1, `stdin: want token ids, got "one"`, "1 one", "--decode"),
		Entry("no ids in a line", 1, "stdin:2: want a list of token ids", "[1]\nx\n", "--json", "--decode"),
		Entry("an id below zero", 1, "stdin:1: want token ids", "[-1]\n", "--json", "--decode"),
	)
})

var _ = Describe("the tokenizer of a run", func() {
	It("is found without a network: in a folder, in the cache, embedded", func() {
		home := GinkgoT().TempDir()
		snapshot := filepath.Join(home, "hf", "hub", "models--org--small", "snapshots", strings.Repeat("ab", 20))
		Expect(os.MkdirAll(snapshot, 0o755)).To(Succeed())
		text, err := os.ReadFile(filepath.Join(tiny("bpe_gpt2"), "tokenizer.json"))
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(filepath.Join(snapshot, "tokenizer.json"), text, 0o644)).To(Succeed())
		for _, args := range [][]string{
			{"--model", "m", "--tokenizer", tiny("bpe_gpt2")},
			{"--model", "org/small", "--tokenizer-revision", strings.Repeat("ab", 20)},
			{"--model", "m", "--tokenizer", "builtin"},
			{"--model", "mock-model"},
		} {
			s := newSession("HOME="+home, "HF_HOME="+filepath.Join(home, "hf"), "HF_HUB_OFFLINE=1")
			Expect(s.run(append([]string{"profile", "--dry-run", "--no-gpu-telemetry", "--isl", "8"}, args...)...)).To(Equal(0), s.errors.String())
		}
	})

	It("is a reason not to start when it is missing or damaged", func() {
		s := newSession("HOME="+GinkgoT().TempDir(), "HF_HUB_OFFLINE=1")
		Expect(s.run("profile", "--model", "org/none")).To(Equal(2))
		Expect(s.errors.String()).To(And(ContainSubstring("--model: tokenizer org/none"), ContainSubstring("tried"), ContainSubstring("--tokenizer builtin"), ContainSubstring("--use-server-token-count")))

		dir := GinkgoT().TempDir()
		Expect(os.WriteFile(filepath.Join(dir, "tokenizer.json"), []byte(`{"model": {"type": "Magic"}}`), 0o644)).To(Succeed())
		s = newSession("HOME=" + GinkgoT().TempDir())
		Expect(s.run("profile", "--model", "m", "--tokenizer", dir)).To(Equal(2))
		Expect(s.errors.String()).To(ContainSubstring(`model.type: "Magic" is not supported; there are: BPE`))
	})
})
