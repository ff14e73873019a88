package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/messages"
)

// processor is a record processor that takes batches while it is open.
type processor struct {
	mu      sync.Mutex
	open    chan struct{}
	batches [][]int64
	inHand  atomic.Int32 // batches that were handed over so far
}

func newProcessor(open bool) *processor {
	p := &processor{open: make(chan struct{})}
	if open {
		close(p.open)
	}
	return p
}

func (p *processor) Send(ctx context.Context, _ string, m messages.Message) error {
	p.inHand.Add(1)
	select {
	case <-p.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	var ids []int64
	for _, r := range m.(*messages.RawResults).Records {
		ids = append(ids, r.Credit.ID)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.batches = append(p.batches, ids)
	return nil
}

func (p *processor) ids() (all []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.batches {
		all = append(all, b...)
	}
	return all
}

func record(id int64) *item {
	it := &item{}
	it.record.Credit.ID = id
	it.measure()
	return it
}

func background() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 5*time.Second)
}

var _ = Describe("the outbox", func() {
	var o *outbox
	var mu sync.Mutex
	var recycled int
	BeforeEach(func() {
		recycled = 0
		o = newOutbox(func(*item) {
			mu.Lock()
			recycled++
			mu.Unlock()
		})
	})
	put := func(ids ...int64) (chosen []string) {
		for _, id := range ids {
			p, err := o.Put(record(id))
			Expect(err).NotTo(HaveOccurred())
			chosen = append(chosen, p)
		}
		return chosen
	}
	drained := func() int {
		ctx, cancel := background()
		defer cancel()
		return o.close(ctx)
	}
	span := func(n int64) (ids []int64) {
		for id := range n {
			ids = append(ids, id)
		}
		return ids
	}

	It("takes turns, and sends everything before it closes", func() {
		a, b := newProcessor(true), newProcessor(true)
		o.add("b", b)
		o.add("a", a)
		put(span(500)...)
		Expect(drained()).To(BeZero())
		Expect(append(a.ids(), b.ids()...)).To(ConsistOf(span(500)))
		Expect(len(a.ids())).To(BeNumerically(">", 50))
		Expect(len(b.ids())).To(BeNumerically(">", 50))
		Expect(recycled).To(Equal(500))
	})

	It("sends batches of a bounded number and size", func() {
		p := newProcessor(false)
		o.add("p", p)
		put(span(200)...)
		for id := int64(200); id < 203; id++ {
			it := record(id)
			it.size = maxBatchBytes - 1
			_, err := o.Put(it)
			Expect(err).NotTo(HaveOccurred())
		}
		close(p.open)
		Expect(drained()).To(BeZero())
		for _, batch := range p.batches {
			Expect(len(batch)).To(BeNumerically("<=", maxBatch))
		}
		Expect(p.batches[len(p.batches)-1]).To(HaveLen(1), "two large records do not share a message")
		Expect(p.ids()).To(Equal(span(203)), "in order")
	})

	It("sends a lone record soon", func() {
		p := newProcessor(true)
		o.add("p", p)
		put(1)
		Eventually(p.ids).Should(Equal([]int64{1}))
		Expect(drained()).To(BeZero())
	})

	It("prefers the shorter backlog, and waits only when all are full", func() {
		slow, fast := newProcessor(false), newProcessor(false)
		o.add("fast", fast)
		o.add("slow", slow)
		total := int64(0)
		Eventually(func() bool { // each has a batch in hand; now the queues stay as they are
			put(total)
			total++
			return slow.inHand.Load() > 0 && fast.inHand.Load() > 0
		}).Should(BeTrue())
		full := func() bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			return len(o.lanes[0].queue) == maxBacklog && len(o.lanes[1].queue) == maxBacklog
		}
		for ; !full(); total++ {
			put(total)
		}
		Expect(o.waits.Load()).To(BeZero())
		done := make(chan string)
		go func() {
			defer GinkgoRecover()
			done <- put(total)[0]
		}()
		Eventually(o.waits.Load).Should(BeEquivalentTo(1))
		Consistently(done, 20*time.Millisecond).ShouldNot(Receive())
		close(fast.open)
		Eventually(done).Should(Receive(Equal("fast")))
		close(slow.open)
		Expect(drained()).To(BeZero())
		Expect(append(fast.ids(), slow.ids()...)).To(ConsistOf(span(total + 1)))
	})

	It("gives a dead processor's records to the others", func() {
		dead, alive := newProcessor(false), newProcessor(true)
		o.add("dead", dead)
		put(span(200)...) // some are on their way, the rest waits
		Eventually(func() int {
			o.mu.Lock()
			defer o.mu.Unlock()
			return len(o.lanes[0].queue)
		}).Should(BeNumerically("<", 200))
		o.add("alive", alive)
		o.down("dead", true)
		Eventually(func() int { return len(alive.ids()) }).Should(BeNumerically(">=", 200-maxBatch))
		Expect(put(200, 201, 202)).To(Equal([]string{"alive", "alive", "alive"}), "it is passed over while it restarts")
		o.up("dead")
		close(dead.open) // back at its address
		Expect(drained()).To(BeZero())
		Expect(append(dead.ids(), alive.ids()...)).To(ConsistOf(span(203)), "none twice, none lost")
	})

	It("also what was in hand when it does not come back", func() {
		dead, alive := newProcessor(false), newProcessor(true)
		o.add("dead", dead)
		put(span(100)...)
		o.add("alive", alive)
		o.down("dead", false)
		Expect(put(100)).To(Equal([]string{"alive"}))
		Eventually(alive.ids).Should(ConsistOf(span(101)))
		Expect(drained()).To(BeZero())
	})

	It("keeps records for the only processor while that restarts", func() {
		p := newProcessor(false)
		o.add("p", p)
		o.down("p", true)
		put(span(50)...)
		close(p.open)
		Eventually(p.ids).Should(Equal(span(50)))
		Expect(drained()).To(BeZero())
	})

	It("refuses a record when the last processor is gone", func() {
		p := newProcessor(false)
		o.add("p", p)
		put(1)
		o.down("p", false)
		_, err := o.Put(record(2))
		Expect(err).To(MatchError(errNoProcessor))
		Expect(drained()).To(Equal(1), "what could not be sent is counted")
	})

	It("does not wait at the end longer than it may", func() {
		p := newProcessor(false)
		o.add("p", p)
		put(span(100)...)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		Expect(o.close(ctx)).To(Equal(100))
	})

	It("comes back to a processor by itself after a pause", func() {
		a, b := newProcessor(true), newProcessor(true)
		o.add("a", a)
		o.add("b", b)
		o.down("a", true)
		Expect(put(1, 2)).To(Equal([]string{"b", "b"}))
		o.mu.Lock()
		o.lanes[0].avoid = clock.Now()
		o.mu.Unlock()
		Expect(put(3, 4, 5, 6)).To(ContainElement("a"))
		Expect(drained()).To(BeZero())
	})
})

// channel is a return socket that takes messages while it is open.
type channel struct {
	mu      sync.Mutex
	open    chan struct{}
	batches [][]messages.CreditReturn
}

func (c *channel) Send(ctx context.Context, _ string, m messages.Message) error {
	select {
	case <-c.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches = append(c.batches, append([]messages.CreditReturn(nil), m.(*messages.CreditReturns).Returns...))
	return nil
}

var _ = Describe("the return queue", func() {
	give := func(q *returnQueue, n int) {
		for i := range n {
			q.put(messages.CreditReturn{CreditKey: messages.CreditKey{ID: int64(i)}})
		}
	}

	It("sends what piled up, in order, and everything before it closes", func() {
		c := &channel{open: make(chan struct{})}
		q := newReturnQueue(c)
		give(q, 1000)
		close(c.open)
		ctx, cancel := background()
		defer cancel()
		Expect(q.close(ctx)).To(Succeed())
		next := int64(0)
		for _, b := range c.batches {
			for _, r := range b {
				Expect(r.ID).To(Equal(next))
				next++
			}
		}
		Expect(next).To(BeEquivalentTo(1000))
		Expect(len(c.batches)).To(BeNumerically("<=", 2), "few messages carry many")
	})

	It("makes senders wait at its bound, and counts that", func() {
		c := &channel{open: make(chan struct{})}
		q := newReturnQueue(c)
		var wg sync.WaitGroup
		wg.Go(func() { give(q, 3*maxReturns) })
		Eventually(q.waits.Load).Should(BeNumerically(">=", 1))
		close(c.open)
		wg.Wait()
		ctx, cancel := background()
		defer cancel()
		Expect(q.close(ctx)).To(Succeed())
	})

	It("names the returns that it could not send", func() {
		c := &channel{open: make(chan struct{})}
		q := newReturnQueue(c)
		give(q, 10)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		Expect(q.close(ctx)).To(MatchError(ContainSubstring("CreditReturnBacklogDropped: 10 credit returns")))
	})
})
