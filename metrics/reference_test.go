package metrics

import (
	"fmt"
	"os"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const (
	referencePage   = "../docs/metrics.md"
	referenceMarker = "<!-- From here on generated from the code by `make docs`. -->\n"
)

var _ = Describe("the metrics page", func() {
	It("lists every metric as the code declares it", func() {
		page, err := os.ReadFile(referencePage)
		Expect(err).NotTo(HaveOccurred())
		prose, _, found := strings.Cut(string(page), referenceMarker)
		Expect(found).To(BeTrue(), "the page has lost its marker")
		want := prose + referenceMarker + reference()
		if *update {
			Expect(os.WriteFile(referencePage, []byte(want), 0o644)).To(Succeed())
			return
		}
		Expect(string(page)).To(Equal(want), "run `make docs`")
	})
})

// families in the order of the page; one that is missing here comes last.
var families = []string{
	familyLatency, familyLength, familyThroughput, familyCounts, familyUsage, familyUsageDiff, familyRequested,
	familyTrace, familySweeps, familyCredit, familyAdjusted, familySchedule,
}

// reference is the generated part of the page.
func reference() string {
	byFamily := map[string][]*Declaration{}
	order := slices.Clone(families)
	for _, d := range All() {
		if !slices.Contains(order, d.Family) {
			order = append(order, d.Family)
		}
		byFamily[d.Family] = append(byFamily[d.Family], d)
	}
	var b strings.Builder
	for _, family := range order {
		metrics := byFamily[family]
		slices.SortStableFunc(metrics, func(a, b *Declaration) int {
			return rank(a) - rank(b)
		})
		fmt.Fprintf(&b, "\n## %s\n\n| Tag | Name | Unit | Kind | Table | Flags | Needs | Formula |\n|---|---|---|---|---|---|---|---|\n", family)
		for _, d := range metrics {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(d.row(), " | "))
		}
	}
	return b.String()
}

// rank sorts by display order, those without one last.
func rank(d *Declaration) int {
	if d.Order == 0 {
		return 1 << 20
	}
	return d.Order
}

func (d *Declaration) row() []string {
	name, unit := d.Header, string(d.Unit)
	if d.ShortHeader != "" && d.ShortHeader != d.Header {
		name += " (" + d.ShortHeader + ")"
	}
	if d.DisplayUnit != d.Unit {
		unit += " → " + string(d.DisplayUnit)
	}
	table := string(d.Group)
	if d.Group == GroupNone {
		table = "–"
	}
	var needs []string
	for _, n := range d.Requires {
		needs = append(needs, "`"+n.Tag+"`")
	}
	for _, n := range d.RequiresAny {
		needs = append(needs, "`"+n.Tag+"` (any)")
	}
	for _, n := range d.Optional {
		needs = append(needs, "`"+n.Tag+"`?")
	}
	kind := string(d.Kind)
	if d.List {
		kind += ", list"
	}
	return []string{
		"`" + d.Tag + "`", name, unit, kind, table,
		strings.Join(d.Flags.Names(), ", "), strings.Join(needs, ", "),
		strings.ReplaceAll(d.Formula, "|", `\|`),
	}
}
