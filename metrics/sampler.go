package metrics

// sampler collects and describes the values of a summary's rows. It belongs to one
// goroutine.
type sampler struct {
	*summary
	view   *view
	buffer []float64 // the sample at hand
	room   []float64 // to sort it with
}

func (s *summary) sampler() *sampler {
	return &sampler{summary: s, view: newView(s.store, s.lists)}
}

// eachRow visits the selected rows, chunk by chunk: open tells of a new chunk, row is a
// row of it.
func (s *sampler) eachRow(open func(), row func(i int)) {
	for chunk := range s.store.chunks() {
		s.view.turn(chunk)
		open()
		for i, p := range s.view.phases {
			if s.selected[p] {
				row(i)
			}
		}
	}
}

// sample collects the values of a record metric. It is valid until the next call.
func (s *sampler) sample(d *Declaration) []float64 {
	s.empty()
	if d.List {
		s.eachRow(func() {}, func(i int) {
			g := s.view.list(d, s.view.chunk*chunkRows+i)
			for k := range g.len() {
				s.buffer = append(s.buffer, g.at(k))
			}
		})
		return s.buffer
	}
	var column []float64
	s.eachRow(func() { column = s.view.column(d) }, func(i int) {
		if v := column[i]; v == v {
			s.buffer = append(s.buffer, v)
		}
	})
	return s.buffer
}

// empty makes room for a sample of one number per row.
func (s *sampler) empty() {
	if cap(s.buffer) < s.rows {
		s.buffer = make([]float64, 0, s.rows)
	}
	s.buffer = s.buffer[:0]
}

// describe is the distribution of the sample at hand, which it sorts.
func (s *sampler) describe() (d distribution, ok bool) {
	if len(s.buffer) == 0 {
		return d, false
	}
	s.room = sortFloatsWith(s.buffer, s.room)
	return describeSorted(s.buffer), true
}

// distribution is the distribution of a record metric; the sample stays at hand, unless
// it was too large to be collected.
func (s *sampler) distribution(d *Declaration) (distribution, bool) {
	if d.List && s.store.lists[d.id].count > maxCollected {
		return s.describeLists(d)
	}
	s.sample(d)
	return s.describe()
}

// total adds up the contributions of an aggregate; no value when there is none.
func (s *sampler) total(d *Declaration) (v float64, ok bool) {
	var sum compensated
	var column []float64
	s.eachRow(func() { column = s.view.column(d) }, func(i int) {
		if x := column[i]; x == x {
			sum.add(x)
			ok = true
		}
	})
	return sum.value(), ok
}
