package records

import (
	"fmt"
	"time"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/plugins"
)

// stream is one file that is written record by record.
type stream struct {
	name      string
	file      exporters.Stream
	records   exporters.RecordStream    // nil: it takes no requests
	telemetry exporters.TelemetryStream // nil: it takes no GPU samples
}

// streams are all of them. One that fails is closed and left out from then on; the
// others go on, and the result tells.
//
// Once started, they are written by a goroutine of their own, so that text is made and
// disks are waited for beside the books. Its queue is bounded: the ledger waits for room,
// and with it whoever sends records; the waits are counted. Before start and after close
// everything happens in the caller's goroutine.
type streams struct {
	log    *bootstrap.Logger
	live   []*stream
	failed []messages.ErrorDetails

	work   chan func()
	done   chan struct{}
	waits  int
	waited time.Duration
}

// streamQueue is how many batches may wait for the files.
const streamQueue = 64

// openStreams opens every stream exporter of the manifest that the run wants. All
// faults are reported in one go; what did open is returned with them.
func openStreams(run *config.Run, registry *plugins.Registry, log *bootstrap.Logger) *streams {
	s := &streams{log: log}
	for _, e := range registry.Entries("stream_exporter") {
		if err := s.open(run, registry, e.Name); err != nil {
			s.fail(e.Name, err)
		}
	}
	if len(s.live) > 0 {
		s.start()
	}
	return s
}

// start begins the goroutine of the files; close ends it.
func (s *streams) start() {
	s.work, s.done = make(chan func(), streamQueue), make(chan struct{})
	go func() {
		defer close(s.done)
		for do := range s.work {
			do()
		}
	}()
}

// do has work done in order.
func (s *streams) do(work func()) {
	if s.work == nil {
		work()
		return
	}
	select {
	case s.work <- work:
		return
	default:
	}
	began := clock.Now()
	s.work <- work // its goroutine ends only after close
	s.waits++
	s.waited += clock.Now().Sub(began)
}

func (s *streams) open(run *config.Run, registry *plugins.Registry, name string) error {
	make, err := plugins.Constructor[exporters.StreamConstructor](registry, "stream_exporter", name)
	if err != nil {
		return err
	}
	file, err := make(run)
	if err != nil || file == nil {
		return err
	}
	st := &stream{name: name, file: file}
	st.records, _ = file.(exporters.RecordStream)
	st.telemetry, _ = file.(exporters.TelemetryStream)
	s.live = append(s.live, st)
	return nil
}

// batch writes finished requests and then calls release: until then they must stay as
// they are.
func (s *streams) batch(records []messages.MetricRecord, release func()) {
	s.do(func() {
		defer release()
		s.each(func(st *stream) error {
			if st.records == nil {
				return nil
			}
			for i := range records {
				if err := st.records.Record(&records[i]); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// sample writes one batch of GPU samples.
func (s *streams) sample(m *messages.TelemetryRecords) {
	s.do(func() {
		s.each(func(st *stream) error {
			if st.telemetry == nil {
				return nil
			}
			return st.telemetry.Telemetry(m)
		})
	})
}

// flush hands what is buffered to the kernel, unless there is more important work.
func (s *streams) flush() {
	if len(s.work) == 0 {
		s.do(func() { s.each(func(st *stream) error { return st.file.Flush() }) })
	}
}

// close makes the files whole. It may be called twice.
func (s *streams) close() {
	if s.work != nil {
		close(s.work)
		<-s.done
		s.work = nil
		if s.waits > 0 {
			s.log.Info("waited for the record files", "times", s.waits, "in_all", s.waited)
		}
	}
	s.each(func(st *stream) error { return st.file.Close() })
	s.live = nil
}

// each applies do to every live stream and leaves out those that fail.
func (s *streams) each(do func(*stream) error) {
	for i := 0; i < len(s.live); {
		st := s.live[i]
		err := guarded(func() error { return do(st) })
		if err == nil {
			i++
			continue
		}
		s.live = append(s.live[:i:i], s.live[i+1:]...)
		_ = st.file.Close() // what it wrote stays; the failure is already known
		s.fail(st.name, err)
	}
}

func (s *streams) fail(name string, err error) {
	s.log.Error("stream exporter failed; its file is incomplete", "exporter", name, "err", err)
	e := messages.NewError("ExporterError", fmt.Sprintf("%s: %v", name, err))
	e.Details = map[string]any{"fatal": true, "exporter": name}
	s.failed = append(s.failed, *e)
}

// guarded runs code of a plugin: its panic becomes an error.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return do()
}
