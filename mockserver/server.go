package mockserver

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"aiperf/clock"
)

// Deps are what the program supplies.
type Deps struct {
	// CountTokens counts the tokens of a prompt; nil counts whitespace pieces. It is
	// called from many goroutines and may wait for a tokenizer that is being loaded.
	CountTokens func(text string) int
	// Log may be nil.
	Log *slog.Logger
}

// Server is the embedded inference server. Its methods are safe for concurrent use.
type Server struct {
	cfg     Config
	log     *slog.Logger
	alarm   *clock.Alarm
	counter *counter
	chance  chance
	timing  atomic.Pointer[timing]
	stall   *stall
	models  *models
	stats   *stats
	faker   [2]*faker
	logFile *requestLog // nil = off
	started clock.WallNS

	errorShare, midstreamShare, cutShare float64

	requests atomic.Uint64 // inference requests so far
	inflight atomic.Int64
	buffers  sync.Pool // of *[]byte

	http     *http.Server
	stopping context.Context // of every request: ends with Stop
	cancel   context.CancelFunc
	stopOnce sync.Once
	stopErr  error
}

// New makes a server and starts its alarm; Stop ends it. The configuration must be
// valid.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: deps.Log, stall: newStall(cfg.StallAt), models: newModels(cfg.Models), stats: newStats(), started: clock.Wall(),
		errorShare: share(cfg.ErrorRate), midstreamShare: share(cfg.ErrorMidstreamRate), cutShare: share(cfg.CutRate),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.chance.seed = randomSeed(); cfg.RandomSeed != nil {
		s.chance.seed = *cfg.RandomSeed
	}
	if cfg.NoTokenizer {
		deps.CountTokens = nil
	}
	s.counter = newCounter(deps.CountTokens)
	t := newTiming(cfg)
	s.timing.Store(&t)
	for i := range s.faker {
		s.faker[i] = newFaker(cfg.DCGM, s.chance.seed, i)
	}
	s.buffers.New = func() any { b := make([]byte, 0, 4096); return &b }
	var err error
	if cfg.RequestLog != "" {
		if s.logFile, err = openRequestLog(cfg.RequestLog, cfg.RequestLogBodies); err != nil {
			return nil, err
		}
	}
	if s.alarm, err = clock.NewAlarm(); err != nil {
		s.logFile.close()
		return nil, fmt.Errorf("start the pacing alarm: %w", err)
	}
	s.stopping, s.cancel = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: s.Handler(), ConnContext: withConnection, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 10 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return s.stopping },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

func randomSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails on the systems we run on
	return binary.LittleEndian.Uint64(b[:])
}

// Handler serves every route. Behind a listener that Serve did not get, arrivals are
// stamped when the handler has read the body.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.infer("/v1/chat/completions", s.generate(chat)))
	mux.HandleFunc("POST /v1/completions", s.infer("/v1/completions", s.generate(completions)))
	mux.HandleFunc("POST /v1/embeddings", s.infer("/v1/embeddings", s.embed))
	mux.HandleFunc("POST /v1/ranking", s.infer("/v1/ranking", s.rank("rankings", "logit")))
	mux.HandleFunc("POST /rerank", s.infer("/rerank", s.rank("", "score")))
	mux.HandleFunc("POST /v2/rerank", s.infer("/v2/rerank", s.rank("results", "relevance_score")))
	mux.HandleFunc("GET /v1/models", s.listModels)
	mux.HandleFunc("GET /v1/models/{id...}", s.showModel)
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("POST /configure", s.configure)
	mux.HandleFunc("GET /metrics", s.metricsPage)
	mux.HandleFunc("GET /dcgm1/metrics", s.dcgmPage(0))
	mux.HandleFunc("GET /dcgm2/metrics", s.dcgmPage(1))
	mux.HandleFunc("/", s.notFound)
	return mux
}

// Serve answers on l until Stop, then returns nil.
func (s *Server) Serve(l net.Listener) error {
	stamping := &listener{Listener: l}
	if keep, err := clock.KeepStamps(); err == nil {
		defer keep.Close()
		stamping.realtime = clock.NewRealtime()
		if tcp, ok := l.(syscall.Conn); ok {
			_ = clock.StampConn(tcp) // what is accepted inherits it, first bytes included
		}
	}
	if err := s.http.Serve(stamping); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Stop aborts the answers under way, closes every connection and the log. It waits
// for the requests' goroutines until ctx ends, and may be called twice.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.cancel()
		// Answers end at once; only a connection that never carried a request would make
		// the orderly way wait, for seconds.
		orderly, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		err := s.http.Shutdown(orderly)
		if err != nil {
			err = s.http.Close()
		}
		s.alarm.Close()
		s.stopErr = errors.Join(err, s.logFile.close())
	})
	return s.stopErr
}
