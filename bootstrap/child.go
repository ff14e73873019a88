package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
)

// Descriptors that a child inherits from the launcher.
const (
	runFD   = 3 // the run document, once
	logFD   = 4 // log records upwards
	guardFD = 5 // never written; its end says that the launcher is gone
	// listenFD is the bound socket of the embedded server; that service alone has it.
	listenFD = 6
)

// ControllerType is the one service that others register with.
const ControllerType = "system_controller"

// ChildOptions are the flags of the hidden service command.
type ChildOptions struct {
	Type, ID    string
	LauncherPID int
}

// RunChild is the whole life of a child process. It returns the exit code: 1 when
// the service failed or reported an error, else 0.
func RunChild(opts ChildOptions, stderr io.Writer) int {
	if err := runChild(opts); err != nil {
		fmt.Fprintf(stderr, "aiperf %s: %v\n", opts.ID, err)
		return 1
	}
	return 0
}

func runChild(opts ChildOptions) error {
	if err := armGuards(opts.LauncherPID); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP) // the launcher decides
	setProcessTitle(opts.ID)
	doc := os.NewFile(runFD, "run")
	if doc == nil {
		return errors.New("no run document: this command is started by the launcher")
	}
	run, err := config.ReadRun(doc)
	doc.Close()
	if err != nil {
		return err
	}
	clock.Adopt(run.Anchor)
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return err
	}
	factory, err := plugins.Constructor[Factory](registry, "service", opts.Type)
	if err != nil {
		return err
	}
	tuneRuntime(registry, opts.Type, run)
	logs := newLogWriter(os.NewFile(logFD, "log"), opts.ID, run.Environment.Logging.QueueMaxSize)
	defer logs.close()
	level := serviceLevel(run.LogLevel, run.Environment.Dev.DebugServices, run.Environment.Dev.TraceServices, opts.Type)
	log := NewLogger(&logHandler{put: logs.put, level: level, name: opts.Type, id: opts.ID})
	dumpStacksOnSignal(log)
	c := &child{opts: opts, run: run, log: log, logs: logs}
	err = c.live(factory)
	if err != nil {
		var op *OperationError
		if !errors.As(err, &op) {
			op = &OperationError{Operation: "service_runtime", ServiceID: opts.ID, Err: err}
		}
		logs.put(&messages.ExitError{ErrorDetails: *messages.AsErrorDetails("ServiceError", op.Err), Operation: op.Operation, FromService: opts.ID})
	}
	return err
}

// armGuards makes sure that no child outlives the launcher: a signal from the
// kernel where there is one, and a pipe whose other end only the launcher holds.
func armGuards(launcher int) error {
	_ = armDeathSignal() // not fatal: the pipe guard is enough
	if launcher != 0 && os.Getppid() != launcher {
		return fmt.Errorf("launcher %d is gone", launcher)
	}
	guard := os.NewFile(guardFD, "guard")
	if guard == nil {
		return nil
	}
	if _, err := guard.Stat(); err != nil {
		return nil // started by hand, without a guard
	}
	go func() { // ends with the process: there is nobody left to wait for it
		var b [1]byte
		_, _ = guard.Read(b[:])
		os.Exit(1)
	}()
	return nil
}

// sleepers is how many goroutines of a service sleep in system calls: its sockets'
// actors, its alarm, the guard.
const sleepers = 12

// tuneRuntime keeps garbage collection and the scheduler's patience out of the measured
// path of the services whose manifest entry asks for it (disable_gc), lets them go
// before the others where cores are short, and gives workers their share of the cores.
func tuneRuntime(registry *plugins.Registry, serviceType string, run *config.Run) {
	meta, err := plugins.Metadata[plugins.ServiceMetadata](registry, "service", serviceType)
	if err != nil {
		return
	}
	if meta.Background {
		_ = yieldCores() // a wish: the run is right without it, if less true on few cores
	}
	cores := runtime.GOMAXPROCS(0)
	if n := run.Benchmark.Runtime.GOMAXPROCSPerWorker; serviceType == "worker" && n > 0 {
		cores = n
	}
	if meta.DisableGC {
		// A goroutine in a system call keeps its place at the table for up to 10 ms, until
		// the runtime takes it away; the sockets' actors and the alarm sleep in system
		// calls. With no place to spare, who wakes for an instant waits that long.
		cores += sleepers
		// Collections are rare instead of off, and memory is bounded all the same.
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(1 << 30)
	}
	runtime.GOMAXPROCS(cores)
}

// dumpStacksOnSignal logs every goroutine's stack on SIGUSR1. The goroutine ends
// with the process.
func dumpStacksOnSignal(log *Logger) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGUSR1)
	go func() {
		for range ch {
			buf := make([]byte, 1<<20)
			log.Warn("stack dump\n" + string(buf[:runtime.Stack(buf, true)]))
		}
	}()
}

// child is one service process at work.
type child struct {
	opts ChildOptions
	run  *config.Run
	log  *Logger
	logs *logWriter

	proc    *Process
	service Service
	life    *lifecycle
	events  *bus.Socket // publisher
	sub     *bus.Socket
	control *bus.Socket
	calls   *Calls

	loops  sync.WaitGroup // dispatchers and heartbeat
	probed chan struct{}  // closed when the probe came back
	acks   chan messages.Envelope
	ctx    context.Context
	cancel context.CancelCauseFunc
}

var errShutdown = errors.New("shutdown")

// live walks the service through its lifecycle and returns what ended it, nil for
// an orderly shutdown.
func (c *child) live(factory Factory) (err error) {
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	defer c.cancel(errShutdown)
	c.life = newLifecycle(c.onState)
	c.probed, c.acks = make(chan struct{}), make(chan messages.Envelope, 4)
	zctx, err := bus.NewNode(BusOptions(c.run))
	if err != nil {
		return err
	}
	c.proc = &Process{
		Type: c.opts.Type, ID: c.opts.ID, Run: c.run, Log: c.log, Handlers: NewHandlers(), ZMQ: zctx,
		fail: func(err error) { c.cancel(err) },
	}
	if c.service, err = factory(c.proc); err != nil {
		return fmt.Errorf("make service %s: %w", c.opts.ID, err)
	}
	if err = c.life.to(Initializing); err == nil {
		if err = c.start(); err == nil {
			<-c.ctx.Done()
			if cause := context.Cause(c.ctx); !errors.Is(cause, errShutdown) {
				err = cause
			}
		}
	}
	return errors.Join(err, c.stop(err))
}

// start is everything from construction to running.
func (c *child) start() error {
	ctx, done := context.WithTimeout(c.ctx, Seconds(c.run.Environment.Service.FailureShutdownTimeoutSec)+
		Seconds(c.run.Environment.Service.RegistrationTimeoutSec))
	defer done()
	if c.opts.Type == ControllerType {
		// The controller binds what the others connect to, so it comes first.
		if err := c.service.Init(ctx); err != nil {
			return fmt.Errorf("initialise: %w", err)
		}
	}
	if err := c.connect(); err != nil {
		return err
	}
	if c.opts.Type != ControllerType {
		if err := c.service.Init(ctx); err != nil {
			return fmt.Errorf("initialise: %w", err)
		}
	}
	if err := c.life.to(Initialized); err != nil {
		return err
	}
	if err := c.probe(ctx); err != nil {
		return err
	}
	if err := c.life.to(Starting); err != nil {
		return err
	}
	if c.opts.Type != ControllerType {
		if err := c.register(ctx); err != nil {
			return err
		}
		// The launcher, too, knows how far this process has come, should it end now.
		c.logs.put(&messages.StatusUpdate{ServiceType: c.opts.Type, State: string(c.life.State())})
	}
	c.loops.Go(c.beat) // ends with c.ctx
	if err := c.service.Start(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return c.life.to(Running)
}

func (c *child) onState(old, now State) {
	c.log.Debug("state", "from", old, "to", now)
	if c.control != nil && now != Stopping && now != Stopped {
		_, _ = c.control.TrySend("", &messages.StatusUpdate{ServiceType: c.opts.Type, State: string(now)})
	}
}

// stop tears down in reverse, once, within its bound; a service stuck in a step is
// left behind, for the launcher to kill.
func (c *child) stop(cause error) error {
	if cause != nil {
		_ = c.life.to(Failed)
		if c.events != nil {
			_, _ = c.events.TrySend("", &messages.ServiceError{Error: *messages.AsErrorDetails("ServiceError", cause)})
		}
	} else {
		_ = c.life.to(Stopping)
	}
	c.cancel(errShutdown) // a failure keeps its own cause
	limit := Seconds(c.run.Environment.Service.FailureShutdownTimeoutSec)
	ctx, done := context.WithTimeout(context.Background(), limit)
	defer done()
	finished := make(chan error, 1)
	go func() {
		err := c.service.Stop(ctx)
		if c.calls != nil {
			c.calls.Wait(ctx)
		}
		if c.control != nil {
			// The controller holds consumers back until those who feed them have left.
			_, _ = c.control.TrySend("", &messages.StatusUpdate{ServiceType: c.opts.Type, State: string(Stopped)})
		}
		for _, s := range []*bus.Socket{c.sub, c.events, c.control} {
			if s != nil {
				s.Close()
			}
		}
		c.loops.Wait()
		_ = c.proc.ZMQ.Close()
		finished <- err
	}()
	select {
	case err := <-finished:
		if cause == nil {
			_ = c.life.to(Stopped)
		}
		return err
	case <-ctx.Done():
		return fmt.Errorf("stop service %s: not done within %s", c.opts.ID, limit)
	}
}

// Seconds is a setting in seconds as a duration.
func Seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// BusOptions are the socket settings of a run.
func BusOptions(run *config.Run) bus.Options {
	z := run.Environment.ZMQ
	o := bus.Options{
		ReconnectIvl: time.Duration(z.ReconnectIvlMS) * time.Millisecond, ReconnectIvlMax: time.Duration(z.ReconnectIvlMaxMS) * time.Millisecond,
		TCPKeepaliveIdleSec: z.TCPKeepaliveIdleSec, TCPKeepaliveIvlSec: z.TCPKeepaliveIntvlSec,
	}
	if k := run.Mesh.Curve; k != nil {
		o.Keys = &bus.Keys{Public: k.PublicKey, Secret: k.SecretKey}
	}
	return o
}

// capabilityResults is the capability prefix of a service that owes a result.
const capabilityResults = "result_producer:"

// ResultDomains reads the domains out of a registration's capabilities.
func ResultDomains(capabilities []string) []string {
	var domains []string
	for _, c := range capabilities {
		if d, ok := strings.CutPrefix(c, capabilityResults); ok {
			domains = append(domains, d)
		}
	}
	return domains
}
