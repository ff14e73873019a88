package tokenizers

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// vector is what the reference library makes of a text.
type vector struct {
	Group      string `json:"group"`
	Text       string `json:"text"`
	IDs        []int  `json:"ids"`
	IDsSpecial []int  `json:"ids_special"`
	Decoded    string `json:"decoded"`
	Plain      string `json:"decoded_skip"`
}

func vectors(path string) (out []vector) {
	GinkgoHelper()
	f, err := os.Open(filepath.Join("testdata", path))
	Expect(err).NotTo(HaveOccurred())
	defer f.Close()
	z, err := gzip.NewReader(f)
	Expect(err).NotTo(HaveOccurred())
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var v vector
		Expect(json.Unmarshal(lines.Bytes(), &v)).To(Succeed())
		out = append(out, v)
	}
	Expect(lines.Err()).NotTo(HaveOccurred())
	Expect(out).NotTo(BeEmpty())
	return out
}

// bigTokenizers are those that `make test-tokenizers` fetches.
func bigTokenizers() string {
	if dir := os.Getenv("AIPERF_TEST_TOKENIZERS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", ".cache", "tokenizers")
}

// opened are the big tokenizers that were loaded already: one takes seconds.
var opened = map[string]*Pipeline{}

func openBig(name string) *Pipeline {
	GinkgoHelper()
	if underRace {
		Skip("left to the run without the race detector")
	}
	if t := opened[name]; t != nil {
		return t
	}
	dir := filepath.Join(bigTokenizers(), name)
	if _, err := os.Stat(filepath.Join(dir, "tokenizer.json")); err != nil {
		Skip("no " + name + " in " + bigTokenizers() + ": `make test-tokenizers` fetches it where the network allows")
	}
	t, err := Open(dir)
	Expect(err).NotTo(HaveOccurred())
	opened[name] = t
	return t
}

// differences lists where a tokenizer and the reference part, a few of them.
func differences(t *Pipeline, all []vector) (out []string) {
	for i, v := range all {
		say := func(what string, got, want any) {
			if len(out) < 10 {
				out = append(out, fmt.Sprintf("line %d (%s) %.80q: %s: got %.300s, want %.300s", i+1, v.Group, v.Text, what, fmt.Sprint(got), fmt.Sprint(want)))
			}
		}
		if got := t.Encode(v.Text); fmt.Sprint(got) != fmt.Sprint(v.IDs) {
			say("ids", got, v.IDs)
		}
		if got := t.Count(v.Text); got != len(v.IDs) {
			say("count", got, len(v.IDs))
		}
		if got := t.EncodeSpecial(v.Text); fmt.Sprint(got) != fmt.Sprint(v.IDsSpecial) {
			say("ids with special tokens", got, v.IDsSpecial)
		}
		if got := t.Decode(v.IDs); got != v.Decoded {
			say("decoded", fmt.Sprintf("%q", got), fmt.Sprintf("%q", v.Decoded))
		}
	}
	return out
}

var _ = DescribeTable("a small tokenizer says what the reference says", func(name string) {
	t, err := Open(filepath.Join("testdata", "tiny", name))
	Expect(err).NotTo(HaveOccurred())
	Expect(strings.Join(differences(t, vectors("tiny/"+name+".jsonl.gz")), "\n")).To(BeEmpty())
},
	Entry(nil, "bpe_gpt2"), Entry(nil, "bpe_roberta"), Entry(nil, "bpe_llama2"), Entry(nil, "bpe_clip"),
	Entry(nil, "unigram_t5"), Entry(nil, "wordpiece_bert"), Entry(nil, "wordpiece_cased"), Entry(nil, "wordlevel"),
)

var _ = DescribeTable("a model's tokenizer says what the reference says", func(name string) {
	t := openBig(name)
	Expect(strings.Join(differences(t, vectors("vectors/"+name+".jsonl.gz")), "\n")).To(BeEmpty())
	for i, v := range vectors("vectors/" + name + ".decode.jsonl.gz") {
		Expect(t.Decode(v.IDs)).To(Equal(v.Decoded), "line %d", i+1)
		Expect(t.DecodePlain(v.IDs)).To(Equal(v.Plain), "line %d", i+1)
	}
},
	Entry(nil, "llama3"), Entry(nil, "qwen3"), Entry(nil, "gemma3"), Entry(nil, "gptoss"), Entry(nil, "deepseek_v3"),
)
