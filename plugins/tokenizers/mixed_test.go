package tokenizers

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// strands are kinds of text that tokenizers treat in different ways.
var strands = [][]string{
	strings.Fields("the of and a to in is you that it he was for on are as with his they I at be this have from or one had by word but not what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first water been call who oil its now find long down day did get come made may part"),
	strings.Fields("I'll don't WE'VE it's IT'S 'tis O'REILLY'S y'all'd've 'ſ a'ſ camelCase HTTPServer snake_case kebab-case SCREAMING_CASE x86_64 utf-8 e.g. i.e. Dr. U.S.A. ©2024 50% $3.14 #tag @user a@b.org https://x.org/a?b=c&d=e#f C:\\dir\\file ~/.bashrc"),
	{"func main() {\n\t", "if err != nil {\n\t\treturn err\n\t}\n", "for (int i = 0; i < n; ++i) {", "def f(self, *args, **kwargs):\n    ", "SELECT * FROM t WHERE id >= 10;", "<div class=\"a\">", "</div>\n", "{\"key\": [1, 2.5e-3, null]}", "// comment\n", "/* x */", "#!/bin/sh\n", "a->b::c", "x == y && !z", "}\n\n", "\t\t\t"},
	{"中文字符测试", "北京是中国的首都", "。", "，", "人工智能", "模型", "日本語のテスト", "カタカナ", "ひらがな", "漢字", "한국어", "텍스트", "안녕하세요"},
	{"Привет", "мир", "данные", "العربية", "مرحبا", "עברית", "שלום", "हिन्दी", "नमस्ते", "ไทย", "สวัสดี", "Ελληνικά", "հայերեն", "ქართული", "தமிழ்", "বাংলা", "አማርኛ", "Việt", "Ünïcödé", "straße", "İstanbul", "ǅ", "ﬁ", "ª", "ʰ"},
	{"0", "12", "345", "6789", "1,000,000", "3.14159", "½", "٣٤", "Ⅷ", "²", "१२३", "0xdeadbeef"},
	{" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u3000", "\u2003", "\u0085", "\u2028", "     \n\n   "},
	{"😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "👍🏽", "❤️", "✓", "→", "∑", "€", "—", "…", "“”", "«»", "·", "!!!", "???", "...", "***", "====", "----", "~~~", "///"},
	{"e\u0301", "A\u030a", "\u0301\u0301", "o\u0308\u0323", "\u200d", "\u200b", "\ufeff", "\u0000", "\u0007", "\u001b[0m", "\u007f", "\ufffd", "\U0001d49c", "\u2581", "▁▁"},
	{"<s>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>", "<bos>", "<|begin_of_text|>", "[MASK]", "[CLS]", "<mask>", "Paris", "[X]", "<think>", "</think>", "<|", "|>", "<0x41>", "<td>", "##ing"},
}

// mixedTexts makes texts of that many characters in sum, of all strands and arbitrary
// characters, always the same for a seed.
func mixedTexts(seed uint64, characters int) (texts []string) {
	rng := rand.New(rand.NewPCG(seed, 0))
	for characters > 0 {
		var b strings.Builder
		want := 20 + rng.IntN(2000)
		strand := strands[rng.IntN(len(strands))]
		for n := 0; n < min(want, characters); {
			if rng.IntN(6) == 0 {
				strand = strands[rng.IntN(len(strands))]
			}
			word := strand[rng.IntN(len(strand))]
			if rng.IntN(24) == 0 {
				word = randomRune(rng)
			}
			if rng.IntN(3) > 0 {
				word += " "
			}
			b.WriteString(word)
			n += utf8.RuneCountInString(word)
		}
		characters -= utf8.RuneCountInString(b.String())
		texts = append(texts, b.String())
	}
	return texts
}

func randomRune(rng *rand.Rand) string {
	limit := []int{0x80, 0x800, 0x3000, 0x10000, 0x20000, 0x110000}[rng.IntN(6)]
	for {
		if r := rune(rng.IntN(limit)); utf8.ValidRune(r) {
			return string(r)
		}
	}
}
