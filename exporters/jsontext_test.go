package exporters

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"
)

var _ = DescribeTable("a JSON number", func(v float64, want string) {
	Expect(string(appendJSONNumber(nil, v))).To(Equal(want))
	back, err := strconv.ParseFloat(want, 64)
	Expect(err).NotTo(HaveOccurred())
	Expect(back).To(Equal(v))
},
	Entry("a whole float shows that it is one", 12.0, "12.0"),
	Entry("zero", 0.0, "0.0"),
	Entry("the shortest text that reads back", 5.3466059999999995, "5.3466059999999995"),
	Entry("small, but not yet with an exponent", 7.738000000001577e-05, "0.00007738000000001577"),
	Entry("the smallest without an exponent", 1e-5, "0.00001"),
	Entry("below that", 9e-6, "9e-06"),
	Entry("large", 1e15, "1000000000000000.0"),
	Entry("larger", 1e16, "1e+16"),
	Entry("negative", -0.5, "-0.5"),
)

var _ = Describe("a JSON text", func() {
	It("keeps the order of the calls and leaves out what is absent or not finite", func() {
		j := compactJSON(nil)
		j.beginObject()
		j.text("b", `<a & "b">`)
		j.number("nan", ptr(math.NaN()))
		j.number("inf", ptr(math.Inf(1)))
		j.number("none", nil)
		j.optText("empty", "")
		j.optInteger("zero", 0)
		j.integer("a", 1)
		j.list("l", func() {})
		j.object("o", func() {})
		j.textList("t", []string{"x", "y\n"})
		j.any("any", map[string]any{"x": "<"})
		j.any("func", func() {})
		j.raw("broken", json.RawMessage(`{"a":`))
		j.endObject()
		Expect(string(j.buf)).To(Equal(`{"b":"<a & \"b\">","a":1,"l":[],"o":{},"t":["x","y\n"],"any":{"x":"<"}}`))
	})

	It("indents by two spaces, raw members too", func() {
		j := prettyJSON()
		j.beginObject()
		j.object("empty", func() {})
		j.raw("raw", json.RawMessage(`{"a":[1,2]}`))
		j.endObject()
		Expect(string(j.buf)).To(Equal("{\n  \"empty\": {},\n  \"raw\": {\n    \"a\": [\n      1,\n      2\n    ]\n  }\n}"))
	})

	DescribeTable("undoes escapes for HTML and no others", func(in, want string) {
		Expect(json.Valid([]byte(in))).To(BeTrue())
		Expect(string(plainJSON([]byte(in)))).To(Equal(want))
	},
		Entry("the three of encoding/json", `"\u003credacted\u003e \u0026"`, `"<redacted> &"`),
		Entry("capitals", `"\u003C"`, `"<"`),
		Entry("an escaped backslash before the letters", `"\\u003c"`, `"\\u003c"`),
		Entry("another character", `"\u0022\u2028"`, `"\u0022\u2028"`),
		Entry("nothing to do", `{"a":1}`, `{"a":1}`),
	)
})

func FuzzPlainJSON(f *testing.F) {
	f.Add(`{"a":"\u003cx\\u003e"}`)
	f.Add(`"\\\u0026"`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		var before, after any
		if err := json.Unmarshal([]byte(text), &before); err != nil {
			t.Skip()
		}
		plain := plainJSON([]byte(text))
		if err := json.Unmarshal(plain, &after); err != nil {
			t.Fatalf("%q became %q: %v", text, plain, err)
		}
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(after)
		if string(a) != string(b) {
			t.Fatalf("%q became %q", text, plain)
		}
	})
}
