package bootstrap

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
)

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// stuck is a pipe that nobody reads until it is released.
type stuck struct {
	release chan struct{}
	bytes.Buffer
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.release
	return s.Buffer.Write(b)
}

func (s *stuck) Close() error { return nil }

func recordsOf(r io.Reader) (out []messages.LogRecord) {
	readLogPipe(r, func(e messages.Envelope) {
		var m messages.LogRecord
		Expect(e.Decode(&m)).To(Succeed())
		out = append(out, m)
	})
	return out
}

var _ = Describe("the log pipe", func() {
	It("carries records with level, place and attributes", func() {
		var pipe bytes.Buffer
		w := newLogWriter(nopCloser{&pipe}, "worker_1", 16)
		log := NewLogger(&logHandler{put: w.put, level: LevelTrace, name: "worker", id: "worker_1"})
		log.Notice("hello", "n", 3)
		log.With("who", "me").Warn("careful")
		log.Trace("deep")
		w.close()
		got := recordsOf(&pipe)
		Expect(got).To(HaveLen(3))
		Expect(got[0].Msg).To(Equal("hello n=3"))
		Expect(got[0].LevelName).To(Equal("NOTICE"))
		Expect(got[0].Filename).To(Equal("logpipe_test.go"), "the caller's place, not the logger's")
		Expect(got[1].Msg).To(Equal("careful who=me"))
		Expect(got[1].LevelNo).To(Equal(30))
		Expect(got[2].LevelName).To(Equal("TRACE"))
	})

	It("drops what does not fit, never blocks, and says at the end how much", func() {
		pipe := &stuck{release: make(chan struct{})}
		w := newLogWriter(pipe, "worker_1", 2)
		for range 10 {
			w.put(&messages.LogRecord{Msg: "x"})
		}
		dropped := w.dropped.Load()
		Expect(dropped).To(BeNumerically(">=", 7), "one may be in the writer's hands")
		close(pipe.release)
		Eventually(func() int { return len(w.queue) }).Should(BeZero())
		w.close()
		got := recordsOf(&pipe.Buffer)
		Expect(got[len(got)-1].Msg).To(ContainSubstring("log records were dropped"))
		Expect(uint64(len(got)-1) + dropped).To(BeEquivalentTo(10))
	})

	DescribeTable("a service's level", func(level string, debug, trace []string, service string, want slog.Level) {
		Expect(serviceLevel(level, debug, trace, service)).To(Equal(want))
	},
		Entry("is the run's", "warning", nil, nil, "worker", slog.LevelWarn),
		Entry("is debug when listed", "info", []string{"worker"}, nil, "worker", slog.LevelDebug),
		Entry("stays lower when the run is lower", "trace", []string{"worker"}, nil, "worker", LevelTrace),
		Entry("trace wins over debug", "info", []string{"worker"}, []string{"Worker "}, "worker", LevelTrace),
		Entry("a longer name is another service", "info", []string{"worker"}, nil, "worker_manager", slog.LevelInfo),
		Entry("dashes and underscores are one", "info", []string{"timing-manager"}, nil, "timing_manager", slog.LevelDebug),
	)
})

var _ = Describe("the log sink", func() {
	It("writes every record into the file and people's records on the console", func() {
		dir := GinkgoT().TempDir()
		var console []string
		s, err := newLogSink(dir, slog.LevelInfo, func(line string) { console = append(console, line) })
		Expect(err).NotTo(HaveOccurred())
		s.write("worker_1", &messages.LogRecord{ProcessName: "worker_1", LevelName: "INFO", LevelNo: 20, Msg: "detail", Created: 1.5})
		s.write("worker_1", &messages.LogRecord{ProcessName: "worker_1", LevelName: "WARNING", LevelNo: 30, Msg: "look", Created: 1.5, Filename: "a.go", LineNo: 7})
		s.logger().Info("from the launcher")
		Expect(s.close()).To(Succeed())
		Expect(s.close()).To(Succeed(), "twice is harmless")
		b, err := os.ReadFile(filepath.Join(dir, "logs", "aiperf.log"))
		Expect(err).NotTo(HaveOccurred())
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		Expect(lines).To(HaveLen(3))
		Expect(lines[0]).To(MatchRegexp(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} - worker_1 - INFO - detail$`))
		Expect(console).To(HaveLen(2), "a child's info line is for the file")
		Expect(console[0]).To(MatchRegexp(`^\d\d:\d\d:\d\d\.\d{3} WARNING  look \(a\.go:7\)$`))
	})
})

func FuzzLogPipe(f *testing.F) {
	frame, err := messages.Encode([]byte{0, 0, 0, 0}, messages.Header{ServiceID: "w"}, &messages.LogRecord{Msg: "x"})
	if err != nil {
		f.Fatal(err)
	}
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	f.Add(frame)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(_ *testing.T, b []byte) {
		readLogPipe(bytes.NewReader(b), func(e messages.Envelope) {
			var m messages.LogRecord
			_ = e.Decode(&m)
		})
	})
}
