package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"aiperf/bootstrap/preflight"
	"aiperf/config"
	"aiperf/plugins"
)

// configCommand helps with configuration files.
func configCommand(state *State) *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "make and check configuration files",
		Subcommands: []*cli.Command{configInit(state), configValidate(state), configExpand(state), configSchema(state)},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return exitError{2, fmt.Errorf("config %s: unknown command; there are: init, validate, expand, schema", c.Args().First())}
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

// oneFile is the only argument of a command;
// switches that stand behind it are taken too, which the library would not.
func oneFile(c *cli.Context, switches ...string) (string, error) {
	var files []string
	for _, arg := range c.Args().Slice() {
		if name, ok := strings.CutPrefix(arg, "--"); ok && slices.Contains(switches, name) {
			if err := c.Set(name, "true"); err != nil {
				return "", exitError{2, err}
			}
			continue
		}
		files = append(files, arg)
	}
	if len(files) != 1 {
		return "", exitError{2, fmt.Errorf("config %s: wants one file, got %d", c.Command.Name, len(files))}
	}
	return files[0], nil
}

func configValidate(state *State) *cli.Command {
	return &cli.Command{
		Name: "validate", Usage: "check a file as a run would, without starting anything", ArgsUsage: "FILE",
		Action: func(c *cli.Context) error {
			file, err := oneFile(c)
			if err != nil {
				return err
			}
			run, err := loadWith(state, config.Input{Args: []string{"--config", file}, Env: state.Env}, nameTokenizer)
			if err == nil {
				err = checkRun(run)
			}
			if err != nil {
				var exit exitError
				if errors.As(err, &exit) && exit.code > 2 { // a signal
					return err
				}
				return exitError{1, err}
			}
			for _, w := range run.Warnings {
				fmt.Fprintf(state.Stderr, "Warning: %s\n", w)
			}
			_, err = fmt.Fprintf(state.Stdout, "Configuration valid: %s\n", file)
			return err
		},
	}
}

// checkRun is what is checked of this machine before anything starts.
func checkRun(run *config.Run) error {
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return err
	}
	if problems := preflight.Check(run, registry, collectors(registry)); len(problems) > 0 {
		return asError(problems)
	}
	return nil
}

func configExpand(state *State) *cli.Command {
	return &cli.Command{
		Name: "expand", Usage: "show the runs that a file stands for", ArgsUsage: "FILE",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "full", Usage: "with the configuration of each, defaults filled in and secrets left out"}},
		Action: func(c *cli.Context) error {
			file, err := oneFile(c, "full")
			if err != nil {
				return err
			}
			run, err := loadWith(state, config.Input{Args: []string{"--config", file}, Env: state.Env}, nameTokenizer)
			if err != nil {
				return exitError{1, err}
			}
			var b strings.Builder
			b.WriteString("Sweep type: none (1 variations)\n[0] dir=base  label=base\n")
			if c.Bool("full") {
				text, err := effectiveYAML(run)
				if err != nil {
					return exitError{1, err}
				}
				b.WriteString(text)
			}
			_, err = fmt.Fprint(state.Stdout, b.String())
			return err
		},
	}
}

func configSchema(state *State) *cli.Command {
	return &cli.Command{
		Name: "schema", Usage: "print the JSON Schema of configuration files, for editors",
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return exitError{2, errors.New("config schema: takes no arguments")}
			}
			_, err := fmt.Fprintln(state.Stdout, config.Schema())
			return err
		},
	}
}
