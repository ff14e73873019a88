package bootstrap

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"aiperf/config"
	"aiperf/messages"
)

// process is one running child.
type process struct {
	spec   config.ServiceSpec
	cmd    *exec.Cmd
	guard  *os.File // write end of the guard pipe: held open as long as the launcher lives
	stderr string   // file that a crash leaves its words in
	logs   chan struct{}

	registered atomic.Bool // it said so on its log pipe
}

// exit is how a child ended.
type exit struct {
	proc   *process
	code   int    // −1 when killed by a signal
	signal string // such as "killed"; empty otherwise
}

// orderly: a child ends with 0 only when it was asked to leave.
func (e exit) orderly() bool { return e.signal == "" && e.code == 0 }

// how puts the end into words.
func (e exit) how() string {
	if e.signal != "" {
		return "signal: " + e.signal
	}
	return fmt.Sprintf("exit code %d", e.code)
}

// spawner starts children from one thread that lives as long as the launcher: the
// kernel's parent-death signal is tied to the thread that started a child.
type spawner struct {
	requests chan func()
	done     chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan func()), done: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, after the last child
		defer close(s.done)
		for f := range s.requests {
			f()
		}
	}()
	return s
}

func (s *spawner) do(f func() error) error {
	result := make(chan error, 1)
	s.requests <- func() { result <- f() }
	return <-result
}

func (s *spawner) close() {
	close(s.requests)
	<-s.done
}

// start runs the executable as one service. Its run document goes over a pipe, its
// log records come back over another; standard input and output are the null
// device, standard error a file, so that no orphan can hold a pipe of whoever
// started us.
func (m *Mesh) start(spec config.ServiceSpec, run *config.Run) (p *process, err error) {
	p = &process{spec: spec, logs: make(chan struct{}), stderr: filepath.Join(run.ArtifactDir, "logs", spec.ID+".stderr.log")}
	var opened []*os.File
	keep := func(f *os.File) *os.File { opened = append(opened, f); return f }
	defer func() {
		for _, f := range opened {
			f.Close()
		}
	}()
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
		}
		return r, w
	}
	runR, runW := pipe()
	logR, logW := pipe()
	guardR, guardW := pipe()
	null, nullErr := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	errFile, fileErr := os.OpenFile(p.stderr, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	for _, e := range []error{err, nullErr, fileErr} {
		if e != nil {
			return nil, fmt.Errorf("start service %s: %w", spec.ID, e)
		}
	}
	keep(runR)
	keep(logW)
	keep(guardR)
	keep(null)
	keep(errFile)
	p.guard = guardW
	p.cmd = exec.Command(m.executable, "service", "--type", spec.Type, "--service-id", spec.ID, "--launcher-pid", strconv.Itoa(os.Getpid()))
	p.cmd.Args[0] = "aiperf " + spec.ID // what ps shows
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = null, null, errFile
	p.cmd.ExtraFiles = []*os.File{runR, logW, guardR}
	if spec.Type == MockServerType && run.Mesh.MockListener != nil {
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, run.Mesh.MockListener)
	}
	p.cmd.SysProcAttr = childAttributes()
	if err := m.spawner.do(p.cmd.Start); err != nil {
		runW.Close()
		logR.Close()
		guardW.Close()
		return nil, fmt.Errorf("start service %s: %w", spec.ID, err)
	}
	if spec.Type == MockServerType && run.Mesh.MockListener != nil {
		// From here on the server alone holds the socket: when it dies, connections are
		// refused instead of waiting for nobody.
		_ = run.Mesh.MockListener.Close()
	}
	m.readers.Go(func() {
		_ = config.WriteRun(runW, run) // a child that died early is seen by its exit
		runW.Close()
	})
	m.readers.Go(func() {
		defer close(p.logs)
		defer logR.Close()
		readLogPipe(logR, func(e messages.Envelope) { m.onLogEnvelope(p, e) })
	})
	m.readers.Go(func() { m.exits <- p.wait() })
	return p, nil
}

// wait returns when the child has ended and its log pipe is read to the end.
func (p *process) wait() exit {
	_ = p.cmd.Wait()
	p.guard.Close()
	<-p.logs
	e := exit{proc: p, code: p.cmd.ProcessState.ExitCode()}
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.signal = ws.Signal().String()
	}
	return e
}

// stderrTail is the end of what the child wrote to standard error.
func (p *process) stderrTail() string {
	f, err := os.Open(p.stderr)
	if err != nil {
		return ""
	}
	defer f.Close()
	const most = 2000
	if st, err := f.Stat(); err == nil && st.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	}
	b, _ := io.ReadAll(io.LimitReader(f, most))
	return strings.TrimSpace(string(b))
}

// sweepStderr removes the empty standard-error files of ended children.
func sweepStderr(artifactDir string) {
	files, _ := filepath.Glob(filepath.Join(artifactDir, "logs", "*.stderr.log"))
	for _, f := range files {
		if st, err := os.Stat(f); err == nil && st.Size() == 0 {
			_ = os.Remove(f)
		}
	}
}

func (m *Mesh) onLogEnvelope(p *process, e messages.Envelope) {
	switch e.Type {
	case "status_update":
		p.registered.Store(true)
	case "log_record":
		var r messages.LogRecord
		if e.Decode(&r) == nil {
			m.sink.write(e.ServiceID, &r)
		}
	case "exit_error":
		var x messages.ExitError
		if e.Decode(&x) == nil {
			m.addExitError(x)
		}
	}
}
