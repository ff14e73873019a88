package timing

// slots bounds how many sessions are open at once. The zero value has no limit, but
// counts all the same.
type slots struct {
	limit int // 0 = none
	held  int
}

// free tells whether a slot can be had.
func (s *slots) free() bool { return s.limit == 0 || s.held < s.limit }

// take holds a slot; the caller has asked free.
func (s *slots) take() { s.held++ }

// give returns a slot. One too many is a programmer's mistake.
func (s *slots) give() {
	if s.held == 0 {
		panic("a session slot was given back twice")
	}
	s.held--
}
