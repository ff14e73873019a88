package mockserver

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"

	"aiperf/clock"
	"aiperf/config"
)

// models are the names that have been configured or asked for. Any name works; the
// list is bounded, and names beyond it work without being listed.
type models struct {
	mu    sync.RWMutex
	order []string
	known map[string]clock.WallNS // when it was first seen
}

const maxListedModels = 1000

func newModels(names []string) *models {
	m := &models{known: map[string]clock.WallNS{}}
	for _, n := range names {
		m.add(n)
	}
	return m
}

// add takes a name that may borrow a request's body.
func (m *models) add(name string) {
	m.mu.RLock()
	_, known := m.known[name]
	m.mu.RUnlock()
	if known {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.known[name]; known || len(m.order) >= maxListedModels {
		return
	}
	name = strings.Clone(name)
	m.known[name] = clock.Wall()
	m.order = append(m.order, name)
}

type modelEntry struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // epoch seconds
	OwnedBy string `json:"owned_by"`
}

func (m *models) entry(name string) (modelEntry, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	since, ok := m.known[name]
	return modelEntry{name, "model", int64(since) / 1e9, "aiperf"}, ok
}

func (m *models) names() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return append([]string(nil), m.order...)
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) {
	list := []modelEntry{}
	for _, n := range s.models.names() {
		if e, ok := s.models.entry(n); ok {
			list = append(list, e)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": list})
}

func (s *Server) showModel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("id")
	e, ok := s.models.entry(name)
	if !ok {
		writeDetail(w, http.StatusNotFound, fmt.Sprintf("no model %q has been configured or asked for", name))
		return
	}
	writeJSON(w, http.StatusOK, e)
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"status": "healthy", "in_flight": s.inflight.Load()})
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"message": "aiperf mock inference server", "version": config.Version, "models": s.models.names(),
	})
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	writeDetail(w, http.StatusNotFound, fmt.Sprintf("no such route: %s %s", r.Method, r.URL.Path))
}

// configure changes the base latencies of answers that begin from now on, and
// answers with those in force.
func (s *Server) configure(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		TTFT *float64 `json:"ttft"`
		ITL  *float64 `json:"itl"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&asked); err != nil {
		writeDetail(w, http.StatusBadRequest, fmt.Sprintf("want an object with ttft and itl in milliseconds: %v", err))
		return
	}
	for key, v := range map[string]*float64{"ttft": asked.TTFT, "itl": asked.ITL} {
		if v != nil && (*v < 0 || math.IsInf(*v, 0)) {
			writeDetail(w, http.StatusBadRequest, fmt.Sprintf("%s: want milliseconds from 0 up (got %g)", key, *v))
			return
		}
	}
	for {
		old := s.timing.Load()
		next := *old
		if asked.TTFT != nil {
			next.ttftMS = *asked.TTFT
		}
		if asked.ITL != nil {
			next.itlMS = *asked.ITL
		}
		if s.timing.CompareAndSwap(old, &next) {
			s.log.Info("latencies changed", "ttft_ms", next.ttftMS, "itl_ms", next.itlMS)
			writeJSON(w, http.StatusOK, map[string]float64{"ttft": next.ttftMS, "itl": next.itlMS})
			return
		}
	}
}
