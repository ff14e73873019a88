package tokenizers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

var bigNames = []string{"llama3", "qwen3", "gemma3", "gptoss", "deepseek_v3"}

// wholeNames are those for which there are no vectors.
var wholeNames = []string{"llama2"}

var tinyNames = []string{"bpe_gpt2", "bpe_roberta", "bpe_llama2", "bpe_clip", "unigram_t5", "wordpiece_bert", "wordpiece_cased", "wordlevel"}

var _ = Describe("a million characters of mixed text", func() {
	for _, name := range append(wholeNames, bigNames...) {
		It("are for "+name+" what they are for the reference library", func() {
			t := openBig(name)
			differences := startPython().compare(t, "", filepath.Join(bigTokenizers(), name, "tokenizer.json"), mixedTexts(1, manyCharacters))
			Expect(strings.Join(differences, "\n")).To(BeEmpty())
		})
	}
	It("are for the small tokenizers what they are for the reference library", func() {
		p := startPython()
		texts := mixedTexts(2, manyCharacters/len(tinyNames))
		for _, name := range tinyNames {
			dir := filepath.Join("testdata", "tiny", name)
			t, err := Open(dir)
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.Join(p.compare(t, "", filepath.Join(dir, "tokenizer.json"), texts), "\n")).To(BeEmpty(), name)
		}
	})
})

var _ = DescribeTable("a SentencePiece model says what the library says", func(options map[string]any) {
	p := startPython()
	dir := GinkgoT().TempDir()
	corpus := filepath.Join(dir, "corpus.txt")
	Expect(os.WriteFile(corpus, []byte(strings.Join(strings.Fields(strings.Join(mixedTexts(3, 60_000), " ")), " ")+"\n"+
		strings.Join(mixedTexts(4, 60_000), "\n")), 0o600)).To(Succeed())
	options["vocab_size"], options["character_coverage"], options["hard_vocab_limit"] = 2000, 0.98, false
	p.ask(pythonRequest{Op: "train", Input: corpus, Path: filepath.Join(dir, "tokenizer"), Options: options})
	path := filepath.Join(dir, "tokenizer.model")
	t, err := Open(path)
	Expect(err).NotTo(HaveOccurred())
	Expect(strings.Join(p.compare(t, "sentencepiece", path, mixedTexts(5, 100_000)), "\n")).To(BeEmpty())
},
	Entry("unigram", map[string]any{"model_type": "unigram"}),
	Entry("unigram with bytes", map[string]any{"model_type": "unigram", "byte_fallback": true}),
	Entry("byte-pair encoding", map[string]any{"model_type": "bpe"}),
	Entry("as Llama 2 has it", map[string]any{"model_type": "bpe", "byte_fallback": true, "normalization_rule_name": "identity", "remove_extra_whitespaces": false}),
)

// benchTexts are three kinds of text, each in pieces of about a thousand characters.
func benchTexts() map[string][]string {
	source, err := os.ReadFile("load_parts.go")
	Expect(err).NotTo(HaveOccurred())
	corpus := map[string][]string{"code": nil}
	for text := string(source); len(text) > 1000; text = text[1000:] {
		corpus["code"] = append(corpus["code"], text[:1000])
	}
	for _, v := range vectors("vectors/llama3.jsonl.gz") {
		switch v.Group {
		case "prose", "lang-english":
			corpus["english"] = append(corpus["english"], v.Text)
		case "lang-zh-hans", "lang-zh-hant":
			corpus["chinese"] = append(corpus["chinese"], v.Text)
		}
	}
	return corpus
}

// It compares processor time, of both in one run: the machine's other work counts for
// neither.
var _ = Describe("speed beside the reference library", func() {
	It("is several times its", func() {
		if os.Getenv("AIPERF_BENCH_TOKENIZERS") == "" {
			Skip("`make bench-tokenizers` measures it")
		}
		p := startPython()
		for _, name := range bigNames {
			t := openBig(name)
			for kind, texts := range benchTexts() {
				if len(texts) == 0 {
					Fail("no text of kind " + kind)
				}
				bytes := 0
				for _, text := range texts {
					bytes += len(text)
				}
				rounds := 1 + 1_000_000/bytes
				theirs := p.ask(pythonRequest{Op: "time", Path: filepath.Join(bigTokenizers(), name, "tokenizer.json"), Texts: texts, Rounds: rounds})
				encode, decode := ownTime(t, texts, rounds)
				mb := float64(bytes*rounds) / 1e6
				fmt.Fprintf(GinkgoWriter, "%-12s %-8s encode %6.1f MB/s, %5.1f times the reference; decode %6.1f MB/s, %5.1f times\n",
					name, kind, mb/encode, theirs.Encode/encode, mb/decode, theirs.Decode/decode)
			}
		}
	})
})

func ownTime(t *Pipeline, texts []string, rounds int) (encode, decode float64) {
	ids := make([][]int, len(texts))
	for i, text := range texts {
		ids[i] = t.Encode(text)
	}
	start := processorSeconds()
	for range rounds {
		for _, text := range texts {
			t.Encode(text)
		}
	}
	middle := processorSeconds()
	for range rounds {
		for _, list := range ids {
			t.Decode(list)
		}
	}
	return middle - start, processorSeconds() - middle
}

// processorSeconds is what the process has used, its garbage collector included.
func processorSeconds() float64 {
	var u unix.Rusage
	Expect(unix.Getrusage(unix.RUSAGE_SELF, &u)).To(Succeed())
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
