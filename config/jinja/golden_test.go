package jinja

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/tidwall/gjson"
)

func now() time.Time { return time.Date(2026, 3, 7, 9, 5, 2, 0, time.UTC) }

// options are those that testdata/golden.py gives to Jinja.
func options(chat bool) Options {
	if chat {
		return Options{TrimBlocks: true, LstripBlocks: true, PlainJSON: true, Now: now}
	}
	return Options{KeepTrailingNewline: true, Now: now}
}

func render(template string, o Options, vars *Dict) (string, error) {
	t, err := Parse(template, o)
	if err != nil {
		return "", err
	}
	return t.Render(vars)
}

var _ = Describe("templates", func() {
	It("come out as Jinja makes them", func() {
		file, err := os.ReadFile("testdata/golden.jsonl")
		Expect(err).NotTo(HaveOccurred())
		lines := bufio.NewScanner(bytes.NewReader(file))
		lines.Buffer(nil, 1<<20)
		var vars *Dict
		var wrong []string
		n := 0
		for ; lines.Scan(); n++ {
			c := gjson.ParseBytes(lines.Bytes())
			if v := c.Get("vars"); v.Exists() {
				vars = FromJSON(v).(*Dict)
				continue
			}
			template := c.Get("template").Str
			got, err := render(template, options(c.Get("chat").Bool()), vars)
			switch {
			case c.Get("error").Exists() && err == nil:
				wrong = append(wrong, template+"\n   got  "+got+"\n   want an error, "+c.Get("error").Str)
			case c.Get("error").Exists():
			case err != nil:
				wrong = append(wrong, template+"\n   got  "+err.Error()+"\n   want "+c.Get("want").Str)
			case got != c.Get("want").Str:
				wrong = append(wrong, template+"\n   got  "+got+"\n   want "+c.Get("want").Str)
			}
		}
		Expect(wrong).To(BeEmpty(), func() string { return strings.Join(wrong, "\n") })
		Expect(n).To(BeNumerically(">", 600))
	})

	DescribeTable("that would never end are stopped", func(template, reason string) {
		_, err := render(template, Options{Steps: 100_000, Output: 1 << 20}, NewDict())
		Expect(err).To(MatchError(ContainSubstring(reason)))
	},
		Entry("nested loops", "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}", "steps"),
		Entry("a long text", "{{ 'a' * 1000000000 }}", "bytes"),
		Entry("doubling", "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "bytes"),
		Entry("recursion", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "levels deep"),
		Entry("deep brackets", "{{ "+strings.Repeat("(", 10_000)+"1"+strings.Repeat(")", 10_000)+" }}", "nested deeper"),
		Entry("deep blocks", strings.Repeat("{% if 1 %}", 10_000)+strings.Repeat("{% endif %}", 10_000), "nested deeper"),
		Entry("minus signs", "{{ "+strings.Repeat("-", 10_000)+"1 }}", "nested deeper"),
		Entry("a list of itself", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", "steps"),
		Entry("a map of itself", "{% set ns = namespace(x=1) %}{% for i in range(60) %}{% set ns.x = dict(a=ns.x, b=ns.x) %}{% endfor %}{{ ns.x }}", "steps"),
		Entry("a wide range", "{{ range(1000000000) }}", "numbers"),
		Entry("a wide format", "{{ '%999999999d' % 1 }}", "wider"),
		Entry("joins", "{% set l = ['aaaaaaaaaa'] * 10000 %}{% for i in range(10000) %}{{ l | join(l | join) }}{% endfor %}", "bytes"),
	)

	It("say where they are wrong", func() {
		_, err := render("a\nb {{ c\n d }}", Options{}, NewDict())
		Expect(err).To(MatchError(`line 3: want }}, got "d"`))
		_, err = render("a\n{{ x.y }}", Options{}, NewDict())
		Expect(err).To(MatchError(`line 2: "x" is undefined`))
		_, err = render("\n{{ raise_exception('never') }}", Options{}, NewDict())
		Expect(err).To(MatchError("line 2: never"))
	})

	It("can be strict about names", func() {
		_, err := render("{{ missing }}", Options{Strict: true}, NewDict())
		Expect(err).To(MatchError(`line 1: "missing" is undefined`))
		Expect(render("{{ missing | default(1) }}", Options{Strict: true}, NewDict())).To(Equal("1"))
	})
})

func FuzzTemplate(f *testing.F) {
	file, err := os.ReadFile("testdata/golden.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	var vars *Dict
	for _, line := range bytes.Split(file, []byte("\n")) {
		c := gjson.ParseBytes(line)
		if v := c.Get("vars"); v.Exists() {
			vars = FromJSON(v).(*Dict)
			continue
		}
		f.Add(c.Get("template").Str)
	}
	f.Fuzz(func(t *testing.T, template string) {
		// What is wrong is an error: no panic, no end of memory, no endless loop.
		_, _ = render(template, Options{TrimBlocks: true, LstripBlocks: true, PlainJSON: true, Steps: 100_000, Output: 1 << 20}, vars)
	})
}
