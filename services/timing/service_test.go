package timing

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/messages/bus"
)

// recorder stands for the process around the service.
type recorder struct {
	mu        sync.Mutex
	published []string
	control   []messages.Message
}

func (r *recorder) Publish(m messages.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.published = append(r.published, m.MessageType())
}

func (r *recorder) SendControl(_ context.Context, m messages.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.control = append(r.control, m)
	return nil
}

// end is the last word on the control socket, nil before.
func (r *recorder) end() *messages.CreditsComplete {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.control) == 0 {
		return nil
	}
	return r.control[0].(*messages.CreditsComplete)
}

func (r *recorder) types() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.published...)
}

// rig is a timing manager on real sockets, with its neighbours.
type rig struct {
	t       *TimingManager
	node    *bus.Node
	run     *config.Run
	process *recorder
	records *bus.Socket
	cleanUp func(func())
}

// newRig is usable from specs and benchmarks.
func newRig(dir string, cleanUp func(func()), phases []config.Phase, turns ...int) (*rig, error) {
	node, err := bus.NewNode(bus.Options{ReconnectIvl: 10 * time.Millisecond, ReconnectIvlMax: time.Second, TCPKeepaliveIdleSec: 60, TCPKeepaliveIvlSec: 10})
	if err != nil {
		return nil, err
	}
	cleanUp(func() { _ = node.Close() })
	at := func(name string) string { return "ipc://" + filepath.Join(dir, name) }
	run := &config.Run{DatasetDir: filepath.Join(dir, "data")}
	run.Mesh = config.Mesh{CreditRouter: at("router"), CreditReturn: at("return"), Records: at("records"), Services: []config.ServiceSpec{
		{Type: "timing_manager", ID: "timing_manager"}, {Type: "worker", ID: "worker_a"}, {Type: "worker", ID: "worker_b"},
	}}
	run.Benchmark.Phases = phases
	run.Benchmark.Dataset.Sampling = "sequential"
	run.Environment.Timing.DispatchLeadMS, run.Environment.Timing.MaxCatchupSec = 5, 0.01
	run.Environment.Timing.HighResTimer, run.Environment.Timing.CancelDrainTimeoutSec = true, 2
	run.Environment.Service.StartTimeoutSec, run.Environment.Service.CreditProgressIntervalSec = 20, 2
	if err := writeDataset(run.DatasetDir, turns); err != nil {
		return nil, err
	}
	r := &rig{node: node, run: run, process: &recorder{}, cleanUp: cleanUp}
	if r.records, err = node.Open(bus.Spec{Name: "records", Kind: bus.Pull, Bind: true, Address: run.Mesh.Records, Queue: 4096}); err != nil {
		return nil, err
	}
	cleanUp(r.records.Close)
	r.t = newManager(run, "timing_manager", bootstrap.NewLogger(slog.DiscardHandler), node, r.process)
	cleanUp(func() { _ = r.t.Stop(context.Background()) })
	return r, r.t.Init(context.Background())
}

func writeDataset(dir string, turns []int) error {
	w, err := dataset.NewWriter(dir)
	if err != nil {
		return err
	}
	for i, n := range turns {
		if err := w.Add(&dataset.Conversation{SessionID: fmt.Sprintf("conv-%d", i), Turns: make([]dataset.Turn, n)}, nil); err != nil {
			return err
		}
	}
	_, err = w.Finish()
	return err
}

// begin configures and starts the run as the controller does.
func (r *rig) begin() error {
	if _, err := r.t.onConfigure(context.Background(), nil); err != nil {
		return err
	}
	_, err := r.t.onStart(context.Background(), nil)
	return err
}

// peer is a worker that speaks the protocol and sends nothing anywhere.
type peer struct {
	id     string
	down   *bus.Socket
	up     *bus.Socket
	holds  bool // keeps its credits until they are cancelled
	mu     sync.Mutex
	got    []messages.Credit
	lateBy []time.Duration // arrival − due; negative is early
	wg     sync.WaitGroup
}

func (r *rig) peer(id string, holds bool) (*peer, error) {
	p := &peer{id: id, holds: holds}
	var err error
	if p.down, err = r.node.Open(bus.Spec{Name: id, Kind: bus.Dealer, Address: r.run.Mesh.CreditRouter, Identity: id, Sender: id, HighWater: 100000, Queue: 4096}); err != nil {
		return nil, err
	}
	if p.up, err = r.node.Open(bus.Spec{Name: id + " returns", Kind: bus.Push, Address: r.run.Mesh.CreditReturn, Sender: id, HighWater: 100000, Queue: 4096, Linger: time.Second}); err != nil {
		return nil, err
	}
	r.cleanUp(p.close)
	p.wg.Go(p.work)
	ctx := context.Background()
	if err := p.up.Send(ctx, "", &messages.WorkerConnected{}); err != nil {
		return nil, err
	}
	return p, p.down.Send(ctx, "", &messages.WorkerDispatchable{})
}

func (p *peer) close() {
	p.down.Close()
	p.wg.Wait()
	p.up.Close()
}

func (p *peer) work() {
	for d := range p.down.Receive() {
		switch d.Envelope.Type {
		case "credits":
			p.take(d)
		case "cancel_credits":
			var m messages.CancelCredits
			if err := d.Envelope.Decode(&m); err != nil {
				panic(err)
			}
			back := &messages.CreditReturns{}
			for _, k := range m.Keys {
				back.Returns = append(back.Returns, messages.CreditReturn{CreditKey: messages.CreditKey{PhaseIndex: int(k[0]), ID: k[1]}, Cancelled: true, RecordEmitted: true})
			}
			_ = p.up.Send(context.Background(), "", back)
		}
	}
}

func (p *peer) take(d bus.Delivery) {
	var m messages.Credits
	if err := d.Envelope.Decode(&m); err != nil {
		panic(err)
	}
	back := &messages.CreditReturns{}
	p.mu.Lock()
	now := clock.Wall()
	for _, c := range m.Credits {
		p.got = append(p.got, c)
		p.lateBy = append(p.lateBy, now.Sub(c.IssuedAtNS))
		back.Returns = append(back.Returns, messages.CreditReturn{CreditKey: c.CreditKey, RecordEmitted: true})
	}
	p.mu.Unlock()
	if !p.holds {
		_ = p.up.Send(context.Background(), "", back)
	}
}

func (p *peer) credits() []messages.Credit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]messages.Credit(nil), p.got...)
}

// specRig is a rig inside a spec.
func specRig(phases []config.Phase, turns ...int) *rig {
	r, err := newRig(GinkgoT().TempDir(), func(fn func()) { DeferCleanup(fn) }, phases, turns...)
	Expect(err).NotTo(HaveOccurred())
	return r
}

func (r *rig) addPeer(id string, holds bool) *peer {
	p, err := r.peer(id, holds)
	Expect(err).NotTo(HaveOccurred())
	return p
}

// untilCredits reads the records socket up to the end of the credits.
func (r *rig) untilCreditsComplete() (types []string, lost []messages.MetricRecord) {
	for {
		var d bus.Delivery
		Eventually(r.records.Receive(), 10*time.Second).Should(Receive(&d))
		types = append(types, d.Envelope.Type)
		if d.Envelope.Type == "metric_records" {
			var m messages.MetricRecords
			Expect(d.Envelope.Decode(&m)).To(Succeed())
			lost = append(lost, m.Records...)
		}
		if d.Envelope.Type == "credits_complete" {
			return types, lost
		}
	}
}

func payload(v any) msgpack.RawMessage {
	raw, err := msgpack.Marshal(v)
	Expect(err).NotTo(HaveOccurred())
	return raw
}

var _ = Describe("the timing manager", func() {
	It("runs two phases over real sockets", func() {
		r := specRig([]config.Phase{
			warmup(config.Phase{Type: config.TypeConcurrency, Requests: ptr(20), Concurrency: ptr(4)}),
			profiling(config.Phase{Type: config.TypeConstant, RatePerSec: ptr(1000.0), Sessions: ptr(100)}),
		}, 1, 3)
		a, b := r.addPeer("worker_a", false), r.addPeer("worker_b", false)
		Expect(r.begin()).To(Succeed())
		types, lost := r.untilCreditsComplete()
		Expect(types).To(Equal([]string{"credit_phase_start", "credit_phase_complete", "credit_phase_start", "credit_phase_complete", "credits_complete"}))
		Expect(lost).To(BeEmpty())
		Eventually(r.process.end).ShouldNot(BeNil())
		Expect(r.process.end().Error).To(BeNil())
		published := r.process.types()
		Expect(published[0]).To(Equal("credit_phases_configured"))
		Expect(published[len(published)-1]).To(Equal("credits_complete"))
		Expect(len(a.credits()) + len(b.credits())).To(Equal(20 + 200))
		Expect(len(a.credits())).To(BeNumerically("~", 110, 60), "both get their share")
		for _, p := range []*peer{a, b} {
			sessions := map[string]int{}
			for _, c := range p.credits() {
				Expect(sessions[c.XCorrelationID]).To(Equal(c.TurnIndex), "turns of a session stay together and in order")
				sessions[c.XCorrelationID]++
			}
		}
	})

	It("accounts for a worker that dies, before it closes the phase", func() {
		r := specRig([]config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(40), Concurrency: ptr(4)})}, 1)
		a := r.addPeer("worker_a", true)
		Expect(r.begin()).To(Succeed())
		Eventually(a.credits).Should(HaveLen(4), "all slots are taken by the one that keeps them")
		r.addPeer("worker_b", false)
		a.close()
		_, err := r.t.onServiceDown(context.Background(), payload(messages.ServiceDown{DownServiceID: "worker_a", ServiceType: "worker", Signal: "killed"}))
		Expect(err).NotTo(HaveOccurred())
		types, lost := r.untilCreditsComplete()
		Expect(types).To(Equal([]string{"credit_phase_start", "metric_records", "credit_phase_complete", "credits_complete"}))
		Expect(lost).To(HaveLen(4))
		Expect(lost[0].Error.Type).To(Equal("WorkerLost"))
		Expect(lost[0].Error.Message).To(Equal("worker worker_a was ended by a signal (killed)"))
	})

	It("answers a cancel when everything in flight is back", func() {
		r := specRig([]config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(40), Concurrency: ptr(4)})}, 1)
		a := r.addPeer("worker_a", true)
		Expect(r.begin()).To(Succeed())
		Eventually(a.credits).Should(HaveLen(4))
		_, err := r.t.onCancel(context.Background(), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(r.process.end()).NotTo(BeNil())
		Expect(r.process.end().WasCancelled).To(BeTrue())
		_, err = r.t.onCancel(context.Background(), nil)
		Expect(err).NotTo(HaveOccurred(), "a second one changes nothing")
	})

	It("ends a cancelled run whose worker says nothing any more, within its bound", func() {
		r := specRig([]config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(40), Concurrency: ptr(4)})}, 1)
		a := r.addPeer("worker_a", true)
		Expect(r.begin()).To(Succeed())
		Eventually(a.credits).Should(HaveLen(4))
		a.close() // and nobody is told
		_, err := r.t.onCancel(context.Background(), nil)
		Expect(err).NotTo(HaveOccurred())
		_, lost := r.untilCreditsComplete()
		Expect(lost).To(HaveLen(4))
	})

	It("survives what it does not understand", func() {
		r := specRig([]config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(5)})}, 1)
		p := r.addPeer("worker_a", false)
		ctx := context.Background()
		Expect(p.up.Send(ctx, "", &messages.Heartbeat{})).To(Succeed())
		Expect(p.down.Send(ctx, "", &messages.Heartbeat{})).To(Succeed())
		Expect(p.up.Send(ctx, "", &messages.CreditReturns{Returns: []messages.CreditReturn{{CreditKey: messages.CreditKey{PhaseIndex: -1, ID: 1 << 60}}}})).To(Succeed())
		Expect(r.begin()).To(Succeed())
		types, _ := r.untilCreditsComplete()
		Expect(types).To(HaveLen(3))
	})

	It("refuses to be configured without a dataset, and twice", func() {
		r := specRig([]config.Phase{profiling(config.Phase{Type: config.TypeConcurrency, Requests: ptr(5)})}, 1)
		dir := r.run.DatasetDir
		r.run.DatasetDir = filepath.Join(dir, "missing")
		_, err := r.t.onConfigure(context.Background(), nil)
		Expect(err).To(MatchError(ContainSubstring("missing")))
		r.run.DatasetDir = dir
		_, err = r.t.onConfigure(context.Background(), nil)
		Expect(err).NotTo(HaveOccurred())
		_, err = r.t.onConfigure(context.Background(), nil)
		Expect(err).To(MatchError(ContainSubstring("already configured")))
	})

	It("stops twice, and without ever having started", func() {
		r := specRig(nil, 1)
		Expect(r.t.Stop(context.Background())).To(Succeed())
		Expect(r.t.Stop(context.Background())).To(Succeed())
		Expect(newManager(&config.Run{}, "timing_manager", nil, nil, nil).Stop(context.Background())).To(Succeed())
	})
})

// BenchmarkSockets is a closed loop over real sockets with workers that answer at
// once: the ceiling of credits per second, everything included.
func BenchmarkSockets(b *testing.B) {
	n := b.N
	phase := config.Phase{Name: "profiling", Kind: config.KindProfiling, Type: config.TypeConcurrency, Requests: &n, Concurrency: ptr(256)}
	r, err := newRig(b.TempDir(), b.Cleanup, []config.Phase{phase}, 1)
	if err != nil {
		b.Fatal(err)
	}
	for _, id := range []string{"worker_a", "worker_b"} {
		if _, err := r.peer(id, false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	if err := r.begin(); err != nil {
		b.Fatal(err)
	}
	<-r.t.loop.finished
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "credits/s")
}
