package metrics

import (
	"encoding/json"
	"os"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// registered is a metric as AIPerf (Python) 0.13.0 declares it.
type registered struct {
	Tag         string
	Header      string
	Short       *string `json:"short_header"`
	HideUnit    bool    `json:"short_header_hide_unit"`
	Unit        string
	DisplayUnit string `json:"display_unit"`
	Flags       []string
	Type        string
	ValueType   string `json:"value_type"`
	Required    []string
	Optional    []string
	Order       *int   `json:"display_order"`
	Group       string `json:"console_group"`
}

func loadRegistry() (registry, injected []registered) {
	raw, err := os.ReadFile("testdata/registry.json")
	if err != nil {
		panic(err)
	}
	var file struct{ Metrics, Injected []registered }
	if err := json.Unmarshal(raw, &file); err != nil {
		panic(err)
	}
	return file.Metrics, file.Injected
}

// ours are the metrics that AIPerf (Python) does not have.
var ours = []string{
	"cancelled_request_count", "start_delay", "send_wait", "send_delay",
	"timer_lateness", "scheduled_time_to_first_token", "scheduled_request_latency", "adj_effective_latency",
}

func tags(metrics []*Declaration) []string {
	list := []string{}
	for _, d := range metrics {
		list = append(list, d.Tag)
	}
	slices.Sort(list)
	return list
}

var _ = Describe("Declarations", func() {
	registry, injected := loadRegistry()

	for _, want := range registry {
		d, ok := Find(want.Tag)
		if !ok {
			continue
		}
		It("agree with the registry on "+want.Tag, func() {
			Expect(d.Header).To(Equal(want.Header))
			if want.Short != nil {
				Expect(d.ShortHeader).To(Equal(*want.Short))
			}
			Expect(d.HideUnit).To(Equal(want.HideUnit))
			Expect(string(d.Unit)).To(Equal(want.Unit))
			Expect(string(d.DisplayUnit)).To(Equal(want.DisplayUnit))
			if d.Tag == "goodput" { // more of it is better
				want.Flags = append(want.Flags, "LARGER_IS_BETTER")
			}
			Expect(d.Flags.Names()).To(ConsistOf(want.Flags))
			Expect(string(d.Kind)).To(Equal(want.Type))
			if d.Tag != "good_request_count" { // 0 or 1 in AIPerf's files too, whatever its declaration says
				Expect(d.Integer).To(Equal(want.ValueType == "int" || want.ValueType == "list[int]"))
			}
			Expect(d.List).To(Equal(want.ValueType == "list[int]"))
			Expect(string(d.Group)).To(Equal(want.Group))
			order := 0
			if want.Order != nil {
				order = *want.Order
			}
			Expect(d.Order).To(Equal(order))
			if d.Tag == "usage_discrepancy_count" {
				// One available difference is enough for us.
				Expect(tags(d.RequiresAny)).To(ConsistOf(want.Required))
				return
			}
			Expect(tags(d.Requires)).To(ConsistOf(want.Required))
			Expect(tags(d.Optional)).To(ConsistOf(want.Optional))
		})
	}

	for _, want := range injected {
		d, ok := Find(want.Tag)
		if !ok {
			continue
		}
		It("agree on the injected "+want.Tag, func() {
			shown := want.DisplayUnit
			if shown == "" {
				shown = want.Unit
			}
			Expect(d.Kind).To(Equal(KindInjected))
			Expect(d.Header).To(Equal(want.Header))
			Expect(string(d.DisplayUnit)).To(Equal(shown))
			Expect(string(d.Group)).To(Equal(want.Group))
		})
	}

	It("hold nothing else but our own", func() {
		var extra []string
		for _, d := range All() {
			known := func(r registered) bool { return r.Tag == d.Tag }
			if !slices.ContainsFunc(registry, known) && !slices.ContainsFunc(injected, known) {
				extra = append(extra, d.Tag)
			}
		}
		Expect(extra).To(ConsistOf(ours))
	})

	It("come after everything they need", func() {
		for _, d := range All() {
			for _, n := range d.needs() {
				Expect(n.id).To(BeNumerically("<", d.id), "%s needs %s", d.Tag, n.Tag)
			}
		}
	})

	It("have one formula each, or none when an analysis puts their results in", func() {
		for _, d := range All() {
			set := 0
			for _, is := range []bool{d.measure != nil, d.measureList != nil, d.follow != nil, d.derive != nil, d.sumOf != nil} {
				if is {
					set++
				}
			}
			want := 1
			if d.Kind == KindInjected {
				want = 0
			}
			Expect(set).To(Equal(want), d.Tag)
			Expect(d.Formula).NotTo(BeEmpty(), d.Tag)
		}
	})

	DescribeTable("refuse a mistake", func(d Declaration, reason string) {
		Expect(func() { declare(d) }).To(PanicWith(ContainSubstring(reason)))
	},
		Entry("a tag that exists", Declaration{Tag: "request_latency", Header: "x", Unit: Tokens, Family: "x"}, "declared twice"),
		Entry("no unit", Declaration{Tag: "x", Header: "x", Family: "x"}, "required"),
		Entry("units that do not convert", Declaration{Tag: "x", Header: "x", Family: "x", Unit: Tokens, DisplayUnit: Seconds}, "does not convert"),
		Entry("a record metric on a derived one", Declaration{Tag: "x", Header: "x", Family: "x", Unit: Tokens, Kind: KindRecord, Requires: []*Declaration{totalISL}}, "may not need"),
		Entry("a requirement that is none", Declaration{Tag: "x", Header: "x", Family: "x", Unit: Tokens, Requires: []*Declaration{nil}}, "not declared"),
	)
})

var _ = Describe("Units", func() {
	DescribeTable("convert", func(v float64, from, to Unit, want float64) {
		got, ok := Convert(v, from, to)
		Expect(ok).To(BeTrue())
		Expect(got).To(Equal(want))
	},
		Entry("nanoseconds to milliseconds, correctly rounded", 117532273.0, Nanoseconds, Milliseconds, 117.532273),
		Entry("down", 1.5, Seconds, Milliseconds, 1500.0),
		Entry("bytes by 1024", 1536.0, Bytes, Kilobytes, 1.5),
		Entry("a unit without relatives to itself", 3.0, Tokens, Tokens, 3.0),
	)

	It("stay as they are when unrelated", func() {
		got, ok := Convert(7, Tokens, Seconds)
		Expect(ok).To(BeFalse())
		Expect(got).To(Equal(7.0))
	})

	It("show a value of a record", func() {
		v, unit := Display("time_to_first_token", 2_500_000)
		Expect(v).To(Equal(2.5))
		Expect(unit).To(Equal("ms"))
		v, unit = Display("no_such_metric", 4)
		Expect(v).To(Equal(4.0))
		Expect(unit).To(BeEmpty())
	})
})

var _ = Describe("Flags", func() {
	It("are tested as sets", func() {
		f := StreamingTokensOnly | LargerIsBetter
		Expect(f.HasAll(StreamingOnly | ProducesTokensOnly)).To(BeTrue())
		Expect(f.HasAll(StreamingOnly | Internal)).To(BeFalse())
		Expect(f.HasAny(Internal | LargerIsBetter)).To(BeTrue())
		Expect(f.HasAny(Internal)).To(BeFalse())
		Expect(f.HasNone(Internal)).To(BeTrue())
		Expect(Flags(0).HasNone(f)).To(BeTrue())
		Expect(f.String()).To(Equal("STREAMING_ONLY, PRODUCES_TOKENS_ONLY, LARGER_IS_BETTER"))
	})
})
