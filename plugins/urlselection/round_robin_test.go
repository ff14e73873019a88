package urlselection

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("round robin", func() {
	It("takes the URLs in turn, from the first", func() {
		s, err := NewRoundRobin(3)
		Expect(err).NotTo(HaveOccurred())
		var got []int
		for range 7 {
			got = append(got, s.Next())
		}
		Expect(got).To(Equal([]int{0, 1, 2, 0, 1, 2, 0}))
	})

	It("refuses an empty list", func() {
		_, err := NewRoundRobin(0)
		Expect(err).To(HaveOccurred())
	})
})
