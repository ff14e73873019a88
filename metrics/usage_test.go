package metrics

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("ParseUsage", func() {
	DescribeTable("finds no usage", func(raw string) {
		Expect(ParseUsage([]byte(raw))).To(BeNil())
	},
		Entry("in nothing", ""),
		Entry("in null", "null"),
		Entry("in an empty object", "{}"),
		Entry("in a list", "[1]"),
		Entry("in a number", "7"),
		Entry("in broken JSON", `{"prompt_tokens": 1`),
	)

	DescribeTable("takes for absent", func(raw string) {
		u := ParseUsage([]byte(raw))
		Expect(u).NotTo(BeNil())
		for name, v := range u.byName() {
			Expect(v).To(Equal(-1.0), name)
		}
	},
		Entry("null", `{"prompt_tokens": null}`),
		Entry("text", `{"prompt_tokens": "12"}`),
		Entry("a truth value", `{"prompt_tokens": true}`),
		Entry("a fraction of a token", `{"prompt_tokens": 1.5}`),
		Entry("a negative count", `{"prompt_tokens": -1}`),
		Entry("a count beyond all counting", `{"prompt_tokens": 1e300}`),
		Entry("a number too large for any type", `{"prompt_tokens": 1e999}`),
		Entry("details that are no object", `{"prompt_tokens_details": [1]}`),
		Entry("a key of another object", `{"billed_units": {"input_tokens": 9}}`),
	)

	It("falls through from an inner null to the top level", func() {
		u := ParseUsage([]byte(`{"prompt_tokens_details": {"cached_tokens": null}, "cached_tokens": 4}`))
		Expect(u.PromptCacheReadTokens).To(Equal(int64(4)))
	})

	It("prefers details to the top level", func() {
		u := ParseUsage([]byte(`{"cached_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}}`))
		Expect(u.PromptCacheReadTokens).To(Equal(int64(3)))
	})

	It("does not let a wrapper overwrite the top level", func() {
		u := ParseUsage([]byte(`{"tokens": {"input_tokens": 9, "output_tokens": 2}, "input_tokens": 7}`))
		Expect(u.PromptTokens).To(Equal(int64(7)))
		Expect(u.CompletionTokens).To(Equal(int64(2)))
	})

	It("adds no cache to a prompt that is a total already", func() {
		u := ParseUsage([]byte(`{"prompt_tokens": 10, "input_tokens": 3, "cache_read_input_tokens": 7}`))
		Expect(u.PromptTokens).To(Equal(int64(10)))
		Expect(u.PromptUncachedTokens).To(Equal(int64(-1)))
	})
})

func FuzzParseUsage(f *testing.F) {
	for _, c := range loadVectors().Usage {
		f.Add([]byte(c.Usage))
	}
	f.Add([]byte(`{"meta":{"tokens":null,"cached_tokens":{}},"tokens":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u := ParseUsage(raw)
		if u == nil {
			return
		}
		for name, v := range u.byName() {
			if v < -1 || !finite(v) {
				t.Errorf("%s = %v of %q", name, v, raw)
			}
		}
		if u.PromptUncachedTokens > u.PromptTokens {
			t.Errorf("uncached part %d of prompt %d", u.PromptUncachedTokens, u.PromptTokens)
		}
	})
}
