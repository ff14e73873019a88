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
	"aiperf/exporters"
	"aiperf/plugins"
)

// leastFiles is the hard limit of open files below which no mesh can run.
const leastFiles = 256

// environmentValidator is what a plugin may offer to look at its host.
type environmentValidator interface{ ValidateEnvironment() error }

// Check looks at everything and returns all problems at once. collectors makes the
// GPU collector of a name, so that it can be asked what it lacks.
func Check(run *config.Run, registry *plugins.Registry, collectors func(name string) (any, error)) []config.Problem {
	var out []config.Problem
	if p := artifactDirectory(run.ArtifactDir); p != nil {
		out = append(out, *p)
	}
	if p := openFiles(); p != nil {
		out = append(out, *p)
	}
	out = append(out, names(run, registry)...)
	if p := conversations(run, registry); p != nil {
		out = append(out, *p)
	}
	if p := pictures(run); p != nil {
		out = append(out, *p)
	}
	if gpu := run.Benchmark.GPUTelemetry; gpu.Enabled && collectors != nil {
		c, err := collectors(gpu.Collector)
		if err == nil {
			if v, ok := c.(environmentValidator); ok {
				err = v.ValidateEnvironment()
			}
		}
		if err != nil {
			out = append(out, config.Problem{Where: "--gpu-telemetry", Reason: err.Error(), Hint: "leave it out with --no-gpu-telemetry"})
		}
	}
	return out
}

// Warnings are what a user should know before the run starts, though it can start.
func Warnings(run *config.Run) (out []string) {
	summary := filepath.Join(run.ArtifactDir, exporters.FileNames(run.Benchmark.Artifacts.Prefix).SummaryJSON)
	if _, err := os.Stat(summary); err == nil {
		out = append(out, fmt.Sprintf("--artifact-dir: %s holds the results of an earlier run, which this one overwrites", run.ArtifactDir))
	}
	if need, have := filesNeeded(run), hardLimit(); have < need {
		out = append(out, fmt.Sprintf("ulimit -n: a process may open %d files, a worker may need %d; raise the limit with `ulimit -n %d`, or requests may fail to connect", have, need, need))
	}
	return out
}

// artifactDirectory makes the directory and tries to write into it: permissions alone
// do not tell, since root passes them and a read-only disk does not.
func artifactDirectory(dir string) *config.Problem {
	const where, hint = "--artifact-dir", "name a directory that you may write to"
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		return &config.Problem{Where: where, Reason: dir + " is a file, not a directory", Hint: "name a directory"}
	}
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return &config.Problem{Where: where, Reason: fmt.Sprintf("cannot make %s: %v", dir, reason(err)), Hint: hint}
	}
	for _, d := range []string{dir, filepath.Join(dir, "logs")} {
		probe, err := os.CreateTemp(d, ".aiperf-probe-*")
		if err != nil {
			return &config.Problem{Where: where, Reason: fmt.Sprintf("cannot write to %s: %v", d, reason(err)), Hint: hint}
		}
		_, err = probe.WriteString("probe")
		err = errors.Join(err, probe.Close(), os.Remove(probe.Name()))
		if err != nil {
			return &config.Problem{Where: where, Reason: fmt.Sprintf("cannot write to %s: %v", d, reason(err)), Hint: hint}
		}
	}
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

func openFiles() *config.Problem {
	have := hardLimit()
	if have >= leastFiles {
		return nil
	}
	return &config.Problem{
		Where: "ulimit -n", Reason: fmt.Sprintf("a process may open %d files, the run needs at least %d", have, leastFiles),
		Hint: "raise the limit with `ulimit -n 8192`",
	}
}

// hardLimit is how many files a process of the run may open: the launcher raises the
// soft limit to the hard one.
func hardLimit() uint64 {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return 1 << 62 // unknown is no reason to refuse
	}
	return uint64(lim.Max)
}

// filesNeeded is how many files one worker may have open: a connection for each
// request in flight, when all go through it, and the mesh's own.
func filesNeeded(run *config.Run) uint64 {
	const own = 128
	most := 0
	for _, p := range run.Benchmark.Phases {
		if p.Concurrency != nil {
			most = max(most, *p.Concurrency)
		}
	}
	return uint64(min(most, run.Benchmark.Runtime.ConnectionsPerWorker)/max(1, run.Benchmark.Runtime.Workers) + own)
}

// names checks that every plugin the run chose by name is part of this program.
func names(run *config.Run, registry *plugins.Registry) []config.Problem {
	b := run.Benchmark
	type wanted struct{ flag, category, name string }
	list := []wanted{
		{"--endpoint-type", "endpoint", b.Endpoint.Type},
		{"--transport", "transport", b.Endpoint.Transport},
		{"--url-strategy", "url_selection_strategy", b.Endpoint.URLStrategy},
		{"--dataset-sampling-strategy", "dataset_sampler", b.Dataset.Sampling},
		{"--ui", "ui", b.Runtime.UI},
	}
	if b.Tokenizer.Needed {
		list = append(list, wanted{"--tokenizer", "tokenizer", b.Tokenizer.Name})
	}
	for _, p := range b.Phases {
		if pattern := p.ArrivalPattern(); pattern != "" { // users at a pace have none
			list = append(list, wanted{"--arrival-pattern", "arrival_pattern", pattern})
		}
	}
	var out []config.Problem
	for _, w := range list {
		if _, err := registry.Find(w.category, w.name); err != nil {
			out = append(out, config.Problem{Where: w.flag, Reason: err.Error(), Hint: fmt.Sprintf("`aiperf plugins %s` lists what there is", w.category)})
		}
	}
	return out
}
