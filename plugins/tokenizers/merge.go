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
		mid := m.next[j.from]
		if mid == gone || mid >= n || m.next[mid] != j.end {
			continue
		}
		m.next[j.from] = j.end
		m.next[mid] = gone
		if j.end < n {
			m.prev[j.end] = j.from
		}
		m.offer(v, piece, j.from)
		if p := m.prev[j.from]; p >= 0 {
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
		m.queue.push(join{rank: r, from: from, end: m.next[mid]})
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

// join is a possible merge of the part at from with its successor, up to end.
type join struct{ rank, from, end int32 }

func (j join) before(k join) bool { return j.rank < k.rank || j.rank == k.rank && j.from < k.from }

// joins is a binary heap: smallest rank first, then leftmost. The standard library's
// would put every entry into an interface.
type joins []join

func (q *joins) push(j join) {
	h := append(*q, j)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !j.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = j
	*q = h
}

func (q *joins) pop() join {
	h := *q
	first, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	for i := 0; len(h) > 0; {
		down := 2*i + 1
		if down+1 < len(h) && h[down+1].before(h[down]) {
			down++
		}
		if down >= len(h) || !h[down].before(last) {
			h[i] = last
			break
		}
		h[i] = h[down]
		i = down
	}
	return first
}
