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
