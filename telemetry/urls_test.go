package telemetry

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("the URL of a metrics page", func(raw, want, display string) {
	got, err := NormaliseURL(raw)
	if want == "" {
		Expect(err).To(MatchError(ContainSubstring(display)))
		return
	}
	Expect(err).NotTo(HaveOccurred())
	Expect(got).To(Equal(want))
	Expect(NormaliseURL(got)).To(Equal(got), "it is stable")
	Expect(DisplayURL(got)).To(Equal(display))
},
	Entry("host and port", "n1:9400", "http://n1:9400/metrics", "n1:9400"),
	Entry("a trailing slash", "http://n1:9400/", "http://n1:9400/metrics", "n1:9400"),
	Entry("the page itself", "http://n1:9400/metrics", "http://n1:9400/metrics", "n1:9400"),
	Entry("a path", "https://n1/gpu/", "https://n1/gpu/metrics", "n1/gpu"),
	Entry("spaces around", " n1:9400 ", "http://n1:9400/metrics", "n1:9400"),
	Entry("an IPv6 address", "[::1]:9400", "http://[::1]:9400/metrics", "[::1]:9400"),
	Entry("credentials are not shown", "http://u:p@n1:9400", "http://u:p@n1:9400/metrics", "n1:9400"),
	Entry("another scheme", "ftp://n1", "", "want http or https"),
	Entry("no host", "http:///metrics", "", "no host"),
	Entry("nothing", "", "", "no host"),
	Entry("no URL at all", "http://a b", "", "not a URL"),
)

var _ = It("shows local sources with their scheme", func() {
	Expect(DisplayURL("pynvml://localhost")).To(Equal("pynvml://localhost"))
})

var _ = It("has every field once, with a unit", func() {
	seen := map[string]bool{}
	for _, f := range Fields() {
		Expect(seen[f.Name]).To(BeFalse(), f.Name)
		seen[f.Name] = true
		Expect(f.Unit).NotTo(BeEmpty())
		Expect(f.Scale).To(BeNumerically(">", 0))
		Expect(f.Kind).To(BeElementOf(Gauge, Counter))
	}
	Expect(Fields()).To(HaveLen(12))
})
