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
	"aiperf/metrics"
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
	// Of one set of processes, made anew for each: what an earlier one still had to say
	// must not be taken for the next one's.
	exits   chan exit
	reports chan *messages.RunReport
	timers  chan func() (fatal string)

	children map[string]*process
	slots    map[string]*slot // by current id
	unborn   map[string][]string
	stopping bool

	deaths   []metrics.ProcessDeath // of the run itself, in order
	signal   os.Signal              // the first one; nil without
	deadline time.Time              // by when an interrupted run has ended
	forced   bool                   // a second signal came

	errMu     sync.Mutex
	errorList []messages.ExitError
}

// NewMesh opens the log file and prepares the run; Plan has filled in the mesh.
func NewMesh(run *config.Run, opts MeshOptions) (*Mesh, error) {
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return nil, err
	}
	sweepStderr(run.ArtifactDir)
	sink, err := newLogSink(run.ArtifactDir, ParseLevel(run.LogLevel), opts.Console)
	if err != nil {
		return nil, err
	}
	return &Mesh{
		run: run, opts: opts, registry: registry, executable: opts.Executable, sink: sink, log: sink.logger(),
	}, nil
}

// Log is the launcher's logger; its lines go into the run's log file.
func (m *Mesh) Log() *Logger { return m.log }

// cancelBound is how long an interrupted run may take to end by itself.
const cancelBound = 15 * time.Second

// leastRecovery is the time that the records of an interrupted run must have left to be
// summarised from the journal.
const leastRecovery = 2 * time.Second

// lastWordBound is how long the report of a controller that has left may take.
const lastWordBound = 2 * time.Second

// cancelAnswerBound is how long the controller, which answers a cancel at once and does
// it afterwards, may take to do so. One that is silent for longer would use up the time
// of the interrupted run.
const cancelAnswerBound = 5 * time.Second

// stopBound is how long services may take to leave after the end of the run.
const stopBound = 5 * time.Second

// leastStop is what they have when the time of an interrupted run is over.
const leastStop = 200 * time.Millisecond

// Run starts everything, watches it to the end and cleans up. It returns when no
// child is left.
func (m *Mesh) Run(ctx context.Context) Outcome {
	defer m.sink.close()
	dumpStacksOnSignal(m.log)
	raiseFileLimit(m.log)
	out := m.live(ctx, m.run)
	if reason := out.recoverReason; reason != "" && m.mayRecover() {
		m.log.Error("run ended early; summarising what was recorded", "reason", reason)
		out.Report = m.recover(ctx, reason).Report
	}
	if journalHasRecords(m.run.ArtifactDir) { // it goes when what is in it has been exported
		m.log.Error("what was recorded could not be summarised; it stays in the artifact directory", "file", JournalName)
	}
	if out.Signal = m.signal; m.signal != nil {
		out.ExitCode = signalExitCode(m.signal)
	}
	m.cleanUp(m.run)
	sweepStderr(m.run.ArtifactDir)
	out.ExitErrors = m.exitErrors()
	return out.Outcome
}

// mayRecover tells whether there is something to recover, and time for it.
func (m *Mesh) mayRecover() bool {
	if !journalHasRecords(m.run.ArtifactDir) || m.forced {
		return false
	}
	return m.signal == nil || time.Until(m.deadline) >= leastRecovery
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
	m.exits, m.reports, m.timers = make(chan exit, 64), make(chan *messages.RunReport, 1), make(chan func() string, 64)
	m.children, m.slots, m.unborn, m.stopping = map[string]*process{}, map[string]*slot{}, map[string][]string{}, false
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
		m.children[spec.ID], m.slots[spec.ID] = p, &slot{}
	}
	m.watch(run, &out)
	m.reap()
	return out
}

// watch is the launcher's loop: it returns when the run has had its last word, or
// has lost the right to one.
func (m *Mesh) watch(run *config.Run, out *ending) {
	var lastWord <-chan time.Time
	unheard := make(chan error, 1)
	for {
		select {
		case report := <-m.reports: // whoever leaves after it does so because of it
			out.Report, out.ExitCode = report, report.ExitCode
			return
		default:
		}
		fatal := ""
		select {
		case report := <-m.reports:
			out.Report, out.ExitCode = report, report.ExitCode
			return
		case <-lastWord:
			fatal = ControllerType + " left without a report"
			m.addExitError(exitError("required_service_reaped", ControllerType, errors.New(fatal)))
		case e := <-m.exits:
			if e.orderly() && e.proc.spec.Type == ControllerType && lastWord == nil {
				// It leaves after its report, which may still be on its way through the socket.
				delete(m.children, e.proc.spec.ID)
				lastWord = time.After(lastWordBound)
				continue
			}
			fatal = m.onExit(run, e)
		case f := <-m.timers:
			fatal = f()
		case sig := <-m.opts.Signals:
			m.onSignal(sig)
			if m.forced {
				m.killAll()
				return
			}
			m.readers.Go(func() { unheard <- m.cancelRun(sig) })
		case err := <-unheard:
			if err != nil {
				fatal = fmt.Sprintf("%s does not answer: %v", ControllerType, err)
				m.log.Error(fatal)
				m.addExitError(exitError("Stop", ControllerType, errors.New(fatal)))
			}
		case <-m.overtime():
			m.log.Error("the run did not end within its time after the interruption; stopping it by force", "bound", cancelBound)
			m.killAll()
			return
		}
		if fatal != "" {
			out.ExitCode, out.recoverReason = 1, fatal
			m.killAll()
			return
		}
	}
}

// onSignal notes a signal and shows it: the first one interrupts, the second forces.
func (m *Mesh) onSignal(sig os.Signal) {
	m.forced = m.signal != nil
	m.opts.OnSignal(sig, m.forced)
	if !m.forced {
		m.signal, m.deadline = sig, time.Now().Add(cancelBound)
	}
}

// overtime ends with the time of an interrupted run; it never does for others.
func (m *Mesh) overtime() <-chan time.Time {
	if m.signal == nil {
		return nil
	}
	return time.After(time.Until(m.deadline))
}

// cancelRun asks the controller to end the run. It fails when there is no answer.
func (m *Mesh) cancelRun(sig os.Signal) error {
	payload := messages.ProfileCancelPayload{OriginServiceID: launcherName, Reason: sig.String()}
	_, err := m.calls.Call(m.ctx, "", messages.CommandProfileCancel, payload, cancelAnswerBound)
	if m.ctx.Err() != nil {
		return nil // the run has ended meanwhile
	}
	return err
}

// reap waits for the children to leave, and kills those that do not. An interrupted run
// has no more than what is left of its time.
func (m *Mesh) reap() {
	m.stopping = true
	m.dropUnborn()
	wait := stopBound
	if m.signal != nil {
		wait = min(wait, max(time.Until(m.deadline), leastStop))
	}
	bound := time.After(wait)
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

// dropUnborn ends the children that have not come as far as registering: nobody could
// ask them to leave, and there is nothing in them.
func (m *Mesh) dropUnborn() {
	for id, p := range m.children {
		if p.spec.Type == ControllerType || p.registered.Load() {
			continue
		}
		_ = p.cmd.Process.Kill()
		m.tell(messages.ServiceDown{DownServiceID: id, ServiceType: p.spec.Type, Signal: "killed"}) // the controller need not wait for it
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
