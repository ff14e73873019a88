// Package preflight checks, before anything starts, what a resolved run needs of
// this host: a writable artifact directory, enough open files, names that lead to
// parts of this program, and plugins that find what they need of the host.
//
// It starts nothing and leaves nothing behind but the artifact directory.
package preflight

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"aiperf/config"
	"aiperf/plugins"
)

// Problem is one reason why the run cannot start: where, why, and what to do.
type Problem struct {
	Where, Reason, Hint string
}

func (p Problem) Error() string {
	s := p.Where + ": " + p.Reason
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// leastFiles is the hard limit of open files below which no mesh can run.
const leastFiles = 256

// environmentValidator is what a plugin may offer to look at its host.
type environmentValidator interface{ ValidateEnvironment() error }

// Check looks at everything and returns all problems at once.
func Check(run *config.Run, registry *plugins.Registry, collectors func(name string) (any, error)) []Problem {
	var out []Problem
	if p := artifactDirectory(run.ArtifactDir); p != nil {
		out = append(out, *p)
	}
	if p := openFiles(); p != nil {
		out = append(out, *p)
	}
	out = append(out, names(run, registry)...)
	if gpu := run.Benchmark.GPUTelemetry; gpu.Enabled && collectors != nil {
		c, err := collectors(gpu.Collector)
		if err == nil {
			if v, ok := c.(environmentValidator); ok {
				err = v.ValidateEnvironment()
			}
		}
		if err != nil {
			out = append(out, Problem{Where: "--gpu-telemetry", Reason: err.Error(), Hint: "leave it out with --no-gpu-telemetry"})
		}
	}
	return out
}

// artifactDirectory makes the directory and tries to write into it.
func artifactDirectory(dir string) *Problem {
	const where = "--artifact-dir"
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		return &Problem{where, fmt.Sprintf("%s is a file, not a directory", dir), "name a directory"}
	}
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return &Problem{where, fmt.Sprintf("cannot make %s: %v", dir, reason(err)), "name a directory that you may write to"}
	}
	probe, err := os.CreateTemp(dir, ".aiperf-probe-*")
	if err != nil {
		return &Problem{where, fmt.Sprintf("cannot write to %s: %v", dir, reason(err)), "name a directory that you may write to"}
	}
	probe.Close()
	_ = os.Remove(probe.Name())
	return nil
}

// reason is the bare cause of a file error.
func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

func openFiles() *Problem {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil || lim.Max >= leastFiles {
		return nil
	}
	return &Problem{"ulimit -n", fmt.Sprintf("this shell allows %d open files, the run needs at least %d", lim.Max, leastFiles), "raise it with `ulimit -n 8192`"}
}

// names checks that every plugin the run chose by name is part of this program.
func names(run *config.Run, registry *plugins.Registry) []Problem {
	b := run.Benchmark
	wanted := []struct{ flag, category, name string }{
		{"--endpoint-type", "endpoint", b.Endpoint.Type},
		{"--transport", "transport", b.Endpoint.Transport},
		{"--url-strategy", "url_selection_strategy", b.Endpoint.URLStrategy},
		{"--dataset-sampling-strategy", "dataset_sampler", b.Dataset.Sampling},
		{"--ui", "ui", b.Runtime.UI},
	}
	for _, p := range b.Phases {
		wanted = append(wanted, struct{ flag, category, name string }{"--arrival-pattern", "arrival_pattern", p.ArrivalPattern()})
	}
	var out []Problem
	for _, w := range wanted {
		if _, err := registry.Find(w.category, w.name); err != nil {
			out = append(out, Problem{Where: w.flag, Reason: err.Error(), Hint: fmt.Sprintf("`aiperf plugins %s` lists what there is", w.category)})
		}
	}
	return out
}
