package worker

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/plugins/transports"
)

// until sends the request and then waits for the end of ctx, whose cause is the failure.
func until(ctx context.Context, r *transports.Request, x *transports.Exchange) {
	if r.Sent != nil {
		r.Sent(clock.Now())
	}
	<-ctx.Done()
	x.Cancelled, x.Error = true, transports.CancelledError()
	if cut, ok := context.Cause(ctx).(*messages.ErrorDetails); ok {
		x.Error = cut
	}
}

var _ = Describe("a client that hangs up on purpose", func() {
	cut := func(id int64, after time.Duration) messages.Credit {
		c := credit(id)
		ns := int64(after)
		c.CancelAfterNS = &ns
		return c
	}

	It("does so at once after sending: a cancelled record, and a return that is neither cancelled nor an error", func() {
		b := newBench(prepared(), nil)
		b.server.answer = until
		records, returns := b.ask(cut(1, 0))
		Expect(records[0].CancellationPerfNS).To(Equal(records[0].EndPerfNS))
		Expect(records[0].Error.Type).To(Equal("RequestCancellationError"))
		Expect(*records[0].Error.Code).To(BeEquivalentTo(499))
		Expect(records[0].Error.Message).To(Equal("Request cancelled 0.000s after being sent"))
		Expect(returns[0].Disconnected).To(BeTrue())
		Expect(returns[0].Cancelled).To(BeFalse())
		Expect(returns[0].Error).To(BeEmpty())
		Expect(b.stats().Failed).To(BeZero())
		Expect(b.warned).To(BeEmpty())
	})

	It("does so the delay after sending, by the precise clock", func() {
		b := newBench(prepared(), nil)
		b.server.answer = until
		b.accept([]messages.Credit{cut(1, 250*time.Millisecond)}, clock.Now())
		Eventually(b.gate.waits).Should(Equal(1))
		sent := b.server.requests()[0].at
		Expect(b.gate.waiting[0]).To(BeNumerically(">=", sent.Add(250*time.Millisecond)))
		Expect(b.ends.returned()).To(BeZero())
		close(b.gate.open)
		b.running.Wait()
		_, returns := b.ends.all()
		Expect(returns[0].Disconnected).To(BeTrue())
	})

	It("lets an answer win that is complete before", func() {
		b := newBench(prepared(), nil)
		answer := b.server.answer
		b.server.answer = func(ctx context.Context, r *transports.Request, x *transports.Exchange) {
			r.Sent(clock.Now())
			answer(ctx, r, x)
		}
		records, returns := b.ask(cut(1, time.Hour))
		Expect(records[0].Error).To(BeNil())
		Expect(records[0].CancellationPerfNS).To(BeZero())
		Expect(returns[0].Disconnected).To(BeFalse())
		b.running.Wait() // its clock has stopped too
	})

	It("is not what the end of the phase does", func() {
		b := newBench(prepared(), nil)
		b.server.answer = until
		b.accept([]messages.Credit{cut(1, time.Hour)}, clock.Now())
		Eventually(b.gate.waits).Should(Equal(1))
		b.cancel([][2]int64{{1, 1}})
		b.running.Wait()
		_, returns := b.ends.all()
		Expect(returns[0].Cancelled).To(BeTrue())
		Expect(returns[0].Disconnected).To(BeFalse())
	})
})
