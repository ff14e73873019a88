package exporters

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"aiperf/config"
	"aiperf/plugins"
)

// consoleCapture is the name of the console capture among the exporters.
const consoleCapture = "console"

// Failure is one exporter that could not do its work.
type Failure struct {
	Exporter string
	Err      error
}

func (f Failure) Error() string { return fmt.Sprintf("export %s: %v", f.Exporter, f.Err) }

// Unwrap gives the cause.
func (f Failure) Unwrap() error { return f.Err }

// Export writes every file of finished results: the data exporters of the manifest
// side by side, then the files of single phases, the console capture, and last the results marker, so that a
// folder with a marker is whole. It fills r.Files with what the run left behind and
// adds the exporters that failed to r.FailedExporters, which may already name others
// (a stream whose disk was full). One failure stops no other exporter. Once ctx is
// done no marker is written: nobody waits for these files any more.
func Export(ctx context.Context, run *config.Run, r *Report) []Failure {
	failures := append(exportData(ctx, run, r), exportPhases(ctx, run, r)...)
	addFinishedFiles(run, r)
	for _, f := range failures {
		r.FailedExporters = append(r.FailedExporters, f.Exporter)
	}
	if r.Profile != nil {
		path, err := captureConsole(run, r)
		if err != nil {
			failures = append(failures, Failure{consoleCapture, err})
			r.FailedExporters = append(r.FailedExporters, consoleCapture)
		} else {
			r.Files = append(r.Files, path)
		}
	}
	m := ResultsMarker{FailedExporters: r.FailedExporters}
	if r.Profile != nil {
		m.WasCancelled, m.TerminalPhase = r.Profile.WasCancelled, terminalPhase(r.Profile)
		if !r.Profile.WasCancelled {
			m.TerminalError = r.Profile.IncompleteReason
		}
	}
	err := context.Cause(ctx)
	if err == nil {
		err = WriteResultsMarker(run.ArtifactDir, m)
	}
	if err != nil {
		failures = append(failures, Failure{"results_marker", err})
	}
	return failures
}

// terminalPhase is the last phase of a run that did not get to its end, when it had several.
func terminalPhase(p *Profile) string {
	if n := len(p.Phases); n > 0 && !p.IsComplete && !p.Phases[n-1].Profile.IsComplete {
		return p.Phases[n-1].Name
	}
	return ""
}

// outcome is what one data exporter came to.
type outcome struct {
	name, path string
	err        error
}

func exportData(ctx context.Context, run *config.Run, r *Report) []Failure {
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return []Failure{{"data_exporter", err}}
	}
	entries := registry.Entries("data_exporter")
	outcomes := make([]outcome, len(entries))
	var all sync.WaitGroup
	for i, e := range entries {
		outcomes[i].name = e.Name
		if e.Class == "" { // a program of its own, which the launcher starts
			continue
		}
		construct, err := plugins.Constructor[DataExporterConstructor](registry, "data_exporter", e.Name)
		if err != nil {
			outcomes[i].err = err
			continue
		}
		all.Go(func() {
			outcomes[i].err = guarded(func() (err error) {
				outcomes[i].path, err = construct().Export(ctx, run, r)
				return err
			})
		})
	}
	all.Wait()
	var failures []Failure
	for _, o := range outcomes {
		switch {
		case o.err != nil:
			failures = append(failures, Failure{o.name, o.err})
		case o.path != "":
			r.Files = append(r.Files, o.path)
		}
	}
	return failures
}

// guarded runs an exporter; its panic must not take the other files with it.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return do()
}

// addFinishedFiles lists what was written while the run went on.
func addFinishedFiles(run *config.Run, r *Report) {
	names := namesOf(run)
	candidates := []string{names.Inputs}
	if run.Benchmark.Artifacts.Records {
		candidates = append(candidates, names.Records)
	}
	if run.Benchmark.Artifacts.Parquet {
		candidates = append(candidates, names.Parquet)
	}
	if hasGPUs(r.Telemetry) {
		candidates = append(candidates, names.GPUTelemetry)
	}
	for _, name := range candidates {
		path := pathOf(run, name)
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() && !slices.Contains(r.Files, path) {
			r.Files = append(r.Files, path)
		}
	}
}

// captureConsole writes the report as a file: plain text of a fixed width, without
// the footer, whose paths and command are of the terminal that saw the run.
func captureConsole(run *config.Run, r *Report) (string, error) {
	c := NewConsole(ConsoleOptions{Width: ReportWidth(run, 0)})
	rendering := c.blocks(run, r)
	path := pathOf(run, namesOf(run).Console)
	err := WriteFileAtomic(path, func(w io.Writer) error {
		_, err := c.WriteTo(w)
		return err
	})
	return path, errors.Join(rendering, err)
}
