package records

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/plugins"
)

// fixture is a ledger on a virtual clock, with a world that only takes notes.
type fixture struct {
	*ledger
	now       clock.WallNS
	published []messages.Message
	reported  []messages.Message
	commands  []asked
	lines     *lineStream
	seq       uint64
}

// asked is a command that the ledger sent.
type asked struct {
	name    string
	payload any
	limit   time.Duration
	done    func(error)
}

// lineStream is a record file in memory.
type lineStream struct {
	records []messages.MetricRecord
	samples int
	flushes int
	closed  int
	failAt  int // fails with the record of this number, from 1; 0 = never
}

func (s *lineStream) Record(r *messages.MetricRecord) error {
	if s.failAt > 0 && len(s.records)+1 >= s.failAt {
		return errors.New("disk full")
	}
	s.records = append(s.records, r.Clone())
	return nil
}

func (s *lineStream) Telemetry(*messages.TelemetryRecords) error { s.samples++; return nil }
func (s *lineStream) Flush() error                               { s.flushes++; return nil }
func (s *lineStream) Close() error                               { s.closed++; return nil }

func quietLog() *bootstrap.Logger { return bootstrap.NewLogger(slog.NewTextHandler(io.Discard, nil)) }

const startNS = clock.WallNS(1_800_000_000_000_000_000)

// testRun is the run document of a run with so many phases: the last ones profiling,
// the first one a warmup when there are two.
func testRun(phases int) *config.Run {
	run := &config.Run{}
	for i := range phases {
		kind := config.KindProfiling
		if i == 0 && phases > 1 {
			kind = config.KindWarmup
		}
		run.Benchmark.Phases = append(run.Benchmark.Phases, config.Phase{Name: fmt.Sprint("phase", i), Kind: kind, Type: config.TypeConcurrency})
	}
	run.Benchmark.Endpoint.Capabilities.ProducesTokens = true
	run.Environment.Record.ProgressReportIntervalSec = 2
	run.Environment.Record.CompletionStallTimeoutSec = 60
	run.Environment.Metrics.ExportFlushIntervalSec = 1
	return run
}

func newFixture(run *config.Run) *fixture {
	b := &fixture{now: startNS, lines: &lineStream{}}
	b.ledger = newLedger(run, plugins.Builtin(), quietLog(), outlets{
		now:     func() clock.WallNS { return b.now },
		publish: func(m messages.Message) { b.published = append(b.published, copied(m)) },
		report:  func(m messages.Message) { b.reported = append(b.reported, m) },
		command: func(name string, payload any, limit time.Duration, done func(error)) {
			b.commands = append(b.commands, asked{name, payload, limit, done})
		},
	})
	b.streams = &streams{log: quietLog(), live: []*stream{{name: "memory", file: b.lines, records: b.lines, telemetry: b.lines}}}
	return b
}

// copied keeps what the ledger published as it was at that moment.
func copied(m messages.Message) messages.Message {
	if m.MessageType() != (*messages.MetricRecords)(nil).MessageType() {
		return m
	}
	frame, err := messages.Encode(nil, messages.Header{}, m)
	if err != nil {
		panic(err)
	}
	e, err := messages.Open(frame)
	if err != nil {
		panic(err)
	}
	var batch messages.MetricRecords
	if err := e.Decode(&batch); err != nil {
		panic(err)
	}
	return &batch
}

// envelope encodes a message as it comes from the records socket.
func (b *fixture) envelope(m messages.Message) messages.Envelope {
	frame, err := messages.Encode(nil, messages.Header{ServiceID: "test", Seq: b.seq, SentNS: b.now}, m)
	if err != nil {
		panic(err)
	}
	b.seq++
	e, err := messages.Open(frame)
	if err != nil {
		panic(err)
	}
	return e
}

func (b *fixture) hear(ms ...messages.Message) {
	for _, m := range ms {
		b.take(b.envelope(m))
	}
}

// pass lets time go by in the ledger's own steps.
func (b *fixture) pass(d time.Duration) {
	for end := b.now.Add(d); b.now < end; {
		b.now = min(end, b.now.Add(tickInterval))
		b.tick()
	}
}

// answer answers every command that waits for it.
func (b *fixture) answer(err error) {
	for len(b.commands) > 0 {
		c := b.commands[0]
		b.commands = b.commands[1:]
		c.done(err)
	}
}

// result is the profile result that was handed in; nil before.
func (b *fixture) result() *exporters.Profile {
	for _, m := range b.reported {
		if r, ok := m.(*messages.ProcessRecordsResult); ok {
			var p exporters.Profile
			if err := msgpack.Unmarshal(r.Results, &p); err != nil {
				panic(err)
			}
			return &p
		}
	}
	return nil
}

func ptr[T any](v T) *T { return &v }

// kindOf is the kind of a phase in testRun.
func (b *fixture) kindOf(index int) string { return b.run.Benchmark.Phases[index].Kind }

func (b *fixture) stats(index int, sent int64) messages.PhaseStats {
	kind := b.kindOf(index)
	s := messages.PhaseStats{
		Phase: kind, PhaseKind: kind, PhaseName: fmt.Sprint("phase", index), PhaseIndex: index,
		StartNS: startNS, RequestsSent: sent, TotalExpectedRequests: &sent,
	}
	if kind == config.KindProfiling {
		s.ProfilingIndex = ptr(0)
	}
	return s
}

func (b *fixture) phaseStart(index int) *messages.CreditPhaseStart {
	s := b.stats(index, 0)
	s.TotalExpectedRequests = nil
	return &messages.CreditPhaseStart{Stats: s}
}

// phaseEnd is the notice of a phase's end with so many credits sent.
func (b *fixture) phaseEnd(index int, sent int64, noRecord ...[2]int64) *messages.CreditPhaseComplete {
	s := b.stats(index, sent)
	s.FinalRequestsSent, s.RequestsEndNS = &sent, b.now
	return &messages.CreditPhaseComplete{Stats: s, NoRecord: noRecord}
}

// record is one of a phase's records; outcome changes what became of the request.
func (b *fixture) record(index int, id int64, change ...func(*messages.MetricRecord)) messages.MetricRecord {
	r := messages.MetricRecord{
		Metadata: messages.RecordMetadata{
			SessionNum: id, BenchmarkPhase: b.kindOf(index), PhaseIndex: index, PhaseName: fmt.Sprint("phase", index),
			ProfilingIndex: -1, WorkerID: "worker_a", RecordProcessorID: "record_processor_a", StampSource: "kernel",
			RequestStartNS: startNS.Add(time.Duration(id) * time.Millisecond), RequestEndNS: startNS.Add(time.Duration(id+10) * time.Millisecond),
		},
		Metrics: []messages.MetricValue{{Tag: "request_latency", Number: 1e7, Integer: true}, {Tag: "output_sequence_length", Number: 5, Integer: true}},
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func withError(typ, text string) func(*messages.MetricRecord) {
	return func(r *messages.MetricRecord) { r.Error, r.Metrics = messages.NewError(typ, text), nil }
}

func withCancel(r *messages.MetricRecord) {
	withError("RequestCancellationError", "cancelled")(r)
	r.Metadata.WasCancelled = true
}

// lostWith is the substitute that the timing manager makes for a dead worker's credit.
func lostWith(worker string) func(*messages.MetricRecord) {
	return func(r *messages.MetricRecord) {
		withError(workerLost, "worker "+worker+" died")(r)
		r.Metadata.WorkerID, r.Metadata.RecordProcessorID, r.Metadata.StampSource = worker, "", ""
	}
}

func batch(rs ...messages.MetricRecord) *messages.MetricRecords {
	return &messages.MetricRecords{Records: rs}
}

// records is a batch of successes.
func (b *fixture) records(index int, ids ...int64) *messages.MetricRecords {
	m := &messages.MetricRecords{}
	for _, id := range ids {
		m.Records = append(m.Records, b.record(index, id))
	}
	return m
}

func died(serviceType, id string) *messages.ServiceDown {
	return &messages.ServiceDown{DownServiceID: id, ServiceType: serviceType, Signal: "killed", Restarting: true}
}
