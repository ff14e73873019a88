package worker

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
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

// mesh is what stands around a worker: the timing manager's sockets and two record
// processors, over real sockets.
type mesh struct {
	run     *config.Run
	node    *bus.Node
	process *bootstrap.Process
	worker  *Worker
	router  *bus.Socket
	returns *bus.Socket
	pulls   map[string]*bus.Socket

	mu        sync.Mutex
	published []messages.Message
}

func (m *mesh) publish(msg messages.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.published = append(m.published, msg)
}

// of returns the published messages of a type.
func (m *mesh) of(typ string) (out []messages.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, msg := range m.published {
		if msg.MessageType() == typ {
			out = append(out, msg)
		}
	}
	return out
}

func (m *mesh) startupStates() (states []string) {
	for _, msg := range m.of("worker_startup_state") {
		states = append(states, msg.(*messages.WorkerStartupState).StartupState)
	}
	return states
}

func newMesh(target string) *mesh {
	dir := GinkgoT().TempDir()
	at := func(name string) string { return "ipc://" + filepath.Join(dir, name) }
	run := &config.Run{DatasetDir: filepath.Join(dir, "data")}
	run.Benchmark.Models.Names = []string{"m1"}
	run.Benchmark.Endpoint = config.Endpoint{
		Type: "chat", URLs: []string{target}, Streaming: true, Transport: "http", TimeoutSec: 10, APIKey: "sk-secret",
		Capabilities: config.EndpointTraits{EndpointPath: "/v1/chat/completions", SupportsStreaming: true},
	}
	env := &run.Environment
	env.HTTP.ConnectionLimit, env.HTTP.IPVersion, env.HTTP.SSLVerify, env.HTTP.VerifyStreamCompletion = 10, "4", true, true
	env.Worker.HealthCheckIntervalSec, env.Worker.ReturnProbeBudgetSec, env.Worker.ReturnProbeDelaySec = 0.02, 5, 0.1
	env.Worker.SessionCacheMaxEntries, env.ZMQ.PushDrainTimeoutSec = 100, 2
	env.Timing.HighResTimer = true
	env.ZMQ.ReconnectIvlMS, env.ZMQ.ReconnectIvlMaxMS = 10, 100
	run.Mesh = config.Mesh{CreditRouter: at("router"), CreditReturn: at("return"), RawInference: map[string]string{"rp_a": at("a"), "rp_b": at("b")}}
	node, err := bus.NewNode(bootstrap.BusOptions(run))
	Expect(err).NotTo(HaveOccurred())
	m := &mesh{run: run, node: node, pulls: map[string]*bus.Socket{}}
	open := func(kind bus.Kind, address string) *bus.Socket {
		s, err := node.Open(bus.Spec{Name: address, Kind: kind, Bind: true, Address: address, Sender: "peer", Linger: time.Second})
		Expect(err).NotTo(HaveOccurred())
		return s
	}
	m.router, m.returns = open(bus.Router, run.Mesh.CreditRouter), open(bus.Pull, run.Mesh.CreditReturn)
	for id, address := range run.Mesh.RawInference {
		m.pulls[id] = open(bus.Pull, address)
	}
	m.process = &bootstrap.Process{Type: "worker", ID: "worker_1", Run: run, Log: bootstrap.NewLogger(slog.DiscardHandler), Handlers: bootstrap.NewHandlers(), ZMQ: node}
	s, err := New(m.process)
	Expect(err).NotTo(HaveOccurred())
	m.worker = s.(*Worker)
	m.worker.publish = m.publish
	DeferCleanup(func() {
		m.router.Close()
		m.returns.Close()
		for _, p := range m.pulls {
			p.Close()
		}
		Expect(node.Close()).To(Succeed())
	})
	return m
}

func (m *mesh) writeDataset() {
	w, err := dataset.NewWriter(m.run.DatasetDir)
	Expect(err).NotTo(HaveOccurred())
	c := dataset.Conversation{SessionID: "c0", Turns: []dataset.Turn{{MaxTokens: 4}}}
	Expect(w.Add(&c, [][]byte{[]byte(`{"messages":[]}`)})).To(Succeed())
	_, err = w.Finish()
	Expect(err).NotTo(HaveOccurred())
}

func (m *mesh) command(name string, payload any) error {
	raw, err := msgpack.Marshal(payload)
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = m.process.Handlers.Commands()[name](ctx, raw)
	return err
}

func (m *mesh) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return m.worker.Stop(ctx)
}

// next takes the next message of a socket.
func next[T any, M interface {
	*T
	messages.Message
}](s *bus.Socket) M {
	var d bus.Delivery
	Eventually(s.Receive(), 5*time.Second).Should(Receive(&d))
	Expect(d.Envelope.Type).To(Equal(M(new(T)).MessageType()))
	msg := M(new(T))
	Expect(d.Envelope.Decode(msg)).To(Succeed())
	return msg
}

// records takes n records from both processors.
func (m *mesh) records(n int) (all []messages.RequestRecord) {
	deadline := time.After(5 * time.Second)
	for len(all) < n {
		var d bus.Delivery
		select {
		case d = <-m.pulls["rp_a"].Receive():
		case d = <-m.pulls["rp_b"].Receive():
		case <-deadline:
			Fail("records are missing")
		}
		var r messages.RawResults
		Expect(d.Envelope.Decode(&r)).To(Succeed())
		all = append(all, r.Records...)
	}
	return all
}

var _ = Describe("the worker in the mesh", func() {
	var m *mesh
	var stuck chan struct{}
	BeforeEach(func() {
		stuck = make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Correlation-ID") == "stuck" {
				_, _ = io.Copy(io.Discard, r.Body) // then the server notices when the client goes
				stuck <- struct{}{}
				<-r.Context().Done()
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: "+content("hi")+"\n\ndata: [DONE]\n\n")
		}))
		m = newMesh(s.URL)
		DeferCleanup(s.Close)
	})

	ready := func() {
		m.writeDataset()
		ctx := context.Background()
		Expect(m.worker.Init(ctx)).To(Succeed())
		Expect(m.worker.Start(ctx)).To(Succeed())
		Expect(m.command(messages.CommandProfileConfigure, nil)).To(Succeed())
		next[messages.WorkerConnected](m.returns)
		next[messages.WorkerDispatchable](m.router)
	}
	send := func(credits ...messages.Credit) {
		Expect(m.router.Send(context.Background(), "worker_1", &messages.Credits{Credits: credits})).To(Succeed())
	}
	returns := func(n int) (all []messages.CreditReturn) {
		for len(all) < n {
			all = append(all, next[messages.CreditReturns](m.returns).Returns...)
		}
		return all
	}

	It("becomes ready step by step", func() {
		ready()
		Expect(m.command(messages.CommandProfileConfigure, nil)).To(Succeed(), "a second time changes nothing")
		Expect(m.startupStates()).To(Equal([]string{"starting", "waiting_for_dataset", "router_probing", "ready"}))
		Expect(m.stop()).To(Succeed())
		next[messages.WorkerShutdown](m.returns)
		Expect(m.command(messages.CommandProfileConfigure, nil)).To(MatchError(errStopping))
	})

	It("turns credits into requests, records and returns", func() {
		ready()
		var credits []messages.Credit
		for id := range int64(100) {
			c := credit(id)
			if id%2 == 0 {
				c.ScheduledNS = clock.Wall().Add(10 * time.Millisecond)
				c.IssuedAtNS = c.ScheduledNS
			}
			credits = append(credits, c)
		}
		send(credits...)
		seen := map[int64]messages.RequestRecord{}
		for _, r := range m.records(100) {
			seen[r.Credit.ID] = r
		}
		Expect(seen).To(HaveLen(100))
		for id, r := range seen {
			Expect(r.Error).To(BeNil())
			Expect(r.WorkerID).To(Equal("worker_1"))
			Expect(r.MaxTokens).To(Equal(4))
			Expect(r.Responses).To(HaveLen(2))
			Expect(r.Trace.SendStartNS).To(Equal(r.SendPerfNS))
			if id%2 == 0 {
				Expect(r.TimestampNS).To(BeNumerically(">=", r.Credit.ScheduledNS), "never early")
			}
		}
		for _, r := range returns(100) {
			Expect(r.Error).To(BeEmpty())
			Expect(r.RecordEmitted).To(BeTrue())
			Expect(m.pulls).To(HaveKey(r.RecordProcessorID))
		}
		Eventually(func() any {
			all := m.of("worker_health")
			if len(all) == 0 {
				return nil
			}
			return all[len(all)-1].(*messages.WorkerHealth).TaskStats
		}).Should(Equal(messages.TaskStats{Total: 100, Completed: 100}))
		Expect(m.stop()).To(Succeed())
	})

	It("aborts a request that nobody wants any more", func() {
		ready()
		c := credit(1)
		c.XCorrelationID = "stuck"
		send(c)
		Eventually(stuck, 5*time.Second).Should(Receive())
		Expect(m.router.Send(context.Background(), "worker_1", &messages.CancelCredits{Keys: [][2]int64{{1, 1}}})).To(Succeed())
		r := returns(1)[0]
		Expect(r.Cancelled).To(BeTrue())
		Expect(r.RecordEmitted).To(BeTrue())
		Expect(*m.records(1)[0].Error.Code).To(BeEquivalentTo(499))
		Expect(m.stop()).To(Succeed())
	})

	It("sends every record and return that it owes before it leaves", func() {
		ready()
		c := credit(1)
		c.XCorrelationID = "stuck"
		later := credit(2)
		later.ScheduledNS = clock.Wall().Add(time.Hour)
		send(c, later)
		Eventually(stuck, 5*time.Second).Should(Receive())
		Expect(m.stop()).To(Succeed())
		Expect(m.records(1)[0].Credit.ID).To(BeEquivalentTo(1))
		outcome := map[int64]bool{}
		for _, r := range returns(2) {
			Expect(r.Cancelled).To(BeTrue())
			outcome[r.ID] = r.RecordEmitted
		}
		Expect(outcome).To(Equal(map[int64]bool{1: true, 2: false}))
		next[messages.WorkerShutdown](m.returns)
		Expect(m.startupStates()).To(ContainElement("shutting_down"))
	})

	It("goes on with the others when a record processor dies, and comes back to it", func() {
		ready()
		m.pulls["rp_a"].Close()
		code := 137
		Expect(m.command(messages.CommandServiceDown, &messages.ServiceDown{DownServiceID: "rp_a", ServiceType: "record_processor", ExitCode: &code, Restarting: true, ReplacementID: "rp_a"})).To(Succeed())
		send(credit(1), credit(2), credit(3))
		for _, r := range returns(3) {
			Expect(r.RecordProcessorID).To(Equal("rp_b"))
		}
		s, err := m.node.Open(bus.Spec{Name: "again", Kind: bus.Pull, Bind: true, Address: m.run.Mesh.RawInference["rp_a"]})
		Expect(err).NotTo(HaveOccurred())
		m.pulls["rp_a"] = s
		Expect(m.command(messages.CommandServiceUp, &messages.ServiceDown{DownServiceID: "rp_a", ServiceType: "record_processor"})).To(Succeed())
		send(credit(4), credit(5))
		chosen := map[string]bool{}
		for _, r := range returns(2) {
			chosen[r.RecordProcessorID] = true
		}
		Expect(chosen).To(HaveKey("rp_a"))
		Expect(m.records(5)).To(HaveLen(5))
		Expect(m.stop()).To(Succeed())
	})

	It("says why it cannot be configured", func() {
		ctx := context.Background()
		Expect(m.worker.Init(ctx)).To(Succeed())
		Expect(m.worker.Start(ctx)).To(Succeed())
		Expect(m.command(messages.CommandProfileConfigure, nil)).To(MatchError(ContainSubstring("dataset")))
		Expect(m.stop()).To(Succeed())
	})

	It("goes on after its budget when the return channel does not answer", func() {
		m.writeDataset()
		m.returns.Close()
		m.run.Environment.Worker.ReturnProbeBudgetSec = 0.02
		ctx := context.Background()
		Expect(m.worker.Init(ctx)).To(Succeed())
		Expect(m.command(messages.CommandProfileConfigure, nil)).To(Succeed())
		next[messages.WorkerDispatchable](m.router)
		again, err := m.node.Open(bus.Spec{Name: "again", Kind: bus.Pull, Bind: true, Address: m.run.Mesh.CreditReturn})
		Expect(err).NotTo(HaveOccurred())
		m.returns = again
		next[messages.WorkerConnected](m.returns) // nothing was lost meanwhile
		Expect(m.stop()).To(Succeed())
	})

	It("may be stopped before it was started", func() {
		Expect(m.stop()).To(Succeed())
	})
})

var _ = DescribeTable("waiting for an instant", func(precise bool) {
	a, err := newAlarm(precise)
	Expect(err).NotTo(HaveOccurred())
	defer a.Close()
	due := clock.Now().Add(5 * time.Millisecond)
	Expect(a.Approach(context.Background(), due)).To(Succeed())
	a.Reach(due)
	Expect(clock.Now()).To(BeNumerically(">=", due))
	Expect(a.Approach(context.Background(), due)).To(Succeed(), "one that has passed")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	Expect(a.Approach(ctx, clock.Now().Add(time.Hour))).NotTo(Succeed())
}, Entry("precisely", true), Entry("with plain timers", false))

var _ = Describe("the worker's health", func() {
	It("is read from the process", func() {
		meter := newMeter(2)
		deadline := clock.Now().Add(20 * time.Millisecond)
		for clock.Now() < deadline { // work
		}
		meter.tick()
		h := meter.read()
		Expect(h.CPUUsage).To(BeNumerically(">", 0))
		Expect(meter.peak).To(BeNumerically(">", 0))
		Expect(h.CPUTimes[0]).To(BeNumerically(">", 0))
		Expect(h.MemoryUsage).To(BeNumerically(">", 1<<20))
		Expect(h.NumThreads).To(BeNumerically(">=", 1))
		Expect(h.NumCtxSwitches).To(HaveLen(2))
		Expect(h.Uptime).To(BeNumerically(">=", 0.02))
	})

	It("is a share of the cores that the worker may use", func() {
		m := &meter{cores: 4}
		Expect(m.percent(2*time.Second, time.Second)).To(Equal(50.0))
		Expect(m.percent(time.Second, 0)).To(BeZero())
	})
})
