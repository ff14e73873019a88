package tokenizers

import (
	"fmt"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// conversations are lists of messages as clients send them, the odd ones too.
var conversations = []string{
	`[{"role":"user","content":"Hello"}]`,
	`[{"role":"system","content":"Be brief."},{"role":"user","content":"  Hi there \n"}]`,
	`[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]`,
	`[{"role":"system","content":"S"},{"role":"user","content":"a"},{"role":"assistant","content":"<think>\nhm\n</think>\n\nb"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}]`,
	`[{"role":"user","content":[{"type":"text","text":"part one "},{"type":"text","text":"part two"}]}]`,
	`[{"role":"user","content":[{"type":"image","url":"x"},{"type":"text","text":"what is it?"}]}]`,
	`[{"role":"user","content":"weather?"},{"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function","function":{"name":"get","arguments":{"city":"Köln","n":[1,2.5,null,true]}}}]},{"role":"tool","content":"{\"t\": 21}","tool_call_id":"1"},{"role":"assistant","content":"21 degrees"}]`,
	`[{"role":"user","content":"weather?"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"get","arguments":"{\"city\": \"Köln\"}"}},{"id":"2","type":"function","function":{"name":"two","arguments":"{}"}}]},{"role":"tool","content":"a"},{"role":"tool","content":"b"}]`,
	`[{"role":"user","content":"a"},{"role":"user","content":"b"}]`,
	`[{"role":"assistant","content":"starts"},{"role":"user","content":"b"}]`,
	`[{"role":"user","content":"q"},{"role":"assistant","content":"a","reasoning_content":"because\n"},{"role":"user","content":"q2"}]`,
	`[{"role":"user","content":""}]`,
	`[{"role":"user"}]`,
	`[{"content":"no role"}]`,
	`[{"role":"user","content":"<|eot_id|> <|im_end|> <end_of_turn> {{ x }} {% if %} 😀"}]`,
	`[]`,
}

var _ = DescribeTable("the chat template of a model is rendered as the reference renders it", func(name string) {
	config := filepath.Join(bigTokenizers(), name, "tokenizer_config.json")
	if _, err := os.Stat(config); err != nil {
		Skip("no " + name + " in " + bigTokenizers() + ": `make test-tokenizers` fetches it where the network allows")
	}
	p := startPython()
	a, err := p.try(pythonRequest{Op: "chat", Path: config, Texts: conversations})
	if err != nil {
		Skip("the reference cannot render (" + err.Error() + "): `make test-tokenizers` installs jinja2 where the network allows")
	}
	t := newPipeline()
	text, err := os.ReadFile(config)
	Expect(err).NotTo(HaveOccurred())
	Expect(t.chat.read(text, "no such file")).To(Succeed())
	Expect(t.HasChatTemplate()).To(BeTrue())
	worked := 0
	for i, c := range conversations {
		for k, prompt := range []bool{false, true} {
			want := a.Texts[2*i+k]
			got, err := t.RenderChat(c, prompt)
			if want == "\x00failed" {
				Expect(err).To(HaveOccurred(), "%s became %q", c, got)
				continue
			}
			Expect(err).NotTo(HaveOccurred(), c)
			Expect(got).To(Equal(want), c)
			worked++
		}
	}
	Expect(worked).To(BeNumerically(">", 6))
},
	Entry(nil, "llama3"), Entry(nil, "qwen3"), Entry(nil, "gemma3"), Entry(nil, "deepseek_v3"),
)

var _ = Describe("chat templates", func() {
	folder := func(files map[string]string) *Pipeline {
		dir := GinkgoT().TempDir()
		tiny, err := os.ReadFile(filepath.Join("testdata", "tiny", "bpe_gpt2", "tokenizer.json"))
		Expect(err).NotTo(HaveOccurred())
		files["tokenizer.json"] = string(tiny)
		for name, text := range files {
			Expect(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)).To(Succeed())
		}
		compiled, err := Prepare(dir, GinkgoT().TempDir())
		Expect(err).NotTo(HaveOccurred())
		t, err := NewFile(Config{Path: compiled})
		Expect(err).NotTo(HaveOccurred())
		return t.(*Pipeline)
	}
	const one = `[{"role":"user","content":"hi"}]`

	It("are found in the configuration, alone, by name, and in a file of their own, compiled too", func() {
		t := folder(map[string]string{"tokenizer_config.json": `{"chat_template":"{{ bos_token }}{{ messages[0].content }}","bos_token":{"content":"<s>"}}`})
		Expect(t.RenderChat(one, true)).To(Equal("<s>hi"))
		t = folder(map[string]string{"tokenizer_config.json": `{"chat_template":[{"name":"tool_use","template":"no"},{"name":"default","template":"yes {{ tools is none }}"}]}`})
		Expect(t.RenderChat(one, true)).To(Equal("yes True"))
		t = folder(map[string]string{"tokenizer_config.json": `{"chat_template":"no"}`, "chat_template.jinja": "file"})
		Expect(t.RenderChat(one, true)).To(Equal("file"))
		t = folder(map[string]string{})
		Expect(t.HasChatTemplate()).To(BeFalse())
		Expect(ChatOverhead(t)).To(BeZero())
	})

	It("cost what they cost", func() {
		t := folder(map[string]string{"chat_template.jinja": "<|endoftext|>{% for m in messages %}<|endoftext|>{{ m.content }}<|endoftext|>{% endfor %}{% if add_generation_prompt %}<|endoftext|>{% endif %}"})
		want := Overhead{Fixed: 2, Message: 2}
		Expect(ChatOverhead(t)).To(Equal(want))
		for _, broken := range []string{"{{ raise_exception('never') }}", "{% if %}", "{{ messages[0].nope.nope }}", "x"} {
			t := folder(map[string]string{"chat_template.jinja": broken})
			Expect(ChatOverhead(t)).To(BeZero(), broken)
		}
	})

	It("that fail say why", func() {
		t := folder(map[string]string{"chat_template.jinja": "\n{{ raise_exception('roles must alternate') }}"})
		_, err := t.RenderChat(one, true)
		Expect(err).To(MatchError("chat template: line 2: roles must alternate"))
		t = folder(map[string]string{"chat_template.jinja": "{% include 'x' %}"})
		_, err = t.RenderChat(one, true)
		Expect(err).To(MatchError("chat template: line 1: {% include %} is not supported"))
		_, err = t.RenderChat(`[{"role":`, true)
		Expect(fmt.Sprint(err)).NotTo(BeEmpty())
	})
})
