package worker

import (
	"container/list"
	"sync"

	"aiperf/dataset"
)

// session is what a worker remembers between the turns of one session. Turns come
// one after another, so that only one credit uses it at a time.
type session struct {
	id       string
	urlIndex int // −1: the first URL

	conversation *dataset.Conversation // nil when its bodies are prepared
	history      []dataset.Turn        // sent turns and captured replies, in order

	mu sync.Mutex // of the history, and of what follows
	// Of sessions that others are forked from.
	after []int // length of the history when each turn had ended
	forks int   // children that are still to come for the history
	over  bool  // its last turn has ended
}

// add appends a turn and returns the whole history. Only the session's own turn does so,
// but a child may be forked from what was there before, at the same time.
func (s *session) add(t dataset.Turn) []dataset.Turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = append(s.history, t)
	return s.history
}

// next returns the turns that the request of a turn is made of: those before it too, unless
// it is complete by itself.
func (s *session) next(t dataset.Turn) []dataset.Turn {
	if s.conversation.Isolated() {
		return []dataset.Turn{t}
	}
	return s.add(t)
}

// ended notes that a turn is over, with its reply if there was one.
func (s *session) ended(turn int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.after) <= turn {
		s.after = append(s.after, len(s.history))
	}
}

// fork begins a child's session with the history up to a turn of this one. It tells
// whether nobody needs this session any more.
func (s *session) fork(id string, url, turn int, own *dataset.Conversation) (child *session, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	upTo := len(s.history)
	if turn < len(s.after) {
		upTo = s.after[turn]
	}
	c := *own
	c.SystemMessage, c.UserContextMessage = s.conversation.SystemMessage, s.conversation.UserContextMessage
	child = &session{id: id, urlIndex: url, conversation: &c, history: append([]dataset.Turn(nil), s.history[:upTo]...), forks: forksOf(own)}
	s.forks--
	return child, s.over && s.forks <= 0
}

// finish marks the last turn as ended and tells whether nobody needs the session any more.
func (s *session) finish() (done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return s.forks <= 0
}

// forksOf counts the children that will begin with a conversation's history.
func forksOf(c *dataset.Conversation) (n int) {
	for i := range c.Branches {
		if c.Branches[i].Mode == dataset.BranchFork {
			n += len(c.Branches[i].Children)
		}
	}
	return n
}

// sessions is a bounded cache. The least recently used session goes first; its later
// turns are then sent without the replies to the earlier ones.
type sessions struct {
	most  int
	onCut func() // called once, when the first one goes

	mu    sync.Mutex
	byID  map[string]*list.Element
	order *list.List // most recently used in front
	cut   bool
}

func newSessions(most int, onCut func()) *sessions {
	return &sessions{most: max(most, 1), onCut: onCut, byID: map[string]*list.Element{}, order: list.New()}
}

// get returns the session, and marks it as used; nil when it is not known.
func (s *sessions) get(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byID[id]
	if !ok {
		return nil
	}
	s.order.MoveToFront(e)
	return e.Value.(*session)
}

// put remembers a session.
func (s *sessions) put(v *session) {
	s.mu.Lock()
	if old, known := s.byID[v.id]; known {
		s.order.Remove(old)
	}
	s.byID[v.id] = s.order.PushFront(v)
	first := false
	if s.order.Len() > s.most {
		oldest := s.order.Back()
		s.order.Remove(oldest)
		delete(s.byID, oldest.Value.(*session).id)
		first = !s.cut
		s.cut = true
	}
	s.mu.Unlock()
	if first {
		s.onCut()
	}
}

// drop forgets a session that has ended.
func (s *sessions) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byID[id]; ok {
		s.order.Remove(e)
		delete(s.byID, id)
	}
}

func (s *sessions) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.Len()
}
