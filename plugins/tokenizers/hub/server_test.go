package hub

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
)

// repository is one on the test's hub.
type repository struct {
	commit    string
	files     map[string]string
	gated     bool
	downloads int64
	renamed   string // the id it has now
}

// hubServer speaks the hub's protocol over real HTTP.
type hubServer struct {
	*httptest.Server
	models map[string]repository

	mu    sync.Mutex
	asked []string    // paths, in order
	auth  []string    // what came as Authorization
	cut   atomic.Bool // break downloads off in the middle
}

const sha = "0123456789abcdef0123456789abcdef01234567"

func newHub(models map[string]repository) *hubServer {
	h := &hubServer{models: models}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/models", h.search)
	mux.HandleFunc("GET /api/models/", h.describe)
	mux.HandleFunc("GET /", h.file)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.asked = append(h.asked, r.URL.Path)
		h.auth = append(h.auth, r.Header.Get("Authorization"))
		h.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	DeferCleanup(h.Close)
	return h
}

func (h *hubServer) search(w http.ResponseWriter, r *http.Request) {
	list := []map[string]any{}
	for id, m := range h.models {
		if strings.Contains(strings.ToLower(id), strings.ToLower(r.URL.Query().Get("search"))) {
			list = append(list, map[string]any{"id": id, "downloads": m.downloads})
		}
	}
	_ = json.NewEncoder(w).Encode(list)
}

func refuse(w http.ResponseWriter, code int, problem string) {
	w.Header().Set("X-Error-Code", problem)
	w.WriteHeader(code)
}

func (h *hubServer) describe(w http.ResponseWriter, r *http.Request) {
	id, revision, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/models/"), "/revision/")
	m, ok := h.models[id]
	switch {
	case !ok:
		refuse(w, http.StatusUnauthorized, "RepoNotFound") // as the hub answers who is not logged in
	case revision != "main" && revision != m.commit:
		refuse(w, http.StatusNotFound, "RevisionNotFound")
	default:
		if m.renamed != "" {
			id = m.renamed
		}
		files := []map[string]string{}
		for name := range m.files {
			files = append(files, map[string]string{"rfilename": name})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "sha": m.commit, "siblings": files})
	}
}

func (h *hubServer) file(w http.ResponseWriter, r *http.Request) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/resolve/")
	_, name, _ := strings.Cut(rest, "/")
	m, ok := h.models[id]
	text, has := m.files[name]
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, "RepoNotFound")
	case m.gated && r.Header.Get("Authorization") != "Bearer good":
		refuse(w, http.StatusUnauthorized, "GatedRepo")
	case !has:
		refuse(w, http.StatusNotFound, "EntryNotFound")
	case h.cut.Load():
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(text))
		panic(http.ErrAbortHandler)
	default:
		_, _ = w.Write([]byte(text))
	}
}
