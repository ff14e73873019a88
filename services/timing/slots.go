package timing

// slots bounds how many sessions are open at once: those of the phase, and those that a
// phase before it has left open. A phase without a limit counts all the same, for the
// sake of the phase that follows it.
type slots struct {
	limit int  // 0 = none
	held  int  // by the phase
	all   *int // by all phases of the run
}

// free tells whether a slot can be had.
func (s *slots) free() bool { return s.limit == 0 || *s.all < s.limit }

// take holds a slot; the caller has asked free.
func (s *slots) take() {
	s.held++
	*s.all++
}

// give returns a slot. One too many is a programmer's mistake.
func (s *slots) give() {
	if s.held == 0 {
		panic("a session slot was given back twice")
	}
	s.held--
	*s.all--
}

// giveAll returns what the phase still holds.
func (s *slots) giveAll() {
	*s.all -= s.held
	s.held = 0
}
