package tokenizers

// ranked is a possible join of two neighbours. What a and b are is the business of who
// pushes it: they tell whether the join is out of date when its turn comes.
type ranked struct {
	order uint64 // rank << 32 | place: the smallest rank first, then the leftmost
	a, b  uint32
}

func rankedAt(rank, place uint32, a, b uint32) ranked {
	return ranked{uint64(rank)<<32 | uint64(place), a, b}
}

func (r ranked) place() int32 { return int32(uint32(r.order)) }

// joins is a binary heap of them. The standard library's would put every entry into an
// interface.
type joins []ranked

func (q *joins) push(j ranked) {
	h := append(*q, j)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if j.order >= h[up].order {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = j
	*q = h
}

func (q *joins) pop() ranked {
	h := *q
	first, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	for i := 0; len(h) > 0; {
		down := 2*i + 1
		if down+1 < len(h) && h[down+1].order < h[down].order {
			down++
		}
		if down >= len(h) || h[down].order >= last.order {
			h[i] = last
			break
		}
		h[i] = h[down]
		i = down
	}
	return first
}
