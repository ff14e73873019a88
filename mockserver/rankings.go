package mockserver

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// rank answers with an order of the passages that depends on the body alone. list is the
// key of the ranked passages, score that of the figure they are ranked by; with an empty
// list the answer is the bare list.
//
//	latency = base + per_input·passages        [ms]
func (s *Server) rank(list, score string) func(*call) {
	return func(c *call) {
		if c.req.passages == 0 {
			c.refuse(http.StatusBadRequest, "there must be passages to rank: passages, texts or documents")
			return
		}
		t := s.timing.Load()
		if !s.wait(c, c.arrival.Add(milliseconds(t.embeddingBaseMS+t.embeddingPer*float64(c.req.passages)))) {
			return
		}
		seed := uint64(len(c.body))
		order := make([]int, c.req.passages)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(component(seed, a), component(seed, b)) })
		var b []byte
		if list != "" {
			b = append(b, `{"`+list+`":`...)
		}
		b = append(b, '[')
		for place, i := range order {
			if place > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"index":`...)
			b = strconv.AppendInt(b, int64(i), 10)
			b = append(b, `,"`+score+`":`...)
			b = strconv.AppendFloat(b, 1-float64(place)/float64(len(order)), 'g', 6, 64)
			b = append(b, '}')
		}
		b = append(b, ']')
		if list != "" {
			b = append(b, `,"usage":{"prompt_tokens":`...)
			b = strconv.AppendInt(b, int64(c.promptTokens), 10)
			b = append(b, `,"total_tokens":`...)
			b = strconv.AppendInt(b, int64(c.promptTokens), 10)
			b = append(b, "}}"...)
		}
		c.whole(b, 0)
	}
}
