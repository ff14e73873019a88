package config

import (
	"math"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("durations", func(text string, want float64) {
	got, err := ParseDuration(text)
	if math.IsNaN(want) {
		Expect(err).To(HaveOccurred())
		return
	}
	Expect(err).NotTo(HaveOccurred())
	if math.IsInf(want, 1) {
		Expect(got).To(Equal(want))
		return
	}
	Expect(got).To(BeNumerically("~", want, 1e-9))
},
	Entry("seconds", "90", 90.0),
	Entry("a fraction", "0.5", 0.5),
	Entry("an exponent", "1e2", 100.0),
	Entry("a unit", "90s", 90.0),
	Entry("minutes, with a space", "5 min", 300.0),
	Entry("hours", "1.5h", 5400.0),
	Entry("milliseconds", "250ms", 0.25),
	Entry("days, spelled out", "2 days", 172800.0),
	Entry("a compound", "1h30m", 5400.0),
	Entry("any case", "2M", 120.0),
	Entry("infinity", "inf", math.Inf(1)),
	Entry("nothing", "", math.NaN()),
	Entry("an unknown unit", "3 weeks", math.NaN()),
	Entry("a unit alone", "s", math.NaN()),
	Entry("trailing digits", "1h30", math.NaN()),
	Entry("not a number", "nan", math.NaN()),
	Entry("two points", "1.2.3s", math.NaN()),
)

var _ = DescribeTable("untyped values", func(text, want string) {
	Expect(string(coerce(text))).To(Equal(want))
},
	Entry("true", "TRUE", "true"),
	Entry("null", "none", "null"),
	Entry("a whole number", "-12", "-12"),
	Entry("zero", "0", "0"),
	Entry("a leading zero is text", "007", `"007"`),
	Entry("a fraction", "1.50", "1.50"),
	Entry("without a whole part", "-.5", "-0.5"),
	Entry("without a fraction", "2.", "2.0"),
	Entry("an exponent is text", "1e5", `"1e5"`),
	Entry("a point alone is text", ".", `"."`),
	Entry("signs stay readable", "<a&b>", `"<a&b>"`),
	Entry("nothing is text", "", `""`),
)

var _ = DescribeTable("command lines that were typed", func(want string, args ...string) {
	Expect(CommandLine(args)).To(Equal(want))
},
	Entry("values are quoted, numbers are not", "aiperf profile --model 'm' --concurrency 4", "--model", "m", "--concurrency", "4"),
	Entry("a quote inside", `aiperf profile --model 'it'\''s'`, "--model", "it's"),
	Entry("an equals sign stays", "aiperf profile --ui='none'", "--ui=none"),
	Entry("the key of the API", "aiperf profile --api-key '<redacted>'", "--api-key", "sk-1"),
	Entry("and with an equals sign", "aiperf profile --api_key='<redacted>'", "--api_key=sk-1"),
	Entry("a header", "aiperf profile -H 'Authorization:<redacted>' 'X-A:b'", "-H", "Authorization: Bearer x", "X-A:b"),
	Entry("a header in a cluster", "aiperf profile -vH 'X-Acme-Token:<redacted>'", "-vHX-Acme-Token:abc"),
	Entry("a header as JSON", `aiperf profile -H '{"Cookie":"<redacted>","A":"b"}'`, "-H", `{"Cookie":"c=1","A":"b"}`),
	Entry("a header without a colon may be the secret itself", "aiperf profile -H '<redacted>'", "-H", "sk-1234"),
	Entry("body fields", "aiperf profile --extra-inputs 'api_key:<redacted>,a:1'", "--extra-inputs", "api_key:abc,a:1"),
	Entry("a flag nobody knows", "aiperf profile --foo 'token=<redacted>'", "--foo", "token=abc"),
)

// hasSecret stands in for any credential.
const hasSecret = "s3cr3t-V4lue"

// FuzzParseFlags: nothing that is typed may crash the parser, and no message may
// repeat a secret that was typed behind a flag that holds one.
func FuzzParseFlags(f *testing.F) {
	for _, seed := range []string{
		"--model m --url http://h:1", "-vv -m a,b -Hx:y", "--extra-inputs {\"a\":1} b:[1", "--concurrency=1,2 -- x", "--api-key", "-b=-1 -u a b -5",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := append(strings.Fields(line), "--api-key", hasSecret, "-H", "Authorization:"+hasSecret, "--url", "http://u:"+hasSecret+"@h:x")
		flags, problems := ParseFlags(args)
		if flags == nil {
			t.Fatal("no record")
		}
		_, loaded := Load(Input{Args: args}, testHost())
		for _, text := range []string{problems.Error(), loaded.Error(), CommandLine(args)} {
			if strings.Contains(text, hasSecret) {
				t.Fatalf("a secret is shown: %s", text)
			}
		}
	})
}

// FuzzParseEnvironment: nothing in the environment may crash the program.
func FuzzParseEnvironment(f *testing.F) {
	f.Add("AIPERF_HTTP_CONNECTION_LIMIT", "10")
	f.Add("AIPERF_GPU_DEFAULT_DCGM_ENDPOINTS", "[\"a\"]")
	f.Fuzz(func(t *testing.T, name, value string) {
		_, _, _ = ParseEnvironment([]string{name + "=" + value})
	})
}
