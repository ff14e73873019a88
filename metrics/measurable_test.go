package metrics

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("a load beside what the machine can measure", func(l Load, want string) {
	l.Unit = "requests/s"
	q := Quality{}
	q.Judge(Conditions{Complete: true, Loads: []Load{l}})
	if want == "" {
		Expect(q.Verdict).To(Equal(VerdictGood))
		Expect(q.Reasons).To(BeEmpty())
		return
	}
	Expect(q.Verdict).To(Equal(VerdictDegraded))
	Expect(q.Reasons).To(HaveExactElements(HavePrefix(want)))
},
	Entry("well within", Load{Asked: 500, Max: 1000, FailedAt: 1400}, ""),
	Entry("between the last good and the first bad one nobody knows", Load{Asked: 1399, Max: 1000, FailedAt: 1400}, ""),
	Entry("at one that was bad", Load{Asked: 1400, Max: 1000, FailedAt: 1400}, "1400 requests/s are 1.4x what this machine can measure (1000"),
	Entry("far beyond", Load{Asked: 3000, Max: 1000, FailedAt: 1400}, "3000 requests/s are 3.0x what this machine can measure (1000"),
	Entry("no bad one was met: beyond the ladder nobody knows", Load{Asked: 1e6, Max: 1000}, ""),
	Entry("no good one was met", Load{Asked: 300, FailedAt: 250}, "300 requests/s are beyond what this machine can measure (less than 250"),
	Entry("below a first load that was bad", Load{Asked: 200, FailedAt: 250}, ""),
)

var _ = Describe("SpreadOf", func() {
	It("interpolates", func() {
		Expect(SpreadOf([]float64{3, 1, 2})).To(Equal(&Spread{P50: 2, P99: 2.98, Max: 3}))
	})
	It("is absent for nothing", func() { Expect(SpreadOf(nil)).To(BeNil()) })
})
