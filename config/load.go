package config

import (
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"strings"

	"aiperf/plugins"
)

// Input is what the user said.
type Input struct {
	Args []string // behind `aiperf profile`
	Env  []string // KEY=value
	// MockServer makes the embedded server the target; it holds that server's settings.
	MockServer map[string]any
}

// Host is what Load needs of the program and the machine.
type Host struct {
	LoadPlugins func(manifests []string) (*plugins.Registry, []string, error)
	// ResolveTokenizer finds the tokenizer of a name, by fetching it if it has to.
	ResolveTokenizer func(TokenizerAsk) (TokenizerChoice, error)
	// InspectDataset checks all of a dataset file and says what it holds.
	InspectDataset func(DatasetAsk) (DatasetFacts, error)
	Entropy        func(n int) []byte // random bytes, for ids and seeds
	CPUs           int                // that this program may use
	Terminal       bool               // stdout is a terminal
	WorkingDir     string             // absolute
	PID            int
}

// TokenizerAsk is the name of a tokenizer, or its path.
type TokenizerAsk struct {
	Name, Revision string
	TimeoutSec     float64  // for all that has to be fetched
	Env            []string // KEY=value: where caches and the model hub are
	ChatTemplate   bool     // whether there is one is to be found out
}

// TokenizerChoice is what the name led to.
type TokenizerChoice struct {
	Plugin   string // entry of the category tokenizer
	Encoding string // vocabulary inside it, if it has several
	Path     string // file or folder for it, if it needs one
	Resolved string // full name on the model hub, when it came from there
	// ChatTemplate tells, when that was asked, whether the tokenizer has one.
	ChatTemplate bool
	Warning      string // what the user should know; empty when there is nothing
}

// Load resolves what the user said into the run document. All problems are reported
// at once; with none, the run is complete but for its mesh. Whether this host can
// carry the run (files, limits) is for the preflight checks.
func Load(in Input, host Host) (*Run, Problems) {
	l := &loader{in: in, host: host, run: &Run{}}
	if l.parse(); l.configFaulty {
		return nil, l.problems // what the file did not say cannot be missed
	}
	var warnings []string
	var problems Problems
	l.run.Environment, warnings, problems = ParseEnvironment(in.Env)
	l.problems = append(l.problems, problems...)
	l.run.Warnings = append(l.run.Warnings, warnings...)
	l.env = &l.run.Environment
	l.plugins()
	l.identity()
	l.logging()
	l.endpoint()
	l.dataset()
	l.phases()
	if len(l.problems) == 0 { // what a run measures depends on all of it
		l.slos()
	}
	l.telemetry()
	l.runtime()
	l.artifacts()
	l.tokenizer()
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	l.advise()
	l.describe()
	return l.run, nil
}

// loader builds a run, part by part; the parts are in the build_*.go files.
// parse reads the flags, and the file under them.
func (l *loader) parse() {
	p := newFlagParser()
	p.run(l.in.Args)
	p.reportUnknown()
	l.f, l.problems, p.problems = p.flags, p.problems, nil
	if p.flags.ConfigFile.Set {
		l.applyFile(p)
	}
}

type loader struct {
	in       Input
	host     Host
	f        *Flags
	env      *Environment
	registry *plugins.Registry
	run      *Run
	problems Problems
	// fileFaulty: the dataset file was refused, so nothing is known of it.
	fileFaulty bool
	// configFaulty: the configuration file was refused.
	configFaulty bool
}

func (l *loader) warn(text string) { l.run.Warnings = append(l.run.Warnings, text) }

// as is the flag as it was typed, or its usual name when it was not.
func as[T any](o Opt[T], usual string) string {
	if o.Set {
		return o.As
	}
	return usual
}

// plugins merges the manifests and checks every plugin that was named.
func (l *loader) plugins() {
	for _, path := range append(append([]string{}, l.env.Plugins...), l.f.Plugins.Value...) {
		l.run.PluginManifests = append(l.run.PluginManifests, l.absolute(path))
	}
	registry, warnings, err := l.host.LoadPlugins(l.run.PluginManifests)
	l.run.Warnings = append(l.run.Warnings, warnings...)
	if err != nil {
		where := "AIPERF_PLUGINS"
		if l.f.Plugins.Set {
			where = l.f.Plugins.As
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			l.problems.add(where, line, "", "")
		}
		registry = plugins.Builtin()
	}
	l.registry = registry
	for _, flag := range Table() {
		if flag.Value.name == nil {
			continue
		}
		o := flag.Value.name(l.f)
		if !o.Set {
			continue
		}
		entry, err := registry.Find(flag.Value.Category, o.Value)
		if err != nil {
			l.problems.add(o.As, "no such "+strings.ReplaceAll(flag.Value.Category, "_", " "), o.Value, "there are: "+strings.Join(registry.Names(flag.Value.Category), ", "))
			*o = Opt[string]{} // go on with the default, so that nothing follows from the bad name
			continue
		}
		o.Value = entry.Name
	}
}

// identity gives the run its ids and seeds.
func (l *loader) identity() {
	r := l.run
	r.BenchmarkID = hex.EncodeToString(l.host.Entropy(6))
	id := l.host.Entropy(16)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // a random UUID, version 4
	text := hex.EncodeToString(id)
	r.RunID = strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
	r.LauncherPID = l.host.PID
	r.RandomSeed = l.f.RandomSeed.pointer()
	if r.RandomSeed != nil {
		r.ProcessSeed = *r.RandomSeed
	} else {
		r.ProcessSeed = binary.LittleEndian.Uint64(l.host.Entropy(8))
	}
	r.CLICommand = CommandLine(l.in.Args)
	r.Benchmark.QualityNeeded = l.f.RequireQuality.Value
	r.Benchmark.MockServer = l.in.MockServer
}

// logging resolves the log level: -vv, then -v, then --log-level.
func (l *loader) logging() {
	l.run.LogLevel = l.f.LogLevel.Or("info")
	if l.f.Verbose.Value {
		l.run.LogLevel = "debug"
	}
	if l.f.ExtraVerbose.Value {
		l.run.LogLevel = "trace"
	}
}

// absolute places a path of the user's in the working directory.
func (l *loader) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(l.host.WorkingDir, path)
}
