package tokenizers

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("a tokenizer.json that cannot be used says where and why", func(want, text string) {
	dir := GinkgoT().TempDir()
	path := filepath.Join(dir, "tokenizer.json")
	Expect(os.WriteFile(path, []byte(text), 0o644)).To(Succeed())
	_, err := Open(dir)
	Expect(err).To(MatchError(And(HavePrefix(path+": "), ContainSubstring(want))))
},
	Entry("truncated", "no JSON: line 2, byte 12", "{\n\"model\": {"),
	Entry("empty", "no JSON", ""),
	Entry("a list", "want a JSON object", "[]"),
	Entry("no model", "model: missing", "{}"),
	Entry("another model", `model.type: "Magic" is not supported; there are: BPE, Unigram, WordLevel, WordPiece`, `{"model":{"type":"Magic"}}`),
	Entry("no vocabulary", "model.vocab: empty", `{"model":{"type":"WordLevel","vocab":{}}}`),
	Entry("an id that is none", `model.vocab["a"]: the id -1 is out of range`, `{"model":{"type":"WordLevel","vocab":{"a":-1}}}`),
	Entry("an id far beyond", `model.vocab["a"]: the id 8000000 is far beyond`, `{"model":{"type":"WordLevel","vocab":{"a":8000000}}}`),
	Entry("a merge of what is no token", `model.merges[1]: "c" is not in model.vocab`, `{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b","a c"]}}`),
	Entry("a merge into what is no token", `model.merges[0]: "ba" is not in model.vocab`, `{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[["b","a"]]}}`),
	Entry("no merge", `model.merges[0]: want two tokens, got "ab"`, `{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["ab"]}}`),
	Entry("an unknown token that is none", `model.unk_token: "[UNK]" is not in model.vocab`, `{"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"[UNK]"}}`),
	Entry("dropout", "model.dropout: encoding at random", `{"model":{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1}}`),
	Entry("another pre-tokenizer, deep inside", `pre_tokenizer.pretokenizers[1].type: "UnicodeScripts" is not supported`,
		`{"model":{"type":"WordLevel","vocab":{"a":0}},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"UnicodeScripts"}]}}`),
	Entry("another normalizer", `normalizer.type: "Reverse" is not supported`, `{"model":{"type":"WordLevel","vocab":{"a":0}},"normalizer":{"type":"Reverse"}}`),
	Entry("another decoder", `decoder.type: "CTC" is not supported`, `{"model":{"type":"WordLevel","vocab":{"a":0}},"decoder":{"type":"CTC"}}`),
	Entry("another post-processor", `post_processor.type: "Hug" is not supported`, `{"model":{"type":"WordLevel","vocab":{"a":0}},"post_processor":{"type":"Hug"}}`),
	Entry("another behaviour", `pre_tokenizer.behavior: "Eaten" is not supported`, `{"model":{"type":"WordLevel","vocab":{"a":0}},"pre_tokenizer":{"type":"Split","pattern":{"String":"x"},"behavior":"Eaten"}}`),
	Entry("a broken expression", "normalizer.pattern.Regex: ", `{"model":{"type":"WordLevel","vocab":{"a":0}},"normalizer":{"type":"Replace","pattern":{"Regex":"("},"content":""}}`),
	Entry("an added token out of range", "added_tokens[0].id: -5 is out of range", `{"model":{"type":"WordLevel","vocab":{"a":0}},"added_tokens":[{"id":-5,"content":"x"}]}`),
	Entry("a damaged map of characters", "normalizer.precompiled_charsmap: damaged table", `{"model":{"type":"WordLevel","vocab":{"a":0}},"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAA="}}`),
)

var _ = Describe("an expression that never ends", func() {
	It("is given up with its name, and not tried again", func() {
		DeferCleanup(func(d time.Duration) { patience = d }, patience)
		patience = 20 * time.Millisecond
		path := filepath.Join(GinkgoT().TempDir(), "tokenizer.json")
		Expect(os.WriteFile(path, []byte(`{"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated"}}`), 0o644)).To(Succeed())
		t, err := Open(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(t.Encode("a")).To(HaveLen(1))
		Expect(Check(t)).To(Succeed())
		text := strings.Repeat("a", 50) + "b"
		Expect(t.Count(text)).To(BeZero())
		Expect(Check(t)).To(MatchError(And(ContainSubstring(`the expression "(a+)+$" takes longer than 20ms on a text of 51 bytes`), ContainSubstring(path))))
		Expect(t.Encode("a")).To(BeEmpty(), "whoever does not ask gets nothing rather than something wrong")
	})
})

var _ = Describe("a place without a usable tokenizer", func() {
	It("is named", func() {
		dir := GinkgoT().TempDir()
		_, err := Open(dir)
		Expect(err).To(MatchError(And(ContainSubstring(dir), ContainSubstring("no tokenizer.json, no tokenizer.model and no tiktoken.model lies there"))))
		_, err = Open(filepath.Join(dir, "nowhere"))
		Expect(err).To(MatchError(ContainSubstring("no such file")))
	})

	It("may hold a file that is far too large, which is not read", func() {
		path := filepath.Join(GinkgoT().TempDir(), "tokenizer.json")
		f, err := os.Create(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(f.Truncate(2 << 30)).To(Succeed()) // a hole: it takes no room
		Expect(f.Close()).To(Succeed())
		_, err = Open(path)
		Expect(err).To(MatchError(ContainSubstring("larger than 512 MiB")))
		_, err = Prepare(path, GinkgoT().TempDir())
		Expect(err).To(MatchError(ContainSubstring("larger than 512 MiB")))
	})

	It("may hold a model of SentencePiece that is none", func() {
		path := filepath.Join(GinkgoT().TempDir(), "tokenizer.model")
		Expect(os.WriteFile(path, []byte("nothing of the kind"), 0o644)).To(Succeed())
		_, err := Open(path)
		Expect(err).To(MatchError(And(HavePrefix(path), ContainSubstring("no SentencePiece model"))))
	})
})

var _ = It("a text that is no UTF-8 counts as one with U+FFFD for what is not", func() {
	t, err := Open(filepath.Join("testdata", "tiny", "bpe_llama2"))
	Expect(err).NotTo(HaveOccurred())
	Expect(t.Encode("a\xff\xf0\x9fb")).To(Equal(t.Encode("a\ufffd\ufffdb")))
})
