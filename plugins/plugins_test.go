package plugins

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/onsi/ginkgo/v2" // not dot-imported: this package has an Entry of its own
	. "github.com/onsi/gomega"
)

// Constructors of this test's own, as implementations register them.
func init() {
	Register("ui", "test:Plain", func() string { return "plain" })
	Register("ui", "test:Other", func() string { return "other" })
	Register("ui", "test:Odd", func() int { return 0 })
}

func categories() map[string]Category {
	known := map[string]Category{}
	for _, c := range builtinManifest().Categories {
		known[c.Name] = c
	}
	return known
}

func parse(text string) (*Manifest, []string, error) {
	return Parse("mine.yaml", []byte(text), categories())
}

func loaded(texts ...string) (*Registry, []string) {
	ginkgo.GinkgoHelper()
	var paths []string
	for i, text := range texts {
		path := filepath.Join(ginkgo.GinkgoT().TempDir(), string(rune('a'+i))+".yaml")
		Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
		paths = append(paths, path)
	}
	r, warnings, err := Load(paths)
	Expect(err).NotTo(HaveOccurred())
	return r, warnings
}

var _ = ginkgo.Describe("the built-in manifest", func() {
	ginkgo.It("is what plugins.yaml says", func() {
		data, err := os.ReadFile("../plugins.yaml")
		Expect(err).NotTo(HaveOccurred())
		m, warnings, err := Parse("plugins.yaml", data, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(warnings).To(BeEmpty())
		Expect(builtinManifest()).To(Equal(m), "run `go generate ./plugins`")
	})
})

var _ = ginkgo.Describe("a manifest", func() {
	ginkgo.DescribeTable("with a mistake is refused with file, line and key",
		func(text, want string) {
			_, _, err := parse(text)
			Expect(err).To(MatchError(ContainSubstring(want)))
		},
		ginkgo.Entry("an unknown category", "\nmoon:\n  x: {class: a}\n", "mine.yaml:2: moon: unknown category; there are: arrival_pattern"),
		ginkgo.Entry("an entry without a class", "ui:\n  x: {description: d}\n", "mine.yaml:2: ui.x: class is required"),
		ginkgo.Entry("an unknown key", "ui:\n  x: {class: a, colour: red}\n", "mine.yaml:2: ui.x.colour: unknown key"),
		ginkgo.Entry("a priority that is no number", "ui:\n  x: {class: a, priority: high}\n", "ui.x.priority"),
		ginkgo.Entry("a program instead of a class", "ui:\n  x: {exec: ./x}\n", "ui.x.exec: programs as plugins are not supported"),
		ginkgo.Entry("metadata where there is none", "ui:\n  x: {class: a, metadata: {k: 1}}\n", "ui.x.metadata: category ui takes no metadata"),
		ginkgo.Entry("metadata that lacks a key", "transport:\n  x: {class: a, metadata: {url_schemes: [http]}}\n", "transport.x.metadata: transport_type is required"),
		ginkgo.Entry("metadata of a wrong type", "transport:\n  x: {class: a, metadata: {transport_type: 3}}\n", "transport.x.metadata"),
		ginkgo.Entry("a list where a map belongs", "ui: [a]\n", "mine.yaml:1: ui: want a map of names"),
		ginkgo.Entry("a root that is a list", "- a\n", "<root>: want a map of categories"),
		ginkgo.Entry("no YAML at all", "ui: {", "mine.yaml"),
	)

	ginkgo.It("reports all its mistakes at once", func() {
		_, _, err := parse("moon: {}\nui:\n  x: {}\n")
		Expect(err).To(MatchError(And(ContainSubstring("moon"), ContainSubstring("ui.x"))))
	})

	ginkgo.It("of another schema is read with a warning", func() {
		_, warnings, err := parse("schema_version: \"9.9\"\n")
		Expect(err).NotTo(HaveOccurred())
		Expect(warnings).To(ConsistOf(ContainSubstring("schema_version 9.9")))
	})
})

var _ = ginkgo.Describe("the registry", func() {
	ginkgo.DescribeTable("finds an entry by",
		func(name string) {
			e, err := Builtin().Find("endpoint", name)
			Expect(err).NotTo(HaveOccurred())
			Expect(e.Name).To(Equal("chat"))
		},
		ginkgo.Entry("its name", "chat"), ginkgo.Entry("any case", "Chat"), ginkgo.Entry("its class", "aiperf.endpoints:Chat"),
	)

	ginkgo.It("takes dashes for underscores", func() {
		e, err := Builtin().Find("arrival_pattern", "Concurrency-Burst")
		Expect(err).NotTo(HaveOccurred())
		Expect(e.Name).To(Equal("concurrency_burst"))
	})

	ginkgo.It("says what there is when a name leads nowhere", func() {
		_, err := Builtin().Find("ui", "hologram")
		Expect(err).To(MatchError(ContainSubstring("Type 'hologram' not found for category 'ui'. Available: none, simple")))
		_, err = Builtin().Find("moon", "x")
		Expect(err).To(MatchError(ContainSubstring("unknown plugin category 'moon'")))
	})

	ginkgo.DescribeTable("decides between entries of one name",
		func(first, second, want string, warned bool) {
			r, warnings := loaded(first, second)
			Expect(len(warnings) > 0).To(Equal(warned), "%v", warnings)
			make, err := Constructor[func() string](r, "ui", "simple")
			Expect(err).NotTo(HaveOccurred())
			Expect(make()).To(Equal(want))
		},
		ginkgo.Entry("a user's beats the built-in one", "ui: {simple: {class: test:Plain}}", "{}", "plain", false),
		ginkgo.Entry("the higher priority wins", "ui: {simple: {class: test:Plain}}", "ui: {simple: {class: test:Other, priority: 2}}", "other", false),
		ginkgo.Entry("else the first, with a warning", "ui: {simple: {class: test:Plain}}", "ui: {simple: {class: test:Other}}", "plain", true),
	)

	ginkgo.It("keeps a built-in entry that a user's manifest ranks lower", func() {
		r, _ := loaded("ui: {simple: {class: test:Plain, priority: -1}}")
		e, err := r.Find("ui", "simple")
		Expect(err).NotTo(HaveOccurred())
		Expect(e.Builtin).To(BeTrue())
		shadowed, err := r.Find("ui", "test:Plain")
		Expect(err).NotTo(HaveOccurred(), "a shadowed entry is reached by its class")
		Expect(shadowed.Class).To(Equal("test:Plain"))
	})

	ginkgo.It("runs nothing of a plugin before it is asked for by name", func() {
		ran := false
		Register("ui", "test:Lazy", func() string { ran = true; return "" })
		r, _ := loaded("ui: {lazy: {class: test:Lazy}}")
		r.Entries("ui")
		Validate(r)
		_, err := Constructor[func() string](r, "ui", "lazy")
		Expect(err).NotTo(HaveOccurred())
		Expect(ran).To(BeFalse())
	})

	ginkgo.It("names a class that is not part of the program, and one of another type", func() {
		r, _ := loaded("ui: {ghost: {class: \"nobody:Here\"}, odd: {class: test:Odd}}")
		_, err := Constructor[func() string](r, "ui", "ghost")
		Expect(err).To(MatchError(ContainSubstring("ui:ghost: class nobody:Here is not part of this program")))
		_, err = Constructor[func() string](r, "ui", "odd")
		Expect(err).To(MatchError(ContainSubstring("has constructor type")))
	})

	ginkgo.It("validates entries against classes, and classes against entries", func() {
		r, _ := loaded("ui: {ghost: {class: \"nobody:Here\"}}")
		failed := map[string]string{}
		for _, c := range Validate(r) {
			if c.Err != nil {
				failed[c.Subject] = c.Err.Error()
			}
		}
		Expect(failed).To(HaveKeyWithValue("ui:ghost", ContainSubstring("nobody:Here")))
		Expect(failed).To(HaveKeyWithValue("ui:test:Other", ContainSubstring("no manifest entry leads to it")))
	})

	ginkgo.It("refuses a class that is registered twice", func() {
		Expect(func() { Register("ui", "test:Plain", nil) }).To(PanicWith(ContainSubstring("registered twice")))
	})

	ginkgo.It("names a manifest that cannot be read", func() {
		_, _, err := Load([]string{"/nowhere/mine.yaml"})
		Expect(err).To(MatchError(ContainSubstring("/nowhere/mine.yaml")))
	})
})

func FuzzParse(f *testing.F) {
	f.Add([]byte("ui:\n  x: {class: a, metadata: {k: [1]}}\n"))
	f.Add([]byte("schema_version: 1\ncategories: {a: {protocol: p}}\na: {b: {class: c}}"))
	f.Add([]byte("? [a]\n: b"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if m, _, err := Parse("f.yaml", data, categories()); err == nil {
			merge([]*Manifest{builtinManifest(), m})
		}
	})
}
