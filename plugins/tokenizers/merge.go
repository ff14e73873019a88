package tokenizers

// merger turns one piece into token ids: it starts from single bytes and joins the
// neighbours with the smallest rank until no two can be joined. It is scratch space
// and belongs to one goroutine at a time.
type merger struct {
	starts []int32 // short pieces: where each part begins, the end last
	ranks  []int32 // rank of joining a part with the next

	// Long pieces.
	next, prev []int32
	queue      joins
}

const noRank = int32(1<<31 - 1)

// shortPiece is the length in bytes up to which looking at all parts for the best
// join beats a heap.
const shortPiece = 96

// each hands the ids of a piece that is no token itself to emit, in order.
func (m *merger) each(v *vocabulary, piece []byte, emit func(id int)) {
	if len(piece) <= shortPiece {
		m.short(v, piece)
	} else {
		m.long(v, piece)
	}
	for k := 0; k+1 < len(m.starts); k++ {
		emit(v.find(piece[m.starts[k]:m.starts[k+1]]))
	}
}

// short leaves the borders of the piece's tokens in m.starts.
func (m *merger) short(v *vocabulary, piece []byte) {
	starts, ranks := m.starts[:0], m.ranks[:0]
	for i := range len(piece) + 1 {
		starts = append(starts, int32(i))
	}
	join := func(k int) int32 {
		if k+2 >= len(starts) {
			return noRank
		}
		return rank(v, piece, starts[k], starts[k+2])
	}
	for k := range len(piece) {
		ranks = append(ranks, join(k))
	}
	for len(ranks) > 1 {
		best := 0
		for k, r := range ranks {
			if r < ranks[best] {
				best = k
			}
		}
		if ranks[best] == noRank {
			break
		}
		starts = append(starts[:best+1], starts[best+2:]...)
		ranks = append(ranks[:best+1], ranks[best+2:]...)
		ranks[best] = join(best)
		if best > 0 {
			ranks[best-1] = join(best - 1)
		}
	}
	m.starts, m.ranks = starts, ranks
}

// long does the same in O(n log n): parts are a linked list, possible joins a heap.
// A join is out of date when one of its parts has grown since; it is then skipped.
func (m *merger) long(v *vocabulary, piece []byte) {
	n := int32(len(piece))
	m.next, m.prev, m.queue = m.next[:0], m.prev[:0], m.queue[:0]
	for i := range n {
		m.next, m.prev = append(m.next, i+1), append(m.prev, i-1)
	}
	for i := range n {
		m.offer(v, piece, i)
	}
	for len(m.queue) > 0 {
		j := m.queue.pop()
		from, end := j.place(), int32(j.a)
		mid := m.next[from]
		if mid == gone || mid >= n || m.next[mid] != end {
			continue
		}
		m.next[from] = end
		m.next[mid] = gone
		if end < n {
			m.prev[end] = from
		}
		m.offer(v, piece, from)
		if p := m.prev[from]; p >= 0 {
			m.offer(v, piece, p)
		}
	}
	m.starts = m.starts[:0]
	for i := int32(0); i < n; i = m.next[i] {
		m.starts = append(m.starts, i)
	}
	m.starts = append(m.starts, n)
}

// offer puts the join of a part with its successor into the heap.
func (m *merger) offer(v *vocabulary, piece []byte, from int32) {
	mid := m.next[from]
	if int(mid) >= len(piece) {
		return
	}
	if r := rank(v, piece, from, m.next[mid]); r != noRank {
		m.queue.push(rankedAt(uint32(r), uint32(from), uint32(m.next[mid]), 0))
	}
}

func rank(v *vocabulary, piece []byte, from, end int32) int32 {
	if id := v.find(piece[from:end]); id >= 0 {
		return int32(id)
	}
	return noRank
}

// gone marks a part that was joined to the one before it.
const gone = int32(-1)
