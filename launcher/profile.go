package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/urfave/cli/v2"

	"aiperf/config"
	"aiperf/plugins"
)

// profileCommand runs a benchmark. Its flags are parsed by the table in config: their
// grammar is richer than the library's, and building a few hundred flags would cost
// more than the help text may take.
func profileCommand(state *State) *cli.Command {
	return &cli.Command{
		Name: "profile", Usage: "run a benchmark", SkipFlagParsing: true,
		Action: func(c *cli.Context) error { return profile(state, c.Args().Slice()) },
	}
}

func profile(state *State, args []string) error {
	flags, _ := config.ParseFlags(args) // its problems come again, with all others
	if flags.Help.Set {
		return profileHelp(state, flags.Help.Value)
	}
	run, err := load(state, config.Input{Args: args, Env: state.Env})
	if err != nil {
		return err
	}
	if flags.DryRun.Value {
		return dryRun(state, run)
	}
	return runProfile(state, run)
}

func profileHelp(state *State, topic string) error {
	text, ok := config.HelpText(topic, plugins.Builtin(), columnsOf(state.Stdout, 100))
	if !ok {
		return exitError{2, fmt.Errorf("--help: no such group of flags (got %s); `aiperf profile --help` lists them", topic)}
	}
	_, err := fmt.Fprint(state.Stdout, text)
	return err
}

// load resolves the run on this machine. Its error ends the program with code 2.
func load(state *State, in config.Input) (*config.Run, error) {
	return loadWith(state, in, resolveTokenizer)
}

// loadWith resolves it with another way to find tokenizers.
func loadWith(state *State, in config.Input, find func(context.Context, *State, config.TokenizerAsk) (config.TokenizerChoice, error)) (*config.Run, error) {
	_, onTerminal := terminal(state.Stdout)
	host := config.Host{
		LoadPlugins: loadPlugins,
		Entropy: func(n int) []byte {
			b := make([]byte, n)
			_, _ = rand.Read(b) // never fails on the systems we run on
			return b
		},
		// Limited by affinity and by the quota of the container.
		CPUs:       runtime.GOMAXPROCS(0),
		Terminal:   onTerminal,
		WorkingDir: state.WorkingDir,
		PID:        os.Getpid(),
	}
	var run *config.Run
	var problems config.Problems
	err := state.interruptible(func(ctx context.Context) error {
		host.ResolveTokenizer = func(ask config.TokenizerAsk) (config.TokenizerChoice, error) {
			return find(ctx, state, ask)
		}
		host.InspectDataset = inspectDataset
		run, problems = config.Load(in, host)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, exitError{2, problems}
	}
	addCalibration(state, run)
	return run, nil
}

// asError joins problems of any kind.
func asError[E error](problems []E) error {
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// loadPlugins merges the user's manifests and refuses entries that lead nowhere: a run
// must not find that out when it needs one.
func loadPlugins(paths []string) (*plugins.Registry, []string, error) {
	registry, warnings, err := plugins.Load(paths)
	if err != nil || len(paths) == 0 {
		return registry, warnings, err
	}
	var faults []error
	for _, check := range plugins.Validate(registry) {
		if check.Err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", check.Subject, check.Err))
		}
	}
	return registry, warnings, errors.Join(faults...)
}
