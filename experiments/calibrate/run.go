package calibrate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/bootstrap/preflight"
	"aiperf/config"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/plugins"
)

// Options are what the launcher supplies.
type Options struct {
	Executable string
	Env        []string
	Signals    <-chan os.Signal
	// Resolve makes a run of the flags of `aiperf profile`.
	Resolve func(args []string) (*config.Run, error)
	Machine config.Machine
	Plans   []Plan
	Quick   bool
	// Done is told of each rung as it is measured.
	Done func(kind string, r config.CalibrationRung)
}

// Interrupted says that a signal ended the calibration.
type Interrupted struct{ Signal os.Signal }

func (i Interrupted) Error() string { return "interrupted by " + i.Signal.String() }

// most is how long the climbing may take: no rung begins later.
func (o Options) most() time.Duration {
	if o.Quick {
		return 14 * time.Second
	}
	return 55 * time.Second
}

// Run climbs all ladders. What was measured until an error is thrown away.
func Run(ctx context.Context, o Options) (*config.Calibration, error) {
	dir, err := os.MkdirTemp("", "aiperf-calibrate-")
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	defer os.RemoveAll(dir)
	began, load := time.Now(), newOtherLoad()
	c := &config.Calibration{Machine: o.Machine, Taken: began.UTC().Format(time.RFC3339), Quick: o.Quick}
	list := cores()
	c.ServerCores = serverCores(list)
	if len(c.ServerCores) > 0 {
		if err := pinProcess(without(list, c.ServerCores)); err != nil {
			return nil, fmt.Errorf("calibrate: choose cores: %w", err)
		}
		defer func() { _ = pinProcess(list) }() // whoever comes next in this process
	}
	server, err := StartServer(ctx, ServerOptions{Executable: o.Executable, Env: o.Env, Dir: dir, Cores: c.ServerCores, Flags: []string{"--no-tokenizer", "--fast=false"}})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	m := &measurer{Options: o, server: server, dir: dir}
	for i, p := range o.Plans {
		// The time that is left is shared by the ladders that are left.
		share := (o.most() - time.Since(began)) / time.Duration(len(o.Plans)-i)
		until := time.Now().Add(share)
		climb := climber{runner: m, done: o.Done, timeIsUp: func() bool { return !time.Now().Before(until) }}
		ladder, err := climb.climb(ctx, p)
		if err != nil {
			return nil, err
		}
		switch p.Kind {
		case Requests:
			c.Requests = ladder
		case Events:
			c.Events = ladder
		case Streams:
			c.Streams = ladder
		}
	}
	server.Stop()
	c.OtherLoadPct = load.percent()
	return c, nil
}

// serverCores are those that the server gets for itself: a quarter, when there are enough
// for both sides. On fewer, a side that is bound to one core is late for its own work more
// often than it is disturbed by the other's.
func serverCores(list []int) []int {
	const enough = 4
	if len(list) < enough {
		return nil
	}
	return list[:len(list)/4]
}

func without(list, taken []int) (rest []int) {
	for _, c := range list {
		if c > taken[len(taken)-1] || c < taken[0] {
			rest = append(rest, c)
		}
	}
	return rest
}

// otherLoad watches what other programs use of the machine.
type otherLoad struct {
	busy, all, own time.Duration
	ok             bool
}

func newOtherLoad() otherLoad {
	busy, all, ok := machineCPU()
	return otherLoad{busy, all, usage(), ok}
}

// percent of the machine that others have used since; nil when it is not known.
func (l otherLoad) percent() *float64 {
	busy, all, ok := machineCPU()
	if !ok || !l.ok || all <= l.all {
		return nil
	}
	others := (busy - l.busy) - (usage() - l.own)
	pct := min(100, max(0, 100*float64(others)/float64(all-l.all)))
	return &pct
}

// measurer makes real runs.
type measurer struct {
	Options
	server *Server
	dir    string
	runs   int
}

// measure is one run at one load.
func (m *measurer) measure(ctx context.Context, kind string, load float64) (config.CalibrationRung, error) {
	rung := config.CalibrationRung{Load: load}
	s := shapeOf(kind, load, m.Quick)
	rung.Streams = s.streams
	if err := m.server.Configure(ctx, s.ttft, s.itl); err != nil {
		return rung, err
	}
	m.runs++
	dir := filepath.Join(m.dir, fmt.Sprintf("run-%d", m.runs))
	defer os.RemoveAll(dir) // its figures are read; the disk of a long ladder is not ours
	run, err := m.Resolve(s.arguments(m.server.URL, dir))
	if err != nil {
		return rung, err
	}
	out, cpu, err := m.start(ctx, run)
	if err != nil {
		return rung, err
	}
	report, err := reportOf(out)
	if err != nil {
		return rung, err
	}
	records, err := ReadRecords(filepath.Join(dir, exporters.FileNames("").Records))
	if err != nil {
		return rung, err
	}
	answers, err := m.server.Answers(ctx, len(records))
	if err != nil {
		return rung, err
	}
	c := Compare(records, answers)
	rung.Requests = int64(len(records))
	rung.KernelStampPct, rung.ServerStamps = c.KernelPct, c.ServerStamps
	rung.TTFTErrorMS, rung.LatencyErrorMS = c.TTFTError(), c.LatencyError()
	units := float64(c.Matched)
	switch kind {
	case Requests:
		rung.Delivered = c.Rate()
		rung.ArrivalErrorMS = c.ArrivalError(load)
	case Events:
		rung.Delivered, units = c.EventRate(), float64(c.Events)
	case Streams:
		rung.Delivered, units = float64(c.InFlight), float64(c.Events)
	}
	if cpu > 0 && units > 0 {
		micros := float64(cpu.Microseconds()) / units
		rung.CPUMicros = &micros
	}
	rung.Trouble = failures(c, report)
	return rung, nil
}

// failures says what went wrong with requests; "" when nothing did.
func failures(c Comparison, report *exporters.Report) string {
	if c.Failed > 0 {
		text := fmt.Sprintf("%d of %d requests failed", c.Failed, c.Failed+c.Matched+c.Missing)
		if report.Profile != nil && len(report.Profile.ErrorSummary) > 0 {
			text += ": " + report.Profile.ErrorSummary[0].Details.Message
		}
		return text
	}
	if c.Missing > 0 {
		return fmt.Sprintf("%d answers are missing in the server's log", c.Missing)
	}
	return ""
}

// start is a whole run through the mesh: its outcome, and the CPU time of all its
// processes while requests were measured.
func (m *measurer) start(ctx context.Context, run *config.Run) (out bootstrap.Outcome, cpu time.Duration, err error) {
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return out, 0, err
	}
	if problems := preflight.Check(run, registry, nil); len(problems) > 0 {
		return out, 0, fmt.Errorf("calibrate: %w", problems[0])
	}
	bootstrap.SweepDead(run)
	if err := bootstrap.Plan(run); err != nil {
		return out, 0, err
	}
	defer os.RemoveAll(run.Mesh.IPCDir) // what the mesh removes itself, when it gets that far
	defer os.RemoveAll(run.DatasetDir)
	if err := bootstrap.Own(run); err != nil {
		return out, 0, err
	}
	used := phaseCPU{except: m.server.PID}
	mesh, err := bootstrap.NewMesh(run, bootstrap.MeshOptions{
		Executable: m.Executable, Console: func(string) {}, Watch: used.onMessage, Signals: m.Signals, OnSignal: func(os.Signal, bool) {},
	})
	if err != nil {
		return out, 0, err
	}
	out = mesh.Run(ctx)
	if out.Signal != nil {
		return out, 0, Interrupted{out.Signal}
	}
	return out, used.total(), nil
}

// reportOf is the report of a run that has come to its end, however bad its figures are.
func reportOf(out bootstrap.Outcome) (*exporters.Report, error) {
	if out.Report == nil || len(out.Report.Report) == 0 || len(out.ExitErrors) > 0 {
		var reasons []string
		for _, e := range out.ExitErrors {
			reasons = append(reasons, e.ErrorDetails.Message)
		}
		return nil, fmt.Errorf("calibrate: a run failed: %s", strings.Join(append(reasons, fmt.Sprintf("exit code %d", out.ExitCode)), "; "))
	}
	var r exporters.Report
	if err := msgpack.Unmarshal(out.Report.Report, &r); err != nil {
		return nil, fmt.Errorf("calibrate: read the report of a run: %w", err)
	}
	return &r, nil
}

// phaseCPU takes the CPU time of this process and its children at the start of the
// measured phase and when its last record was processed. Its messages come from one
// goroutine.
type phaseCPU struct {
	except   int
	mu       sync.Mutex
	from, to time.Duration
}

func (p *phaseCPU) onMessage(e messages.Envelope) {
	var at *time.Duration
	switch e.Type {
	case "credit_phase_start":
		var m messages.CreditPhaseStart
		if e.Decode(&m) != nil || m.Config.PhaseKind != config.KindProfiling {
			return
		}
		at = &p.from
	case "all_records_received":
		at = &p.to
	default:
		return
	}
	if cpu, ok := TreeCPU(os.Getpid(), p.except); ok {
		p.mu.Lock()
		*at = cpu
		p.mu.Unlock()
	}
}

// total is 0 when it is not known.
func (p *phaseCPU) total() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.from == 0 || p.to < p.from {
		return 0
	}
	return p.to - p.from
}

// errBusy is why a calibration is not kept.
var errBusy = errors.New("other programs used too much of the machine")

// Usable says whether a calibration tells of the machine, not of what else ran on it.
func Usable(c *config.Calibration) error {
	const most = 25 // percent
	if c.OtherLoadPct != nil && *c.OtherLoadPct > most {
		return fmt.Errorf("%w: %.0f %% (most %d %%); repeat when it is quiet", errBusy, *c.OtherLoadPct, most)
	}
	return nil
}
