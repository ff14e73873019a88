package timing

import (
	"cmp"
	"slices"
)

// idRanges is a set of credit ids as ranges [first, last]. Ids come in nearly in
// order, so it stays short.
type idRanges [][2]int64

// add puts an id in; each id is added at most once.
func (r *idRanges) add(id int64) {
	if n := len(*r); n > 0 && (*r)[n-1][1]+1 == id {
		(*r)[n-1][1] = id
		return
	}
	*r = append(*r, [2]int64{id, id})
}

// merged returns the ranges in order, joined where they touch.
func (r idRanges) merged() [][2]int64 {
	slices.SortFunc(r, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	var out [][2]int64
	for _, span := range r {
		if n := len(out); n > 0 && out[n-1][1]+1 >= span[0] {
			out[n-1][1] = max(out[n-1][1], span[1])
			continue
		}
		out = append(out, span)
	}
	return out
}
