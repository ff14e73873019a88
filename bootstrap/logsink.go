package bootstrap

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"aiperf/messages"
)

// logSink is the only writer of the run's log file, and of log lines on the
// console. All processes' records meet here, in order of arrival.
type logSink struct {
	mu      sync.Mutex
	file    *os.File
	out     *bufio.Writer
	console func(line string) // nil: no log lines on the console
	level   slog.Level        // of the console
}

func newLogSink(artifactDir string, level slog.Level, console func(string)) (*logSink, error) {
	dir := filepath.Join(artifactDir, "logs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make log directory: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, "aiperf.log"))
	if err != nil {
		return nil, fmt.Errorf("create log file: %w", err)
	}
	return &logSink{file: f, out: bufio.NewWriter(f), console: console, level: level}, nil
}

// write puts one record into the file and, when it is for people, on the console.
func (s *logSink) write(_ string, r *messages.LogRecord) {
	at := time.Unix(0, int64(r.Created*1e9))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out != nil {
		fmt.Fprintf(s.out, "%s - %s - %s - %s\n", at.Format("2006-01-02 15:04:05.000"), r.ProcessName, r.LevelName, r.Msg)
		if r.LevelNo >= 30 {
			_ = s.out.Flush()
		}
	}
	// Info lines of children are for the file; the console shows what a user of a
	// normal run wants to see: notices and worse, and everything below when asked for.
	if s.console != nil && (r.LevelNo >= 25 || s.level < slog.LevelInfo || r.ProcessName == launcherName) && ParseLevel(r.LevelName) >= s.level {
		line := fmt.Sprintf("%s %-8s %s", at.Format("15:04:05.000"), r.LevelName, r.Msg)
		if r.Filename != "" {
			line += fmt.Sprintf(" (%s:%d)", r.Filename, r.LineNo)
		}
		s.console(line)
	}
}

// close flushes and closes the file.
func (s *logSink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		return nil
	}
	err := s.out.Flush()
	s.out = nil
	if e := s.file.Close(); err == nil {
		err = e
	}
	return err
}

// launcherName is the launcher among the log's processes.
const launcherName = "launcher"

// logger logs the launcher's own records straight into the sink.
func (s *logSink) logger() *Logger {
	return NewLogger(&logHandler{
		put: func(m messages.Message) {
			if r, ok := m.(*messages.LogRecord); ok {
				s.write(launcherName, r)
			}
		},
		level: s.level, name: launcherName, id: launcherName,
	})
}
