package calibrate

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// ServerOptions are what a server needs.
type ServerOptions struct {
	Executable string
	Env        []string
	Dir        string // for the request log; exists
	Cores      []int  // that it is bound to; none: any
	Flags      []string
}

// Server is the embedded server as a process of its own, with a request log.
type Server struct {
	URL    string // http://host:port
	PID    int
	log    string
	read   int64 // bytes of the log that belong to earlier runs
	cmd    *exec.Cmd
	ended  chan struct{}
	stderr bytes.Buffer // of the child; to be read when it has ended
}

// startBound is how long a server may take until it answers, stopBound until it is gone.
const (
	startBound = 10 * time.Second
	stopBound  = 5 * time.Second
)

// StartServer returns when the server answers. Stop ends it.
func StartServer(ctx context.Context, o ServerOptions) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	s := &Server{log: filepath.Join(o.Dir, "requests.jsonl"), ended: make(chan struct{})}
	args := append([]string{"mock-server", "--port", "0", "--request-log", s.log, "--log-level", "WARNING"}, o.Flags...)
	s.cmd = exec.Command(o.Executable, args...)
	s.cmd.Env = slices.DeleteFunc(slices.Clone(o.Env), func(e string) bool { return strings.HasPrefix(e, "MOCK_SERVER_") })
	s.cmd.Stderr = &s.stderr
	s.cmd.SysProcAttr = dieWithThread()
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the embedded server: %w", err)
	}
	started := make(chan error, 1)
	first := make(chan string, 1)
	go s.hold(o.Cores, stdout, started, first)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start the embedded server: %w", err)
	}
	s.PID = s.cmd.Process.Pid
	select {
	case line := <-first:
		_, s.URL, _ = strings.Cut(strings.TrimSpace(line), " on ")
	case <-ctx.Done():
	}
	if s.URL == "" {
		s.Stop()
		return nil, fmt.Errorf("start the embedded server: it gave no address: %s", strings.TrimSpace(s.stderr.String()))
	}
	if err := s.Configure(ctx, 0, 0); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// hold lives as long as the server. Its thread carries the server's cores, so that they
// are inherited from the first instant on, and ends with it: the kernel kills the server
// when that thread ends early.
func (s *Server) hold(list []int, stdout io.Reader, started chan<- error, first chan<- string) {
	runtime.LockOSThread()
	defer close(s.ended)
	if len(list) > 0 {
		if err := pinThread(list); err != nil {
			started <- err
			return
		}
	}
	err := s.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	lines := bufio.NewReader(stdout)
	line, _ := lines.ReadString('\n')
	first <- line
	_, _ = io.Copy(io.Discard, lines)
	_ = s.cmd.Wait() // Stop's doing, or seen by the next request
}

// Configure sets the latencies of answers that begin from now on.
func (s *Server) Configure(ctx context.Context, ttft, itl time.Duration) error {
	body := fmt.Sprintf(`{"ttft": %g, "itl": %g}`, inMS(ttft), inMS(itl))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/configure", strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("set the embedded server: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("set the embedded server: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
		return fmt.Errorf("set the embedded server: %s: %s", answer.Status, text)
	}
	return nil
}

// Answers are those that the log has gained since the last call. The line of an answer
// is written a moment after its last byte: Answers waits, within a bound, until there
// are at least so many.
func (s *Server) Answers(ctx context.Context, least int) (answers []Answer, err error) {
	bound := time.After(time.Second)
	for {
		size, answers, err := s.gained()
		if err != nil || len(answers) >= least {
			s.read = size
			return answers, err
		}
		select {
		case <-bound:
			s.read = size
			return answers, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) gained() (size int64, answers []Answer, err error) {
	f, err := os.Open(s.log)
	if err != nil {
		return 0, nil, fmt.Errorf("read request log: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(s.read, io.SeekStart); err != nil {
		return 0, nil, fmt.Errorf("read request log: %w", err)
	}
	answers, size, err = ReadAnswers(f)
	return s.read + size, answers, err
}

// Stop ends the server and waits until it is gone. It may be called twice.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
		return
	case <-time.After(stopBound):
	}
	if err := s.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		<-s.ended
	}
}
