package controller

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/config"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/metrics"
	"aiperf/plugins"
)

const (
	token   = "the-token"
	patient = 10 * time.Second // of Eventually; nothing takes that long
)

// mesh is a controller with real sockets, among services that only answer.
type mesh struct {
	*Controller
	node    *bus.Node
	watched *watcher
	stopped chan struct{} // closed by the controller's own end
	order   *commandLog
	fakes   map[string]*fake
}

// watcher keeps what the controller published.
type watcher struct {
	mu   sync.Mutex
	all  []messages.Message
	once sync.Once
	done chan struct{}
}

func (w *watcher) Publish(m messages.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, m)
}

func (w *watcher) Shutdown() { w.once.Do(func() { close(w.done) }) }

// types lists what was published, in order.
func (w *watcher) types() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.all {
		if s, ok := m.(*messages.SystemStateChanged); ok {
			out = append(out, "state:"+s.State)
			continue
		}
		out = append(out, m.MessageType())
	}
	return out
}

// commandLog is every command that any service got, in order of arrival.
type commandLog struct {
	mu  sync.Mutex
	all []string // id:command
}

func (l *commandLog) add(id, command string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, id+":"+command)
}

func (l *commandLog) count(entry string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.all {
		if e == entry {
			n++
		}
	}
	return n
}

func (l *commandLog) index(entry string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Index(l.all, entry)
}

// has is for Eventually.
func (l *commandLog) has(entry string) func() bool {
	return func() bool { return l.count(entry) > 0 }
}

func testRun(dir string, services ...config.ServiceSpec) *config.Run {
	run := &config.Run{ArtifactDir: dir, BenchmarkID: "0123456789ab"}
	run.Benchmark.Artifacts.Summary = true
	at := func(name string) string { return "ipc://" + filepath.Join(dir, name+".ipc") }
	run.Mesh = config.Mesh{
		Token: token, EventBusFrontend: at("front"), EventBusBackend: at("back"), Control: at("control"),
		Services: append([]config.ServiceSpec{{Type: "system_controller", ID: "system_controller"}}, services...),
	}
	e := &run.Environment
	e.Service.RegistrationTimeoutSec, e.Service.ProfileConfigureTimeoutSec, e.Service.ProfileStartTimeoutSec = 20, 20, 20
	e.Service.ProfileCancelTimeoutSec = 5
	e.Worker.StatusSummaryIntervalSec, e.Worker.StaleTimeSec, e.Worker.HighLoadCPUUsagePct = 0.5, 10, 85
	e.Worker.ErrorRecoverySec, e.Worker.HighLoadRecoverySec = 3, 5
	e.Record.CompletionStallTimeoutSec, e.Record.ProcessRecordsTimeoutSec = 60, 60
	return run
}

// everybody is a small mesh.
var everybody = []config.ServiceSpec{
	{Type: "records_manager", ID: "records_manager"}, {Type: "record_processor", ID: "record_processor_a"},
	{Type: "dataset_manager", ID: "dataset_manager"}, {Type: "timing_manager", ID: "timing_manager"},
	{Type: "worker", ID: "worker_a"}, {Type: "worker", ID: "worker_b"},
}

var socketOptions = bus.Options{ReconnectIvl: 10 * time.Millisecond, ReconnectIvlMax: time.Second, TCPKeepaliveIdleSec: 60, TCPKeepaliveIvlSec: 10}

// newMesh starts a controller and the launcher's end of its control socket.
func newMesh(run *config.Run, change ...func(*Controller)) *mesh {
	node, err := bus.NewNode(socketOptions)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(node.Close()).To(Succeed()) })
	w := &watcher{done: make(chan struct{})}
	p := &bootstrap.Process{
		Type: "system_controller", ID: "system_controller", Run: run, Handlers: bootstrap.NewHandlers(), ZMQ: node,
		Log: bootstrap.NewLogger(slog.NewTextHandler(io.Discard, nil)),
	}
	m := &mesh{Controller: newController(p, plugins.Builtin(), w), node: node, watched: w, stopped: w.done, order: &commandLog{}, fakes: map[string]*fake{}}
	m.bounds.shutdown = 200 * time.Millisecond
	m.bounds.leave = 20 * time.Millisecond
	for _, f := range change {
		f(m.Controller)
	}
	DeferCleanup(func(ctx context.Context) { Expect(m.Stop(ctx)).To(Succeed()) })
	Expect(m.Init(context.Background())).To(Succeed())
	Expect(m.Start(context.Background())).To(Succeed())
	m.join("launcher", launcherID)
	return m
}

// fake is a service of which only the control socket is real.
type fake struct {
	m       *mesh
	typ, id string
	socket  *bus.Socket
	acks    chan messages.Envelope
	again   chan struct{} // requests to register again
	reports chan *messages.RunReport
	results chan *messages.CommandResponse // of its own commands

	mu      sync.Mutex
	answers map[string]func(*messages.Command) *messages.CommandResponse // nil answer: silence
}

// dial makes a service that has not registered yet.
func (m *mesh) dial(typ, id string) *fake {
	s, err := m.node.Open(bus.Spec{Name: id, Kind: bus.Dealer, Address: m.doc.Mesh.Control, Identity: id, Sender: id, Linger: time.Second})
	Expect(err).NotTo(HaveOccurred())
	f := &fake{
		m: m, typ: typ, id: id, socket: s, acks: make(chan messages.Envelope, 16), again: make(chan struct{}, 16),
		reports: make(chan *messages.RunReport, 4), results: make(chan *messages.CommandResponse, 16),
		answers: map[string]func(*messages.Command) *messages.CommandResponse{},
	}
	if typ == "dataset_manager" {
		f.on(messages.CommandProfileConfigure, succeed(&messages.DatasetConfiguredNotification{}))
	}
	m.fakes[id] = f
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer GinkgoRecover()
		for d := range s.Receive() {
			f.handle(d.Envelope)
		}
	}()
	DeferCleanup(func() {
		s.Close()
		<-done
	})
	return f
}

// join makes a service and registers it.
func (m *mesh) join(typ, id string, capabilities ...string) *fake {
	f := m.dial(typ, id)
	if typ == "records_manager" {
		capabilities = append(capabilities, "result_producer:profile")
	}
	f.register(token, capabilities...)
	return f
}

// joinAll is join for every service of the run that is not there yet.
func (m *mesh) joinAll() {
	for _, s := range m.doc.Mesh.Services {
		if s.ID != m.id && m.fakes[s.ID] == nil {
			m.join(s.Type, s.ID)
		}
	}
}

func (f *fake) register(token string, capabilities ...string) {
	f.registerAs("request", token, 1, capabilities...)
}

func (f *fake) registerAs(request, token string, pid int, capabilities ...string) {
	Expect(f.socket.SendRequest(context.Background(), "", request, &messages.Registration{
		ServiceType: f.typ, State: "running", ProtocolVersion: messages.ProtocolVersion, Token: token, PID: pid, Capabilities: capabilities,
	})).To(Succeed())
}

func (f *fake) say(m messages.Message) {
	Expect(f.socket.Send(context.Background(), "", m)).To(Succeed())
}

// command sends a command to the controller.
func (f *fake) command(name string, payload any) {
	raw, err := msgpack.Marshal(payload)
	Expect(err).NotTo(HaveOccurred())
	f.say(&messages.Command{CommandID: f.id + name, Command: name, Payload: raw})
}

func (f *fake) on(command string, answer func(*messages.Command) *messages.CommandResponse) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[command] = answer
}

func (f *fake) handle(e messages.Envelope) {
	switch e.Type {
	case "registration_ack":
		f.acks <- e
	case "reregister_request":
		f.again <- struct{}{}
	case "run_report":
		var r messages.RunReport
		Expect(e.Decode(&r)).To(Succeed())
		f.reports <- &r
	case "command_response":
		var r messages.CommandResponse
		Expect(e.Decode(&r)).To(Succeed())
		f.results <- &r
	case "command":
		var c messages.Command
		Expect(e.Decode(&c)).To(Succeed())
		f.m.order.add(f.id, c.Command)
		f.mu.Lock()
		answer := f.answers[c.Command]
		f.mu.Unlock()
		r := &messages.CommandResponse{Status: messages.StatusAcknowledged}
		if answer != nil {
			r = answer(&c)
		}
		if r == nil {
			return
		}
		r.CommandID, r.Command = c.CommandID, c.Command
		_ = f.socket.Send(context.Background(), "", r) // the spec may be over
	}
}

// Answers of services.

func succeed(value any) func(*messages.Command) *messages.CommandResponse {
	raw, err := msgpack.Marshal(value)
	Expect(err).NotTo(HaveOccurred())
	return func(*messages.Command) *messages.CommandResponse {
		return &messages.CommandResponse{Status: messages.StatusSuccess, Payload: raw}
	}
}

func refuse(text string) func(*messages.Command) *messages.CommandResponse {
	return func(*messages.Command) *messages.CommandResponse {
		return &messages.CommandResponse{Status: messages.StatusFailure, Error: messages.NewError("SetupError", text)}
	}
}

func silence(*messages.Command) *messages.CommandResponse { return nil }

// then answers and does something more, beside.
func then(do func()) func(*messages.Command) *messages.CommandResponse {
	return func(*messages.Command) *messages.CommandResponse {
		do()
		return &messages.CommandResponse{Status: messages.StatusAcknowledged}
	}
}

// goodProfile is the result of a run of n requests that went well.
func goodProfile(n int64) *exporters.Profile {
	return &exporters.Profile{
		Completed: n, SuccessfulRequestCount: n, IsComplete: true, StartNS: 1e18, EndNS: 1e18 + 1e9,
		Quality: metrics.Quality{Verdict: metrics.VerdictGood},
	}
}

func profileResult(p *exporters.Profile) *messages.ProcessRecordsResult {
	raw, err := msgpack.Marshal(p)
	Expect(err).NotTo(HaveOccurred())
	return &messages.ProcessRecordsResult{Results: raw}
}

// delivers makes the load end as soon as it starts, and the records manager hand in p.
func (m *mesh) delivers(p *exporters.Profile) {
	tm, rm := m.fakes["timing_manager"], m.fakes["records_manager"]
	tm.on(messages.CommandProfileStart, then(func() {
		tm.say(&messages.CreditsComplete{})
		rm.say(profileResult(p))
	}))
}

// report is the controller's last word to the launcher.
func (m *mesh) report() *messages.RunReport {
	var r *messages.RunReport
	Eventually(m.fakes[launcherID].reports, patient).Should(Receive(&r))
	return r
}

func (m *mesh) reportOf(r *messages.RunReport) *exporters.Report {
	report := &exporters.Report{}
	Expect(msgpack.Unmarshal(r.Report, report)).To(Succeed())
	return report
}

// operations lists where the exit errors came from.
func operations(r *messages.RunReport) (out []string) {
	for _, e := range r.ExitErrors {
		out = append(out, e.Operation+": "+e.ErrorDetails.Type)
	}
	return out
}

func (m *mesh) cancel(reason string) {
	m.fakes[launcherID].command(messages.CommandProfileCancel, messages.ProfileCancelPayload{Reason: reason})
}
