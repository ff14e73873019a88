package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/bootstrap/preflight"
	"aiperf/config"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/plugins"
	"aiperf/plugins/ui"
	"aiperf/telemetry"
)

// runProfile runs a resolved benchmark to its end: checks, processes, progress,
// report. The error carries the exit code.
func runProfile(state *State, run *config.Run) error {
	// Whoever reads the console may leave, as in `aiperf profile ... | head`: the run goes
	// on for its files. Unlike an ignored signal, a caught one is not passed on to children.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return exitError{2, err}
	}
	if problems := preflight.Check(run, registry, collectors(registry)); len(problems) > 0 {
		return exitError{2, asError(problems)}
	}
	if err := claim(run.ArtifactDir); err != nil {
		return exitError{2, err}
	}
	run.Warnings = append(run.Warnings, preflight.Warnings(run)...)
	if run.Benchmark.MockServer != nil {
		cleanup, err := bootstrap.PlanMockServer(run)
		if err != nil {
			return exitError{1, err}
		}
		defer cleanup()
	}
	bootstrap.SweepDead(run)
	if err := bootstrap.Plan(run); err != nil {
		return exitError{2, err}
	}
	defer removeAll(run.Mesh.IPCDir, run.DatasetDir) // what the mesh removes itself, when it gets that far
	if err := bootstrap.Own(run); err != nil {
		return exitError{2, err}
	}
	return show(state, run, registry)
}

func removeAll(dirs ...string) {
	for _, dir := range dirs {
		if dir != "" {
			_ = os.RemoveAll(dir)
		}
	}
}

// collectors makes a collector that can be asked what it lacks of the host.
func collectors(registry *plugins.Registry) func(name string) (any, error) {
	return func(name string) (any, error) {
		construct, err := plugins.Constructor[telemetry.Constructor](registry, "gpu_telemetry_collector", name)
		if err != nil {
			return nil, err
		}
		return construct(telemetry.Config{})
	}
}

// show starts the mesh under a user interface and reports what came of it.
func show(state *State, run *config.Run, registry *plugins.Registry) error {
	screen := newScreen(state, run)
	var mesh *bootstrap.Mesh
	view, err := screen.view(registry, func(text string) { logText(mesh.Log(), text) })
	if err != nil {
		return exitError{2, err}
	}
	screen.ui = view
	mesh, err = bootstrap.NewMesh(run, bootstrap.MeshOptions{
		Executable: state.Executable, Console: view.Line, Watch: view.Message, Signals: state.Signals, OnSignal: screen.onSignal,
	})
	if err != nil {
		view.Close()
		return exitError{2, err}
	}
	for _, w := range run.Warnings {
		mesh.Log().Warn(w)
	}
	mesh.Log().Log(context.Background(), slog.LevelDebug, "resolved", "benchmark_id", run.BenchmarkID, "cli_command", run.CLICommand)
	out := mesh.Run(context.Background())
	view.Close()
	return screen.conclude(out)
}

// screen is where a run is shown: the progress, the panels, the report.
type screen struct {
	state *State
	run   *config.Run
	logs  io.Writer // progress and log lines
	ui    ui.UI     // what is shown on it
}

func newScreen(state *State, run *config.Run) *screen {
	s := &screen{state: state, run: run, logs: state.Stdout}
	if run.Environment.Logging.Stream == "stderr" {
		s.logs = state.Stderr
	}
	return s
}

// logText logs a line of a view. It has no place in the source that a user could
// make use of.
func logText(log *bootstrap.Logger, text string) {
	ctx := context.Background()
	if log.Enabled(ctx, slog.LevelInfo) {
		_ = log.Handler().Handle(ctx, slog.NewRecord(time.Now(), slog.LevelInfo, text, 0))
	}
}

// view makes the user interface that the run asks for; log takes its log lines, once
// the mesh is there.
func (s *screen) view(registry *plugins.Registry, log func(text string)) (ui.UI, error) {
	construct, err := plugins.Constructor[ui.Constructor](registry, "ui", s.run.Benchmark.Runtime.UI)
	if err != nil {
		return nil, err
	}
	_, onTerminal := terminal(s.logs)
	return construct(ui.Config{
		Out: s.logs, Columns: func() int { return columnsOf(s.logs, 0) }, Terminal: onTerminal, Color: onTerminal && !s.run.Environment.NoColor,
		MinUpdatePercent: s.run.Environment.UI.MinUpdatePercent, Log: log, Stats: s.run.Benchmark.Runtime.StatsIntervalSec > 0,
		WarmupEvery: time.Duration(s.run.Environment.Service.WarmupProgressIntervalSec * float64(time.Second)),
	})
}

// options are those of a text on a stream.
func (s *screen) options(w io.Writer) exporters.ConsoleOptions {
	columns, onTerminal := terminal(w)
	return exporters.ConsoleOptions{Width: exporters.ReportWidth(s.run, columns), Color: onTerminal && !s.run.Environment.NoColor}
}

// onSignal answers Ctrl-C and its kin with a panel, above the progress. A panel that
// cannot be written must not stop the answer itself.
func (s *screen) onSignal(_ os.Signal, second bool) {
	panel := exporters.RenderCancelPanel
	if second {
		panel = exporters.RenderForceQuitPanel
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		s.ui.Above(func() { _ = panel(s.state.Stderr, s.options(s.state.Stderr)) })
	}()
	select {
	case <-shown:
	case <-time.After(panelBound):
	}
}

// panelBound is how long the answer to a signal waits for a console that takes nothing.
const panelBound = time.Second

// conclude prints the report and the errors, and turns the outcome into the exit code.
func (s *screen) conclude(out bootstrap.Outcome) error {
	code := out.ExitCode
	errs := out.ExitErrors
	report, err := reportOf(out)
	if err != nil {
		errs = append(errs, messages.ExitError{ErrorDetails: *messages.AsErrorDetails("ReportError", err), Operation: "show_results", FromService: "launcher"})
	}
	if report != nil {
		if err := exporters.RenderConsole(s.state.Stdout, s.run, report, s.options(s.state.Stdout)); err != nil && !errors.Is(err, syscall.EPIPE) {
			errs = append(errs, messages.ExitError{ErrorDetails: *messages.AsErrorDetails("ReportError", err), Operation: "show_results", FromService: "launcher"})
		}
	}
	if out.Report != nil {
		errs = append(errs, out.Report.ExitErrors...)
	}
	log := filepath.Join(s.run.ArtifactDir, "logs", "aiperf.log")
	if err := exporters.RenderExitPanel(s.state.Stderr, errs, log, s.options(s.state.Stderr)); err != nil && !errors.Is(err, syscall.EPIPE) {
		return exitError{1, err}
	}
	if code == 0 && len(errs) > 0 {
		code = 1
	}
	if err := quality(s.run.Benchmark.QualityNeeded, report); err != nil && code == 0 {
		return exitError{1, err}
	}
	if code != 0 {
		return exitError{code, nil}
	}
	return nil
}

// reportOf decodes the controller's last word; nil when there is nothing to show.
func reportOf(out bootstrap.Outcome) (*exporters.Report, error) {
	if out.Report == nil || len(out.Report.Report) == 0 {
		return nil, nil
	}
	var r exporters.Report
	if err := msgpack.Unmarshal(out.Report.Report, &r); err != nil {
		return nil, fmt.Errorf("read the report of the run: %w", err)
	}
	return &r, nil
}

// verdicts in order, best first.
var verdicts = map[string]int{"good": 0, "degraded": 1, "invalid": 2}

// quality holds the verdict against what the user demanded.
func quality(needed string, report *exporters.Report) error {
	if needed == "" {
		return nil
	}
	if report == nil || report.Profile == nil {
		return errors.New("--require-quality: the run has no measurement quality to judge")
	}
	got := report.Profile.Quality.Verdict
	rank, known := verdicts[got]
	if known && rank <= verdicts[needed] {
		return nil
	}
	return fmt.Errorf("--require-quality: the measurement is %s, not %s; the Measurement Quality block says why", got, needed)
}
