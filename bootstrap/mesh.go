package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
)

// MeshOptions are what the launcher supplies.
type MeshOptions struct {
	Executable string                    // this program
	Console    func(line string)         // where log lines of the console go
	Watch      func(e messages.Envelope) // called for every bus message of the run, from one goroutine
	Signals    <-chan os.Signal
	// OnSignal is told of the first and of the second signal, to show a panel.
	OnSignal func(sig os.Signal, second bool)
}

// Outcome is how a run ended.
type Outcome struct {
	Report     *messages.RunReport // nil when the controller had no word
	ExitErrors []messages.ExitError
	ExitCode   int
	Signal     os.Signal // what interrupted the run, or nil
}

// Mesh is a run seen from the launcher: children, their ends, their logs, and the
// launcher's own place on the bus. Run's goroutine owns the state below; others
// only feed its channels.
type Mesh struct {
	run        *config.Run
	opts       MeshOptions
	registry   *plugins.Registry
	executable string
	log        *Logger
	sink       *logSink
	spawner    *spawner
	zctx       *bus.Node
	control    *bus.Socket
	sub        *bus.Socket
	calls      *Calls
	ctx        context.Context // of one set of processes: ends when the last has left
	cancel     context.CancelFunc

	readers sync.WaitGroup // pipe readers and waiters of children, socket dispatchers
	exits   chan exit
	reports chan *messages.RunReport
	timers  chan func()

	children  map[string]*process
	restarts  map[string]int    // by slot: the id that the slot began with
	slots     map[string]string // current id → slot
	stopping  bool
	errMu     sync.Mutex
	errorList []messages.ExitError
}

// NewMesh opens the log file and prepares the run; Plan has filled in the mesh.
func NewMesh(run *config.Run, opts MeshOptions) (*Mesh, error) {
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return nil, err
	}
	sink, err := newLogSink(run.ArtifactDir, ParseLevel(run.LogLevel), opts.Console)
	if err != nil {
		return nil, err
	}
	return &Mesh{
		run: run, opts: opts, registry: registry, executable: opts.Executable, sink: sink, log: sink.logger(),
		exits: make(chan exit, 64), reports: make(chan *messages.RunReport, 1), timers: make(chan func(), 64),
	}, nil
}

// Log is the launcher's logger; its lines go into the run's log file.
func (m *Mesh) Log() *Logger { return m.log }

// cancelBound is how long an interrupted run may take to end by itself.
const cancelBound = 15 * time.Second

// lastWordBound is how long the report of a controller that has left may take.
const lastWordBound = 2 * time.Second

// stopBound is how long services may take to leave after the end of the run.
const stopBound = 5 * time.Second

// Run starts everything, watches it to the end and cleans up. It returns when no
// child is left.
func (m *Mesh) Run(ctx context.Context) Outcome {
	defer m.sink.close()
	dumpStacksOnSignal(m.log)
	raiseFileLimit(m.log)
	out := m.live(ctx, m.run)
	if reason := out.recoverReason; reason != "" && out.Signal == nil && journalHasRecords(m.run.ArtifactDir) {
		m.log.Error("run ended early; summarising what was recorded", "reason", reason)
		recovered := m.recover(ctx, reason)
		out.Report = recovered.Report
		if recovered.Report == nil {
			m.log.Error("the journal could not be summarised; it stays in the artifact directory", "dir", m.run.ArtifactDir)
		}
		out.ExitCode = 1
	}
	m.cleanUp(m.run)
	sweepStderr(m.run.ArtifactDir)
	out.ExitErrors = m.exitErrors()
	return out.Outcome
}

type ending struct {
	Outcome
	recoverReason string // a singleton died while there was something to lose
}

// live is one set of processes from first start to last exit.
func (m *Mesh) live(ctx context.Context, run *config.Run) (out ending) {
	m.ctx, m.cancel = context.WithCancel(ctx)
	m.spawner = newSpawner()
	defer m.spawner.close()
	m.children, m.slots, m.restarts, m.stopping = map[string]*process{}, map[string]string{}, map[string]int{}, false
	if err := m.attach(run); err != nil {
		m.addExitError(exitError("Initialize", launcherName, err))
		m.detach()
		out.ExitCode = 1
		return out
	}
	defer m.detach()
	m.log.Info(servicesLine(run.Mesh.Services))
	for _, spec := range run.Mesh.Services {
		p, err := m.start(spec, run)
		if err != nil {
			m.addExitError(exitError("Start Service Manager", launcherName, err))
			m.killAll()
			m.reap()
			out.ExitCode = 1
			return out
		}
		m.children[spec.ID], m.slots[spec.ID] = p, spec.ID
	}
	m.watch(run, &out)
	m.reap()
	return out
}

// watch is the launcher's loop: it returns when the run has had its last word, or
// has lost the right to one.
func (m *Mesh) watch(run *config.Run, out *ending) {
	var bound, lastWord <-chan time.Time
	for {
		select {
		case <-lastWord:
			m.addExitError(exitError("required_service_reaped", ControllerType, errors.New("the controller left without a report")))
			out.ExitCode = 1
			m.killAll()
			return
		case report := <-m.reports:
			out.Report, out.ExitCode = report, report.ExitCode
			if out.Signal != nil {
				out.ExitCode = signalExitCode(out.Signal)
			}
			return
		case e := <-m.exits:
			if e.orderly() && e.proc.spec.Type == ControllerType && lastWord == nil {
				// It leaves after its report, which may still be on its way through the socket.
				delete(m.children, e.proc.spec.ID)
				lastWord = time.After(lastWordBound)
				continue
			}
			if reason := m.onExit(run, e); reason != "" {
				if out.Signal != nil {
					out.ExitCode = signalExitCode(out.Signal)
				} else {
					out.ExitCode, out.recoverReason = 1, reason
				}
				m.killAll()
				return
			}
		case f := <-m.timers:
			f()
		case sig := <-m.opts.Signals:
			second := out.Signal != nil
			m.opts.OnSignal(sig, second)
			if second {
				out.ExitCode = signalExitCode(out.Signal)
				m.killAll()
				return
			}
			out.Signal = sig
			bound = time.After(cancelBound)
			m.readers.Go(func() {
				_, err := m.calls.Call(m.ctx, "", messages.CommandProfileCancel, messages.ProfileCancelPayload{OriginServiceID: launcherName, Reason: sig.String()}, cancelBound)
				if err != nil {
					m.log.Debug("cancel", "err", err)
				}
			})
		case <-bound:
			m.log.Error("the run did not end within its time after the interruption; stopping it by force", "bound", cancelBound)
			out.ExitCode = signalExitCode(out.Signal)
			m.killAll()
			return
		}
	}
}

// reap waits for the children to leave, and kills those that do not.
func (m *Mesh) reap() {
	m.stopping = true
	bound := time.After(stopBound)
	for len(m.children) > 0 {
		select {
		case e := <-m.exits:
			delete(m.children, e.proc.spec.ID)
		case <-m.opts.Signals:
			m.killAll()
		case <-bound:
			for id := range m.children {
				m.log.Warn("service does not stop; killing it", "service", id)
			}
			m.killAll()
		case <-m.timers: // a restart that is not wanted any more
		}
	}
}

func (m *Mesh) killAll() {
	m.stopping = true
	for _, p := range m.children {
		_ = p.cmd.Process.Kill()
	}
}

// attach gives the launcher its place in the mesh: a dealer on the control socket
// and a subscription for the user interface.
func (m *Mesh) attach(run *config.Run) (err error) {
	if m.zctx, err = bus.NewNode(BusOptions(run)); err != nil {
		return err
	}
	m.control, err = m.zctx.Open(bus.Spec{
		Name: "control", Kind: bus.Dealer, Address: run.Mesh.Control, Identity: launcherName, Sender: launcherName,
		HighWater: 100000, Queue: 1024,
	})
	if err == nil {
		m.sub, err = m.zctx.Open(bus.Spec{
			Name: "watch", Kind: bus.Sub, Address: run.Mesh.EventBusBackend, Sender: launcherName, HighWater: 1000, Queue: 1024,
			Subscriptions: watchTopics(),
		})
	}
	if err != nil {
		return err
	}
	m.calls = NewCalls(m.control, m.log, map[string]CommandFunc{})
	reg := &messages.Registration{ServiceType: launcherName, State: string(Running), ProtocolVersion: messages.ProtocolVersion, Token: run.Mesh.Token, PID: os.Getpid()}
	if err := m.control.SendRequest(context.Background(), "", "launcher", reg); err != nil {
		return err
	}
	meshUp := sync.OnceFunc(func() { m.announce(run) })
	m.readers.Go(func() {
		for d := range m.control.Receive() {
			m.onControl(d.Envelope, meshUp)
		}
	})
	m.readers.Go(func() {
		for d := range m.sub.Receive() {
			m.opts.Watch(d.Envelope)
		}
	})
	return nil
}

func (m *Mesh) detach() {
	m.cancel() // nobody is left who could answer
	for _, s := range []*bus.Socket{m.control, m.sub} {
		if s != nil {
			s.Close()
		}
	}
	m.readers.Wait()
	if m.zctx != nil {
		_ = m.zctx.Close()
	}
}

func (m *Mesh) onControl(e messages.Envelope, meshUp func()) {
	switch e.Type {
	case "registration_ack":
		meshUp() // the controller has bound everything
	case "command_response":
		var r messages.CommandResponse
		if e.Decode(&r) == nil {
			m.calls.Resolve(&r)
		}
	case "run_report":
		var r messages.RunReport
		if err := e.Decode(&r); err != nil {
			m.log.Error("malformed report from the controller", "err", err)
			return
		}
		select {
		case m.reports <- &r:
		default: // a second one would say the same
		}
	}
}

// watchTopics are the messages a user interface lives on.
func watchTopics() []string {
	var topics []string
	for _, typ := range []string{
		"system_state_changed", "credit_phases_configured", "credit_phase_start", "credit_phase_progress",
		"credit_phase_sending_complete", "credit_phase_complete", "credits_complete", "processing_stats",
		"all_records_received", "realtime_metrics", "worker_status_summary", "service_down",
	} {
		topics = append(topics, messages.Topic(typ, ""))
	}
	return topics
}

// signalExitCode is the shell's convention: 128 and the number.
func signalExitCode(sig os.Signal) int {
	if n, ok := sig.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return 1
}

func exitError(operation, service string, err error) messages.ExitError {
	return messages.ExitError{ErrorDetails: *messages.AsErrorDetails("ServiceError", err), Operation: operation, FromService: service}
}

func (m *Mesh) addExitError(x messages.ExitError) {
	m.errMu.Lock()
	defer m.errMu.Unlock()
	const most = 100
	if len(m.errorList) < most {
		m.errorList = append(m.errorList, x)
	}
}

func (m *Mesh) exitErrors() []messages.ExitError {
	m.errMu.Lock()
	defer m.errMu.Unlock()
	return m.errorList
}

func servicesLine(specs []config.ServiceSpec) string {
	counts := map[string]int{}
	var order []string
	for _, s := range specs {
		if counts[s.Type] == 0 {
			order = append(order, s.Type)
		}
		counts[s.Type]++
	}
	line := fmt.Sprintf("Preparing %d services (", len(specs))
	for i, t := range order {
		if i > 0 {
			line += ", "
		}
		line += fmt.Sprintf("%s: %d", t, counts[t])
	}
	return line + ")"
}
