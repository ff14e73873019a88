package metrics

import (
	"encoding/binary"
	"math"
	"slices"
)

// maxCollected is how many numbers of lists are collected and sorted; more are counted
// where they lie.
const maxCollected = 1 << 18

// describeLists is the distribution of all numbers in the selected rows' lists, without
// a copy of them: percentiles are as exact as from the sorted sample.
//
// Each pass over the lists counts one digit of 16 bits of the numbers that agree with a
// wanted rank in all digits before; narrow numbers have two digits, others four.
func (s *sampler) describeLists(d *Declaration) (out distribution, ok bool) {
	sel := newDigitSelect(s.store.lists[d.id].wide)
	first := s.countLists(d, sel, 0)
	if first.n == 0 {
		return out, false
	}
	out.n = int64(first.n)
	out.sum, out.min, out.max = first.sum.value(), first.min, first.max
	out.avg = min(max(out.sum/float64(out.n), out.min), out.max)
	sel.want(first.n)
	for level := 1; level < sel.levels; level++ {
		pass := s.countLists(d, sel, out.avg)
		out.std = math.Sqrt(pass.squares.value() / float64(out.n))
		sel.refine()
	}
	for i, q := range percentiles {
		rank := q / 100 * float64(first.n-1)
		low := uint64(rank)
		high := min(low+1, first.n-1)
		a, b := sel.value(low), sel.value(high)
		out.quantiles[i] = a + (rank-float64(low))*(b-a)
	}
	return out, true
}

// listPass is what one pass over the lists finds beside the digits.
type listPass struct {
	n            uint64
	sum, squares compensated
	min, max     float64
	counts       []*[digitBuckets]uint32

	whole  uint64  // part of sum: narrow numbers add up exactly
	square float64 // part of squares
}

// addNarrow adds a list of 4-byte numbers.
//
// hot: once per gap and pass.
func (p *listPass) addNarrow(g gapList, sel *digitSelect, mean float64, counts []*[digitBuckets]uint32) {
	b := g.bytes
	lowest, highest, sum, squares := uint32(math.MaxUint32), uint32(0), uint64(0), 0.0
	for ; len(b) >= 4; b = b[4:] {
		u := binary.LittleEndian.Uint32(b)
		off := float64(u) - mean
		squares += off * off
		sum += uint64(u)
		lowest, highest = min(lowest, u), max(highest, u)
		sel.count(uint64(u), counts)
	}
	if n := g.len(); n > 0 {
		p.n += uint64(n)
		p.whole += sum
		p.square += squares
		p.min, p.max = min(p.min, float64(lowest)), max(p.max, float64(highest))
	}
}

// addWide adds a list of any numbers.
func (p *listPass) addWide(g gapList, sel *digitSelect, mean float64, counts []*[digitBuckets]uint32) {
	for k := range g.len() {
		v := g.at(k)
		p.n++
		p.sum.add(v)
		p.squares.add((v - mean) * (v - mean))
		p.min, p.max = min(p.min, v), max(p.max, v)
		sel.count(orderedBits(v), counts)
	}
}

// countLists makes a pass; each chunk of rows is one piece of work. The counts of the
// digits go into sel.
func (s *sampler) countLists(d *Declaration, sel *digitSelect, mean float64) listPass {
	type helper struct {
		sampler *sampler
		listPass
	}
	var helpers []*helper
	made := make(chan *helper, maxHelpers)
	parts := make([]listPass, s.store.chunks()) // sums by chunk: the same however many helpers there are
	parallel(s.store.chunks(), func() *helper {
		h := &helper{sampler: s.summary.sampler()}
		for range sel.open {
			h.counts = append(h.counts, new([digitBuckets]uint32))
		}
		made <- h
		return h
	}, func(h *helper, chunk int) {
		p := listPass{min: math.Inf(1), max: math.Inf(-1)}
		h.sampler.view.turn(chunk)
		for i, phase := range h.sampler.view.phases {
			if !h.sampler.selected[phase] {
				continue
			}
			g := h.sampler.view.list(d, chunk*chunkRows+i)
			if sel.narrow {
				p.addNarrow(g, sel, mean, h.counts)
			} else {
				p.addWide(g, sel, mean, h.counts)
			}
		}
		p.sum.add(float64(p.whole))
		p.squares.add(p.square)
		parts[chunk] = p
	})
	close(made)
	for h := range made {
		helpers = append(helpers, h)
	}
	total := listPass{min: math.Inf(1), max: math.Inf(-1)}
	for i := range parts {
		p := &parts[i]
		total.n += p.n
		total.sum.add(p.sum.value())
		total.squares.add(p.squares.value())
		total.min, total.max = min(total.min, p.min), max(total.max, p.max)
	}
	for _, h := range helpers {
		sel.add(h.counts)
	}
	return total
}

const (
	digitBits    = 16
	digitBuckets = 1 << digitBits
)

// digitSelect finds numbers by their rank, one digit of their keys per pass: keys have
// the order of the numbers.
type digitSelect struct {
	levels int
	narrow bool
	root   *digitNode
	open   []*digitNode // nodes that the current pass counts for
	ranks  []uint64     // wanted, ascending
}

// digitNode stands for the numbers that share the digits before it.
type digitNode struct {
	prefix   uint64
	below    uint64 // numbers smaller than any of it
	depth    int
	number   int                  // in open, while it is counted
	counts   [digitBuckets]uint64 // by the next digit
	children []*digitNode         // those with a wanted rank; nil: not looked for yet
	child    [digitBuckets]uint8  // by the next digit: the place in children plus 1; 0 = none
}

func newDigitSelect(wide bool) *digitSelect {
	s := &digitSelect{levels: 2, narrow: true, root: &digitNode{}}
	if wide {
		s.levels, s.narrow = 4, false
	}
	s.open = []*digitNode{s.root}
	return s
}

func (s *digitSelect) digit(key uint64, depth int) uint64 {
	return key >> (digitBits * (s.levels - 1 - depth)) & (digitBuckets - 1)
}

// count adds a key to the counts of the node that is open for it, if there is one.
//
// hot: once per gap and pass.
func (s *digitSelect) count(key uint64, counts []*[digitBuckets]uint32) {
	n := s.root
	for depth := 0; ; depth++ {
		digit := s.digit(key, depth)
		if n.children == nil {
			counts[n.number][digit]++
			return
		}
		i := n.child[digit]
		if i == 0 {
			return
		}
		n = n.children[i-1]
	}
}

// add adds what a helper counted to the open nodes.
func (s *digitSelect) add(counts []*[digitBuckets]uint32) {
	for i, n := range s.open {
		for digit, c := range counts[i] {
			n.counts[digit] += uint64(c)
		}
	}
}

// want opens the nodes that hold the ranks of all percentiles of n numbers.
func (s *digitSelect) want(n uint64) {
	for _, q := range percentiles {
		low := uint64(q / 100 * float64(n-1))
		s.ranks = append(s.ranks, low, min(low+1, n-1))
	}
	slices.Sort(s.ranks)
	s.ranks = slices.Compact(s.ranks)
	s.refine()
}

// refine opens, in place of the nodes counted so far, those one digit deeper that hold a
// wanted rank. At the last digit it opens nothing.
func (s *digitSelect) refine() {
	var deeper []*digitNode
	for _, n := range s.open {
		if n.depth == s.levels-1 {
			continue
		}
		n.children = []*digitNode{} // at most one for each rank
		below := n.below
		for digit, c := range n.counts {
			from, to := below, below+c
			below = to
			if i, _ := slices.BinarySearch(s.ranks, from); c == 0 || i == len(s.ranks) || s.ranks[i] >= to {
				continue
			}
			child := &digitNode{prefix: n.prefix<<digitBits | uint64(digit), below: from, depth: n.depth + 1, number: len(deeper)}
			n.children = append(n.children, child)
			n.child[digit] = uint8(len(n.children))
			deeper = append(deeper, child)
		}
	}
	if len(deeper) > 0 {
		s.open = deeper
	}
}

// value is the number of a wanted rank, when all digits are counted.
func (s *digitSelect) value(rank uint64) float64 {
	for i := len(s.open) - 1; ; i-- {
		n := s.open[i]
		if n.below > rank {
			continue
		}
		below := n.below
		for digit, c := range n.counts {
			if below += c; below > rank {
				return s.number(n.prefix<<digitBits | uint64(digit))
			}
		}
		panic("metrics: a rank that nobody wanted")
	}
}

func (s *digitSelect) number(key uint64) float64 {
	if s.narrow {
		return float64(key)
	}
	return fromOrderedBits(key)
}
