package records

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
)

var _ = Describe("the error summary", func() {
	DescribeTable("which errors are the same",
		func(a, b *messages.ErrorDetails, same bool) {
			g := errorGroups{}
			g.add(a)
			g.add(b)
			Expect(len(g) == 1).To(Equal(same))
			Expect(g.summary()[0].Details).To(Equal(*a), "one sample is kept as it came")
		},
		Entry("numbers differ", messages.NewError("T", "after 12 ms"), messages.NewError("T", "after 9 ms"), true),
		Entry("ids differ", messages.NewError("T", "id 123e4567-e89b-12d3-a456-426614174000"), messages.NewError("T", "id 00000000-aaaa-bbbb-cccc-0123456789ab"), true),
		Entry("words differ: not the same", messages.NewError("T", "refused"), messages.NewError("T", "reset"), false),
		Entry("types differ: not the same", messages.NewError("A", "x"), messages.NewError("B", "x"), false),
		Entry("codes differ: not the same", messages.NewError("T", "x").WithCode(500), messages.NewError("T", "x").WithCode(503), false),
		Entry("one without a code: not the same", messages.NewError("T", "x"), messages.NewError("T", "x").WithCode(0), false),
	)

	It("is ordered by count, then code, type and message", func() {
		g := errorGroups{}
		for _, e := range []*messages.ErrorDetails{
			messages.NewError("B", "b").WithCode(500), messages.NewError("A", "b"), messages.NewError("A", "a"), messages.NewError("C", "c"), messages.NewError("C", "c"),
		} {
			g.add(e)
		}
		var order []string
		for _, c := range g.summary() {
			order = append(order, c.Details.Error())
		}
		Expect(order).To(Equal([]string{"C: c", "A: a", "A: b", "B: b"}))
	})

	It("has at most 100 entries, the rest under one, and loses no count", func() {
		g := errorGroups{}
		for i := range 3000 {
			g.add(messages.NewError("T", strings.Repeat("x", i)))
			if i < 150 {
				g.add(messages.NewError("T", strings.Repeat("x", i)))
			}
		}
		all := errorGroups{}
		all.mergeAll(g)
		all.mergeAll(errorGroups{})
		s := all.summary()
		Expect(s).To(HaveLen(maxErrorEntries))
		Expect(s[99].Details.Message).To(Equal("other"))
		total := int64(0)
		for _, c := range s {
			total += c.Count
		}
		Expect(total).To(BeEquivalentTo(3150))
	})
})

var _ = DescribeTable("ranges of ids",
	func(ids []int64, want string) { Expect(ranges(ids, 3)).To(Equal(want)) },
	Entry("none", nil, ""),
	Entry("one", []int64{4}, "4"),
	Entry("neighbours and loners", []int64{1, 2, 3, 7, 9, 10}, "1-3, 7, 9-10"),
	Entry("too many", []int64{1, 3, 5, 7, 8}, "1, 3, 5, …"),
)

var _ = Describe("masking", func() {
	It("leaves a text without numbers alone", func() {
		Expect(maskVariable("connection refused")).To(Equal("connection refused"))
	})
	It("masks every number", func() {
		Expect(maskVariable(fmt.Sprintf("%d of %d", 1, 20))).To(Equal("# of #"))
	})
})
