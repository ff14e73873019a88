package recordprocessor

import (
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// rendering counts words, and knows a chat template of four words and the contents' length.
type rendering struct {
	words
	failure error
}

func (r *rendering) Encode(string) []int   { return nil }
func (r *rendering) Decode([]int) string   { return "" }
func (r *rendering) NumSpecialTokens() int { return 0 }
func (r *rendering) VocabSize() int        { return 0 }
func (r *rendering) Name() string          { return "" }
func (r *rendering) HasChatTemplate() bool { return true }
func (r *rendering) RenderChat(messages string, prompt bool) (string, error) {
	Expect(prompt).To(BeTrue())
	return "begin of a conversation " + strings.Repeat("m ", strings.Count(messages, "role")), r.failure
}

var _ = Describe("input tokens with the chat template", func() {
	count := func(body string, failure error) (int64, []string) {
		f := newFixture()
		t := &rendering{failure: failure}
		f.deps.counter, f.deps.chat = t, t
		n := f.engine().input.measure([]byte(body))
		return n, f.warnings
	}
	It("are those of what the model reads, and of the tools beside it", func() {
		n, _ := count(`{"messages":[{"role":"user","content":"one two three"}]}`, nil)
		Expect(n).To(BeEquivalentTo(5))
		n, _ = count(`{"messages":[{"role":"user","content":[{"type":"image_url"}]}],"tools":[{"function":{"name":"f","description":"does it"}}]}`, nil)
		Expect(n).To(BeEquivalentTo(8))
	})
	It("are those of the texts where there are no messages, or the template fails, which is told once", func() {
		n, warned := count(`{"prompt":"one two three"}`, nil)
		Expect(n).To(BeEquivalentTo(3))
		Expect(warned).To(BeEmpty())
		n, warned = count(`{"messages":[{"role":"user","content":"one two"}]}`, errors.New("line 3: no"))
		Expect(n).To(BeEquivalentTo(2))
		Expect(warned).To(ConsistOf(ContainSubstring("line 3: no")))
	})
})
