package bootstrap

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"aiperf/clock"
	"aiperf/messages"
)

// The log pipe carries envelopes (log_record, exit_error), each with its length as
// four bytes, big-endian, in front.

// maxLogFrame bounds one envelope on the pipe.
const maxLogFrame = 1 << 20

// logWriter is a child's end: a bounded queue and one goroutine that writes. A full
// queue drops the new record and counts it; logging never blocks.
type logWriter struct {
	queue   chan messages.Message
	dropped atomic.Uint64
	id      string
	done    chan struct{}
	once    sync.Once
	stop    chan struct{}
}

func newLogWriter(w io.WriteCloser, serviceID string, size int) *logWriter {
	l := &logWriter{queue: make(chan messages.Message, size), id: serviceID, done: make(chan struct{}), stop: make(chan struct{})}
	go l.run(w)
	return l
}

func (l *logWriter) put(m messages.Message) {
	select {
	case l.queue <- m:
	default:
		l.dropped.Add(1)
	}
}

func (l *logWriter) run(w io.WriteCloser) {
	defer close(l.done)
	defer w.Close()
	var seq uint64
	buf := make([]byte, 0, 1024)
	write := func(m messages.Message) {
		frame, err := messages.Encode(append(buf[:0], 0, 0, 0, 0), messages.Header{ServiceID: l.id, Seq: seq, SentNS: clock.Wall()}, m)
		if err != nil || len(frame) > maxLogFrame {
			l.dropped.Add(1)
			return
		}
		seq++
		binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
		_, _ = w.Write(frame) // the launcher is gone; the guard ends this process
		buf = frame
	}
	for {
		select {
		case m := <-l.queue:
			write(m)
		case <-l.stop:
			for {
				select {
				case m := <-l.queue:
					write(m)
				default:
					return
				}
			}
		}
	}
}

// close writes what is queued and ends the goroutine, waiting at most a second.
func (l *logWriter) close() {
	if n := l.dropped.Load(); n > 0 {
		l.put(&messages.LogRecord{
			Name: l.id, LevelName: "WARNING", LevelNo: 30, Created: float64(clock.Wall()) / 1e9, ProcessName: l.id, ProcessID: os.Getpid(),
			Msg: fmt.Sprintf("%d log records were dropped because the log queue was full", n),
		})
	}
	l.once.Do(func() { close(l.stop) })
	select {
	case <-l.done:
	case <-time.After(time.Second):
	}
}

// readLogPipe reads envelopes until the pipe ends and hands each to emit. Malformed
// frames are passed over.
func readLogPipe(r io.Reader, emit func(messages.Envelope)) {
	br := bufio.NewReaderSize(r, 64<<10)
	var length [4]byte
	for {
		if _, err := io.ReadFull(br, length[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(length[:])
		if n > maxLogFrame {
			return // out of step with the writer: nothing after this can be trusted
		}
		frame := make([]byte, n)
		if _, err := io.ReadFull(br, frame); err != nil {
			return
		}
		if e, err := messages.Open(frame); err == nil {
			emit(e)
		}
	}
}

// logHandler turns slog records into log_record messages.
type logHandler struct {
	put    func(messages.Message)
	level  slog.Level
	name   string // logger name: the service type
	id     string
	prefix string // groups
	attrs  string // rendered attributes of With
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, h.prefix, a)
		return true
	})
	name, no := levelOnWire(r.Level)
	m := &messages.LogRecord{
		Name: h.name, LevelName: name, LevelNo: no, Msg: b.String(),
		Created: float64(r.Time.UnixNano()) / 1e9, ProcessName: h.id, ProcessID: os.Getpid(),
	}
	if r.PC != 0 {
		f, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
		m.Filename, m.LineNo = filepath.Base(f.File), f.Line
	}
	h.put(m)
	return nil
}

func writeAttr(b *strings.Builder, prefix string, a slog.Attr) {
	if a.Equal(slog.Attr{}) {
		return
	}
	fmt.Fprintf(b, " %s%s=%v", prefix, a.Key, a.Value.Resolve())
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, a := range attrs {
		writeAttr(&b, h.prefix, a)
	}
	c := *h
	c.attrs += b.String()
	return &c
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.prefix += name + "."
	return &c
}

// levels maps slog's scale to the names and numbers of the wire, in order.
var levels = []struct {
	from slog.Level
	name string
	no   int
}{
	{LevelCritical, "CRITICAL", 50}, {slog.LevelError, "ERROR", 40}, {LevelSuccess, "SUCCESS", 35},
	{slog.LevelWarn, "WARNING", 30}, {LevelNotice, "NOTICE", 25}, {slog.LevelInfo, "INFO", 20}, {slog.LevelDebug, "DEBUG", 10},
}

func levelOnWire(l slog.Level) (string, int) {
	for _, e := range levels {
		if l >= e.from {
			return e.name, e.no
		}
	}
	return "TRACE", 5
}

// ParseLevel is the inverse: the level of a configured name, any case. Unknown
// names are info.
func ParseLevel(name string) slog.Level {
	for _, e := range levels {
		if strings.EqualFold(e.name, name) {
			return e.from
		}
	}
	if strings.EqualFold(name, "trace") {
		return LevelTrace
	}
	return slog.LevelInfo
}

// serviceLevel is the level of one service: the run's, or lower when the service's
// type is on one of the developer lists.
func serviceLevel(level string, debug, trace []string, serviceType string) slog.Level {
	listed := func(list []string) bool {
		for _, t := range list {
			if strings.ReplaceAll(strings.ToLower(strings.TrimSpace(t)), "-", "_") == serviceType {
				return true
			}
		}
		return false
	}
	switch l := ParseLevel(level); {
	case listed(trace):
		return LevelTrace
	case listed(debug) && l > slog.LevelDebug:
		return slog.LevelDebug
	default:
		return l
	}
}
