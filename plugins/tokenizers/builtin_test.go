package tokenizers

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var loadedOnce sync.Map

func load(encoding string) *Builtin {
	if t, ok := loadedOnce.Load(encoding); ok {
		return t.(*Builtin)
	}
	t, err := NewBuiltin(Config{Encoding: encoding})
	if err != nil {
		panic(err)
	}
	loadedOnce.Store(encoding, t)
	return t.(*Builtin)
}

// samples hold what the expressions treat in different ways.
var samples = []string{
	"", " ", "a", "Hello world", "Hello, world!  How are   you?\n\n\nFine.\r\n  ",
	"I'll don't WE'VE it's IT'S 'tis O'REILLY'S y'all'd've 'ſ a'ſ", "snake_case camelCase HTTPServer XMLHttpRequest",
	"1 12 123 1234 1234567 3.14159 1,000,000 ½ ٣٤٥٦", "a/b//c /usr/local/bin\n/etc // comment\n///\n\n", "...!!!???\n\n\r\n/\n x",
	"tabs\t\tand\u00a0nbsp\u2003em\u3000ideographic\u0085nel \n \t \n x", "   leading", "trailing   ", "\n \n \n", " \n a", "\t x", "  \r\n\r\n  y",
	"中文字符测试。日本語のテスト、한국어 텍스트", "Ünïcödé ÀÉÎÕÜ straße ǅ ǆ Ǆ ʰʱ ªº", "e\u0301 \u0301\u0301 \u0301A \u0301AB !\u0301 A\u0301B aB\u0301C 中A A中B 中中ABC",
	"emoji 😀👩‍👩‍👧‍👦🏳️‍🌈 ok", "العربية עברית हिन्दी ไทย", "{\"a\": [1, 2, {\"b\": null}], \"c\": \"\\u00e9\"}",
	"func main() {\n\tfmt.Println(\"hi\")\n}\n", "<|endoftext|>", "a<|endoftext|>b <|endofprompt|> <|none|> <|<|endoftext|>", "<|fim_prefix|>x<|fim_suffix|>",
	"\xff\xfe bad \xc3( utf8 \xe4\xb8", strings.Repeat("ab", 300), strings.Repeat("x", 97) + strings.Repeat("é", 80), strings.Repeat(" ", 300) + "x", strings.Repeat("=-", 200),
}

var _ = Describe("Builtin", func() {
	for encoding := range patterns {
		It("cuts like the published expression of "+encoding, func() {
			for _, s := range samples {
				if utf8.ValidString(s) {
					Expect(pieces(encoding, s)).To(Equal(referencePieces(encoding, s)), "%q", s)
				}
			}
		})
		It("cuts random text like the published expression of "+encoding, func() {
			alphabet := []rune("aBéÉ中ʰǅ\u0301\u0903 1٣½'sSſtTrReEvVlL\r\n\t\u00a0\u3000/!-_😀")
			rng := rand.New(rand.NewPCG(1, 2))
			for range 3000 {
				s := make([]rune, rng.IntN(24))
				for i := range s {
					s[i] = alphabet[rng.IntN(len(alphabet))]
				}
				Expect(pieces(encoding, string(s))).To(Equal(referencePieces(encoding, string(s))), "%q", string(s))
			}
		})
		It("gives the ids of the reference for "+encoding, func() {
			own, ref := load(encoding), reference(encoding)
			for _, s := range samples {
				if !utf8.ValidString(s) || strings.Contains(s, "ſ") || strings.Contains(s, "<|") {
					continue // the reference repairs the first, does not fold the second, and reads the third as text
				}
				want := ref.EncodeOrdinary(s)
				got := own.Encode(s)
				if len(want) == 0 {
					Expect(got).To(BeEmpty())
					continue
				}
				Expect(got).To(Equal(want), "%q", s)
			}
		})
	}

	DescribeTable("loading a vocabulary", func(encoding string) {
		t := load(encoding)
		Expect(t.Name()).To(Equal(encoding))
		Expect(t.VocabSize()).To(Equal(Encodings[encoding]))
		Expect(t.NumSpecialTokens()).To(BeZero())
		for _, s := range samples {
			ids := t.Encode(s)
			Expect(t.Decode(ids)).To(Equal(lossy([]byte(s))), "what is encoded is decoded again, but for what is no UTF-8")
			Expect(t.Count(s)).To(Equal(len(ids)))
			for _, id := range ids {
				Expect(id).To(And(BeNumerically(">=", 0), BeNumerically("<", t.VocabSize())))
			}
		}
	},
		Entry("o200k_base", "o200k_base"), Entry("cl100k_base", "cl100k_base"), Entry("p50k_base", "p50k_base"), Entry("r50k_base", "r50k_base"),
	)

	DescribeTable("known encodings", func(encoding, text string, want ...int) {
		Expect(load(encoding).Encode(text)).To(Equal(want))
	},
		Entry("two words", "cl100k_base", "hello world", 15339, 1917),
		Entry("the newer vocabulary", "o200k_base", "hello world", 24912, 2375),
		Entry("the old one", "r50k_base", "hello world", 31373, 995),
		Entry("a special token", "o200k_base", "<|endoftext|>", 199999),
		Entry("a special token between words", "o200k_base", "hello<|endofprompt|> world", 24912, 200018, 2375),
		Entry("a special token of another vocabulary is text", "r50k_base", "<|fim_prefix|>", 27, 91, 69, 320, 62, 40290, 91, 29),
	)

	It("ignores ids that are none when decoding", func() {
		Expect(load("o200k_base").Decode([]int{24912, -1, 200017, 1 << 30, 2375})).To(Equal("hello world"))
	})

	It("names the embedded vocabularies when asked for another", func() {
		_, err := NewBuiltin(Config{Encoding: "gpt2"})
		Expect(err).To(MatchError(And(ContainSubstring(`"gpt2"`), ContainSubstring("o200k_base"))))
	})

	It("loads the default vocabulary for an empty name", func() {
		t, err := NewBuiltin(Config{})
		Expect(err).NotTo(HaveOccurred())
		Expect(t.Name()).To(Equal(DefaultEncoding))
	})

	It("is safe for concurrent use", func() {
		t := load("o200k_base")
		want := t.Encode(samples[4])
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				defer GinkgoRecover()
				for range 50 {
					Expect(t.Encode(samples[4])).To(Equal(want))
				}
			})
		}
		wg.Wait()
	})

	It("encodes a megabyte of one letter without taking quadratic time", func() {
		text := strings.Repeat("a", 1<<20)
		t := load("o200k_base")
		ids := t.Encode(text)
		Expect(t.Decode(ids)).To(Equal(text))
	})

	It("counts without allocating", func() {
		t := load("o200k_base")
		text := strings.Repeat("Shall I compare thee to a summer's day? xqzvkj wrglbtf. ", 10)
		var m merger
		t.count(&m, text)
		Expect(testing.AllocsPerRun(100, func() { t.count(&m, text) })).To(BeZero())
	})
})

var _ = Describe("merging", func() {
	It("gives the textbook's result for short and long pieces", func() {
		v := load("cl100k_base").vocab
		rng := rand.New(rand.NewPCG(3, 4))
		var m merger
		for range 400 {
			piece := make([]byte, 1+rng.IntN(60))
			for i := range piece {
				piece[i] = "abcdeé \x80z"[rng.IntN(9)]
			}
			want := slowMerge(v, piece)
			m.short(v, piece)
			Expect(m.ids(v, piece)).To(Equal(want), "short %q", piece)
			m.long(v, piece)
			Expect(m.ids(v, piece)).To(Equal(want), "long %q", piece)
		}
	})
})

func (m *merger) ids(v *vocabulary, piece []byte) []int {
	var ids []int
	for k := 0; k+1 < len(m.starts); k++ {
		ids = append(ids, v.find(piece[m.starts[k]:m.starts[k+1]]))
	}
	return ids
}

var _ = Describe("reading a rank file", func() {
	DescribeTable("that is damaged", func(text, reason string) {
		_, err := parseRanks([]byte(text), 16)
		Expect(err).To(MatchError(ContainSubstring(reason)))
	},
		Entry("no id", "YQ==\n", "line 1: damaged vocabulary: want a token and an id"),
		Entry("a word for an id", "YQ== 1\nYg== x\n", `line 2: damaged vocabulary: id "x"`),
		Entry("an id beyond the table", "YQ== 9999999\n", "line 1: damaged vocabulary: token 9999999"),
		Entry("no base64", "Y*== 1\n", "line 1: damaged vocabulary: token is not base64"),
		Entry("padding inside", "YQ==YQ== 1\n", "token is not base64"),
		Entry("an empty token", " 1\n", "token 1 has 0 bytes"),
		Entry("one id twice", "YQ== 1\nYg== 1\n", "id 1 comes twice"),
		Entry("not every byte", "YQ== 1\n", "byte 0 has no token"),
		Entry("nothing", "", "byte 0 has no token"),
	)
})

var _ = DescribeTable("an embedded vocabulary is found", func(name, want string) {
	encoding, ok := Embedded(name)
	Expect(encoding).To(Equal(want))
	Expect(ok).To(Equal(want != ""))
},
	Entry("by the name for any", "builtin", DefaultEncoding),
	Entry("by its own name", "CL100K_base", "cl100k_base"),
	Entry("for GPT-4o", "gpt-4o", "o200k_base"),
	Entry("for a dated one behind its owner", "openai/gpt-4o-mini-2024-07-18", "o200k_base"),
	Entry("for gpt-oss", "openai/gpt-oss-20b", "o200k_base"),
	Entry("for GPT-4, which is older", "gpt-4-turbo", "cl100k_base"),
	Entry("not for another maker's", "Qwen/Qwen3-8B", ""),
)

func FuzzEncode(f *testing.F) {
	for _, s := range samples {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for encoding := range dialects {
			tok := load(encoding)
			ids := tok.Encode(text)
			if got := tok.Decode(ids); got != lossy([]byte(text)) {
				t.Fatalf("%s: %q became %q", encoding, text, got)
			}
		}
	})
}

func FuzzParseRanks(f *testing.F) {
	f.Add([]byte("YQ== 1\nYg== 2\n"))
	f.Add([]byte("IQ== 0\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if v, err := parseRanks(text, 8); err == nil && v.find([]byte("a")) < 0 {
			t.Fatal("a vocabulary without a letter was accepted")
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewBuiltin(Config{Encoding: "o200k_base"}); err != nil {
			b.Fatal(err)
		}
	}
}

var prose = strings.Repeat("Shall I compare thee to a summer's day? Thou art more lovely and more temperate: Rough winds do shake the darling buds of May. ", 4)

func BenchmarkCount(b *testing.B) {
	t := load("o200k_base")
	b.SetBytes(int64(len(prose)))
	b.ReportAllocs()
	for b.Loop() {
		t.Count(prose)
	}
}

func BenchmarkCountRareWords(b *testing.B) {
	t := load("o200k_base")
	text := strings.Repeat("xqzvkj wrglbtf Ünïcödéñess 0xdeadbeefcafe ", 12)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		t.Count(text)
	}
}

func BenchmarkCountReference(b *testing.B) {
	t := reference("o200k_base")
	b.SetBytes(int64(len(prose)))
	b.ReportAllocs()
	for b.Loop() {
		t.EncodeOrdinary(prose)
	}
}
