package config

import (
	"bytes"
	"os"
	"reflect"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/plugins"
)

// golden compares a generated page with the file that is checked in.
func golden(path, text string) {
	GinkgoHelper()
	if *update {
		Expect(os.WriteFile(path, []byte(text), 0o644)).To(Succeed())
		return
	}
	want, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	Expect(text).To(Equal(string(want)), "run `make docs`")
}

var _ = Describe("the table of flags", func() {
	It("is what docs/cli.md shows", func() { golden("../docs/cli.md", FlagsReference(plugins.Builtin())) })

	It("names every flag once, in a group, with a help sentence", func() {
		seen := map[string]bool{}
		for _, f := range Table() {
			for _, n := range append(append([]string{}, f.Names...), f.Short) {
				if n == "" {
					continue
				}
				Expect(seen[n]).To(BeFalse(), n)
				seen[n] = true
				Expect(laterFlags()[n]).To(BeNil(), n+" is both there and refused")
				Expect(n).To(Or(Equal(normalName(strings.ToLower(n))), HaveLen(1)))
			}
			Expect(Groups).To(ContainElement(f.Group), f.Name())
			Expect(f.Help).To(HaveSuffix("."), f.Name())
			Expect(f.Value.parse).NotTo(BeNil(), f.Name())
		}
	})
	It("refuses each flag of a later version once", func() {
		seen := map[string]bool{}
		for _, feature := range laterFeatures {
			for _, n := range feature.flags {
				Expect(seen[n]).To(BeFalse(), n)
				seen[n] = true
			}
		}
	})
	It("accepts the choices that it prints, and every default that is a value", func() {
		for _, f := range Table() {
			for _, choice := range f.Value.Names(plugins.Builtin()) {
				for _, spelling := range []string{choice, strings.ToUpper(choice), strings.ReplaceAll(choice, "_", "-")} {
					_, problems := ParseFlags([]string{f.Name() + "=" + spelling})
					Expect(problems).To(BeEmpty(), f.Name()+" "+spelling)
				}
			}
			if strings.Trim(f.Default, "0123456789.") == "" && f.Default != "" {
				_, problems := ParseFlags([]string{f.Name(), f.Default})
				Expect(problems).To(BeEmpty(), f.Name())
			}
		}
	})
	It("takes underscores for dashes", func() {
		flags, problems := ParseFlags([]string{"--request_count", "3"})
		Expect(problems).To(BeEmpty())
		Expect(flags.RequestCount).To(Equal(Opt[int]{3, true, "--request_count"}))
	})
	It("sets each field of the record by exactly one flag", func() {
		record := reflect.TypeFor[Flags]()
		set := map[string]string{}
		for _, f := range Table() {
			flags := &Flags{}
			word := sampleValue(f)
			Expect(f.Value.parse(flags, f.Name(), word)).To(BeEmpty(), f.Name())
			for i := range record.NumField() {
				field := record.Field(i)
				if field.IsExported() && reflect.ValueOf(*flags).Field(i).FieldByName("Set").Bool() {
					if field.Name != "Help" {
						Expect(set[field.Name]).To(BeEmpty(), field.Name)
					}
					set[field.Name] = f.Name()
				}
			}
		}
		for i := range record.NumField() {
			if field := record.Field(i); field.IsExported() {
				Expect(set).To(HaveKey(field.Name))
			}
		}
	})
	It("groups its help, and finds a group by one of its words", func() {
		text, ok := HelpText("", plugins.Builtin(), 100)
		Expect(ok).To(BeTrue())
		Expect(text).To(ContainSubstring("--concurrency INT"))
		Expect(text).NotTo(ContainSubstring("--zmq-host"))
		text, ok = HelpText("zmq", plugins.Builtin(), 100)
		Expect(ok).To(BeTrue())
		Expect(text).To(ContainSubstring("--zmq-host"))
		_, ok = HelpText("nonsense", plugins.Builtin(), 100)
		Expect(ok).To(BeFalse())
		text, _ = HelpText(HelpAll, plugins.Builtin(), 100)
		for _, f := range Table() {
			Expect(text).To(ContainSubstring(f.Name()))
		}
	})
})

// sampleValue is something that the flag accepts.
func sampleValue(f *Flag) []string {
	switch {
	case f.Value.arity == takesNone:
		return nil
	case len(f.Value.Names(plugins.Builtin())) > 0:
		return f.Value.Names(plugins.Builtin())[:1]
	case f.Value.Metavar == "NAME:VALUE", f.Value.Metavar == "METRIC:VALUE":
		return []string{"a:1"}
	case f.Value.Metavar == "PAIRS":
		return []string{"64|10,32:1;128,8:2"}
	case strings.Contains(f.Value.Metavar, "[,"), f.Value.Metavar == "RATIO":
		if f.Group != GroupAudio && f.Value.Metavar != "RATIO" {
			break
		}
		return []string{"8"}
	case f.Value.Metavar == "INT", f.Value.Metavar == "FLOAT", f.Value.Metavar == "SECONDS":
		return []string{"1"}
	}
	return []string{"/x"}
}

var _ = Describe("the table of settings", func() {
	It("is what docs/environment.md shows", func() { golden("../docs/environment.md", EnvironmentReference()) })

	It("fills every field of the environment that names a variable, once", func() {
		rows := map[string]bool{}
		for _, s := range Settings() {
			Expect(rows[s.Name]).To(BeFalse(), s.Name)
			rows[s.Name] = true
			Expect(silentSettings[s.Name]).To(BeFalse(), s.Name)
		}
		var walk func(t reflect.Type)
		walk = func(t reflect.Type) {
			for i := range t.NumField() {
				field := t.Field(i)
				if name := field.Tag.Get("env"); name != "" {
					Expect(rows[name]).To(BeTrue(), name+" has no row")
					delete(rows, name)
				}
				if field.Type.Kind() == reflect.Struct {
					walk(field.Type)
				}
			}
		}
		walk(reflect.TypeFor[Environment]())
		Expect(rows).To(BeEmpty(), "rows without a field")
	})
	It("points each row at the field that names the variable", func() {
		for _, s := range Settings() {
			var e Environment
			ptr := reflect.ValueOf(s.at(&e)).Pointer()
			Expect(tagAt(reflect.ValueOf(&e).Elem(), ptr)).To(Equal(s.Name))
		}
	})
	It("has defaults that fit", func() {
		for _, s := range Settings() {
			if s.Default == "" {
				continue
			}
			reason, _ := s.set(&Environment{}, s.Default)
			Expect(reason).To(BeEmpty(), s.Name)
		}
		_, warnings, problems := ParseEnvironment(nil)
		Expect(warnings).To(BeEmpty())
		Expect(problems).To(BeEmpty())
	})
	It("takes every word for a switch", func() {
		for word, want := range boolWords {
			e, _, problems := ParseEnvironment([]string{"AIPERF_HTTP_SSL_VERIFY=" + strings.ToUpper(word)})
			Expect(problems).To(BeEmpty())
			Expect(e.HTTP.SSLVerify).To(Equal(want))
		}
	})
	It("remembers whether the connection limit was set", func() {
		e, _, _ := ParseEnvironment([]string{"AIPERF_HTTP_CONNECTION_LIMIT=2500"})
		Expect(e.HTTP.ConnectionLimitSet).To(BeTrue())
		e, _, _ = ParseEnvironment(nil)
		Expect(e.HTTP.ConnectionLimitSet).To(BeFalse())
	})
})

// tagAt finds the env tag of the field at an address.
func tagAt(v reflect.Value, ptr uintptr) string {
	for i := range v.NumField() {
		field := v.Field(i)
		if name := v.Type().Field(i).Tag.Get("env"); name != "" && field.Addr().Pointer() == ptr {
			return name
		}
		if field.Kind() == reflect.Struct {
			if name := tagAt(field, ptr); name != "" {
				return name
			}
		}
	}
	return ""
}

var _ = Describe("the run document", func() {
	It("travels whole, with readable placeholders", func() {
		run, problems := Load(Input{Args: []string{"--model", "m", "--api-key", "sk-secret", "--request-rate", "3", "--warmup-duration", "1"}}, testHost())
		Expect(problems).To(BeEmpty())
		var b bytes.Buffer
		Expect(WriteRun(&b, run)).To(Succeed())
		Expect(b.String()).To(ContainSubstring("<redacted>"))
		back, err := ReadRun(&b)
		Expect(err).NotTo(HaveOccurred())
		Expect(back).To(Equal(run))
	})
	It("says which metrics exist", func() {
		run, problems := Load(Input{Args: []string{"--model", "m", "--streaming", "--request-rate", "3", "--use-server-token-count"},
			Env: []string{"AIPERF_DEV_MODE=1", "AIPERF_DEV_SHOW_EXPERIMENTAL_METRICS=1", "AIPERF_METRICS_USAGE_PCT_DIFF_THRESHOLD=7"}}, testHost())
		Expect(problems).To(BeEmpty())
		o := MetricOptions(run)
		Expect([]bool{o.ProducesTokens, o.TokenizesInput, o.SupportsImages, o.Streaming, o.ServerTokenCounts, o.OpenLoop, o.Experimental}).To(HaveEach(true))
		Expect(o.UsagePctDiffThreshold).To(Equal(7.0))
		run, _ = Load(Input{Args: []string{"--model", "m", "--endpoint-type", "embeddings"}}, testHost())
		o = MetricOptions(run)
		Expect([]bool{o.ProducesTokens, o.Streaming, o.OpenLoop, o.Experimental}).To(HaveEach(false))
	})
	It("shows no address of the embedded server, which is bound later", func() {
		run, problems := Load(Input{Args: []string{"--model", "m"}, MockServer: map[string]any{"ttft": 20}}, testHost())
		Expect(problems).To(BeEmpty())
		Expect(string(run.InputConfig)).NotTo(ContainSubstring("urls"))
		Expect(string(run.InputConfigOwn)).To(Equal(`{"mock_server":{"ttft":20}}`))
	})
})
