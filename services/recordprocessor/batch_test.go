package recordprocessor

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
)

var _ = Describe("batch", func() {
	It("holds every record with its own metrics until they are sent, and is empty then", func() {
		e := newFixture().engine()
		var b batch
		for i := range maxBatch {
			raw := answer(delta("a b c"), delta(" d"))
			raw.Credit.ID = int64(i)
			Expect(b.full()).To(BeFalse())
			b.add(e, raw)
		}
		Expect(b.full()).To(BeTrue())
		Expect(b.send(func(m messages.Message) error {
			records := m.(*messages.MetricRecords).Records
			Expect(records).To(HaveLen(maxBatch))
			for i, rec := range records {
				Expect(rec.Metadata.SessionNum).To(BeEquivalentTo(i))
				Expect(numbers(rec)).To(HaveKeyWithValue("output_sequence_length", 4.0))
			}
			return nil
		})).To(Succeed())
		Expect(b.len()).To(BeZero())
		Expect(b.send(func(messages.Message) error { panic("an empty batch is not sent") })).To(Succeed())
	})
})
