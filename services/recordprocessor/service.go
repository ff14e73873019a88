package recordprocessor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/dataset"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/transports"
)

func init() {
	plugins.Register("service", "aiperf.services.recordprocessor:RecordProcessor", bootstrap.Factory(New))
}

// Processor is the record_processor service.
//
// The goroutine of loop owns the engine and everything that goes through it; it
// begins when profile_configure has put the engine there. Until then workers' results
// wait in the socket. When the records manager is slow, loop waits for it, the
// socket fills, and the workers choose other processors or wait in turn.
type Processor struct {
	p          *bootstrap.Process
	raw        *bus.Socket // pull, bound: workers' results
	records    *bus.Socket // push: to the records manager
	loading    *loading
	store      *dataset.Store
	configure  sync.Mutex
	configured chan struct{} // closed when engine is there
	engine     *engine       // of loop
	flushes    chan chan error

	run  context.Context // ends when nothing may be sent any more
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New makes the processor and registers its commands.
func New(p *bootstrap.Process) (bootstrap.Service, error) {
	s := &Processor{p: p, configured: make(chan struct{}), flushes: make(chan chan error)}
	s.run, s.stop = context.WithCancel(context.Background())
	h := p.Handlers
	h.OnCommand(messages.CommandProfileConfigure, s.onConfigure)
	for _, name := range []string{messages.CommandProfileComplete, messages.CommandFinalizeArtifacts, messages.CommandProfileCancel} {
		h.OnCommand(name, s.onFlush)
	}
	return s, nil
}

// Init opens both sockets and begins to load the tokenizer. A restarted processor
// binds the address of the one that died.
func (s *Processor) Init(context.Context) (err error) {
	mesh := s.p.Run.Mesh
	address, known := mesh.RawInference[s.p.ID]
	if !known {
		return fmt.Errorf("record processor %s has no address in the run document", s.p.ID)
	}
	s.raw, err = s.p.ZMQ.Open(bus.Spec{
		Name: "raw_inference", Kind: bus.Pull, Bind: true, Address: address, Sender: s.p.ID, HighWater: 256, Queue: 32,
	})
	if err != nil {
		return err
	}
	s.records, err = s.p.ZMQ.Open(bus.Spec{
		Name: "records", Kind: bus.Push, Address: mesh.Records, Sender: s.p.ID, HighWater: 256, Queue: 32,
		Linger: time.Duration(s.p.Run.Environment.ZMQ.PushDrainTimeoutSec * float64(time.Second)),
	})
	if err != nil {
		return err
	}
	s.loading = load(s.p.Run)
	s.wg.Go(s.loop)
	return nil
}

// Start does nothing: results are processed from profile_configure on.
func (*Processor) Start(context.Context) error { return nil }

// onConfigure makes the engine. Only the first call does anything.
func (s *Processor) onConfigure(ctx context.Context, payload msgpack.RawMessage) (any, error) {
	if _, err := bootstrap.Payload[messages.DatasetConfiguredNotification](payload); err != nil {
		return nil, err
	}
	s.configure.Lock()
	defer s.configure.Unlock()
	select {
	case <-s.configured:
		return nil, nil
	default:
	}
	parts, err := s.loading.wait(ctx)
	if err != nil {
		return nil, err
	}
	if s.store, err = dataset.Open(s.p.Run.DatasetDir); err != nil {
		return nil, err
	}
	files, err := exporters.OpenFragments(s.p.Run, s.p.ID)
	if err != nil {
		return nil, err
	}
	s.engine = parts.engine(s.p.ID, s.store, s.p.Run, func(text string) { s.p.Log.Warn(text) })
	s.engine.written = newWritten(files, transports.RunHeaders(s.p.Run, parts.endpoint.Headers(), endpoints.Streams(s.p.Run.Benchmark.Endpoint)))
	close(s.configured)
	return nil, nil
}

// loop processes results in the order they come. It ends when the socket is closed
// and everything that arrived is processed.
func (s *Processor) loop() {
	select {
	case <-s.configured:
	case <-s.run.Done():
		return
	}
	var b batch
	due := time.NewTimer(maxDelay)
	due.Stop()
	for {
		select {
		case d, open := <-s.raw.Receive():
			if !open {
				_ = s.send(&b)
				if err := s.engine.written.close(); err != nil {
					s.p.Log.Error("requests and answers could not be written down", "err", err)
				}
				return
			}
			if s.take(&b, d) {
				due.Reset(maxDelay)
			}
		case <-due.C:
			_ = s.send(&b)
		case done := <-s.flushes:
			s.takeQueued(&b)
			done <- errors.Join(s.send(&b), s.engine.written.flush())
		}
	}
}

// take processes one message; first tells that a batch has begun with it.
func (s *Processor) take(b *batch, d bus.Delivery) (first bool) {
	var m messages.RawResults
	if d.Envelope.Type != m.MessageType() {
		s.p.Log.Warn("unknown message on the raw results socket", "type", d.Envelope.Type, "from", d.Envelope.ServiceID)
		return false
	}
	if err := d.Envelope.Decode(&m); err != nil {
		s.p.Log.Warn("malformed raw results", "from", d.Envelope.ServiceID, "err", err)
		return false
	}
	for i := range m.Records {
		first = first || b.len() == 0
		b.add(s.engine, &m.Records[i])
		if b.full() {
			_ = s.send(b)
			first = false
		}
	}
	return first
}

// takeQueued processes what has arrived so far.
func (s *Processor) takeQueued(b *batch) {
	for {
		select {
		case d, open := <-s.raw.Receive():
			if !open {
				return
			}
			s.take(b, d)
		default:
			return
		}
	}
}

// send waits as long as the records manager has no room, until the service is
// stopped.
func (s *Processor) send(b *batch) error {
	n := b.len()
	err := b.send(func(m messages.Message) error { return s.records.Send(s.run, "", m) })
	if err != nil {
		s.p.Log.Error("metric records are lost", "records", n, "err", err)
	}
	return err
}

// onFlush answers when everything that arrived before has been sent on.
func (s *Processor) onFlush(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	select {
	case <-s.configured:
	default:
		return nil, nil // nothing has been processed
	}
	done := make(chan error, 1)
	select {
	case s.flushes <- done:
	case <-s.run.Done():
		return nil, errors.New("flush records: the service stops")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case err := <-done:
		return nil, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Stop takes no more results, sends the last records, and closes everything.
func (s *Processor) Stop(ctx context.Context) error {
	defer s.stop()
	if s.raw != nil {
		s.raw.Close()
	}
	select {
	case <-s.configured:
	default:
		s.stop() // loop waits for an engine that will not come
	}
	context.AfterFunc(ctx, s.stop)
	s.wg.Wait() // loop; it waits for the records manager at most until ctx ends
	if s.loading != nil {
		s.loading.join()
	}
	if s.records != nil {
		s.logWaits()
		s.records.Close()
	}
	if s.store != nil {
		s.store.Close()
	}
	return nil
}

func (s *Processor) logWaits() {
	if st := s.records.Stats(); st.Waits > 0 {
		s.p.Log.Debug("waited for the records manager", "times", st.Waits, "in_all", st.WaitTime)
	}
}
