package timing

import (
	"container/heap"

	"aiperf/clock"
)

// session is one execution of a conversation.
type session struct {
	phase        *phase
	id           string       // x_correlation_id
	seq          int64        // number in the phase
	conversation int          // number in the dataset
	turns        int          // in all
	next         int          // the turn that is sent next
	due          clock.MonoNS // of the latest turn, where users keep a pace
	url          int          // index into the URL list; −1 = the first
	slot         bool         // holds a session slot
	inFlight     bool         // a turn is under way
	ended        bool         // cut short by the loss of its worker
	// worker executes the session's turns; nil before the first is routed, and for
	// sessions of one turn.
	worker *worker
	// lastWorker is the id of the one that had the latest turn.
	lastWorker string
	kin        *kin // nil where conversations do not branch
}

// continuation is a session that waits for its next turn's instant.
type continuation struct {
	ready   clock.MonoNS // previous return plus the turn's delay
	order   int64        // of arrival, to keep ties fair
	session *session
}

// continuations are the sessions whose next turn may go, earliest first. Sessions
// that ended meanwhile are passed over.
type continuations struct {
	heap  continuationHeap
	count int64
}

func (c *continuations) push(s *session, ready clock.MonoNS) {
	c.count++
	heap.Push(&c.heap, continuation{ready, c.count, s})
}

// first returns the session that has been ready for longest, if one is ready at the
// given instant, and leaves it there.
func (c *continuations) first(at clock.MonoNS) *session {
	c.dropEnded()
	if len(c.heap) == 0 || c.heap[0].ready > at {
		return nil
	}
	return c.heap[0].session
}

// pop takes the first one out.
func (c *continuations) pop() { heap.Pop(&c.heap) }

// nextReady is when the first one is ready; never when there is none.
func (c *continuations) nextReady() clock.MonoNS {
	c.dropEnded()
	if len(c.heap) == 0 {
		return never
	}
	return c.heap[0].ready
}

// all are those that wait, in no order.
func (c *continuations) all() (out []*session) {
	for _, w := range c.heap {
		if !w.session.ended {
			out = append(out, w.session)
		}
	}
	return out
}

func (c *continuations) dropEnded() {
	for len(c.heap) > 0 && c.heap[0].session.ended {
		heap.Pop(&c.heap)
	}
}

// continuationHeap is a min-heap by instant, then by order of arrival.
type continuationHeap []continuation

func (h continuationHeap) Len() int { return len(h) }
func (h continuationHeap) Less(i, j int) bool {
	if h[i].ready != h[j].ready {
		return h[i].ready < h[j].ready
	}
	return h[i].order < h[j].order
}
func (h continuationHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *continuationHeap) Push(x any)   { *h = append(*h, x.(continuation)) }
func (h *continuationHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = continuation{}
	*h = old[:len(old)-1]
	return last
}
