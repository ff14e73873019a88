package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"aiperf/config"
)

// run is the whole program but for `service`: it returns the exit code.
func run(state *State) int {
	app := newApp(state)
	err := app.RunContext(context.Background(), append([]string{app.Name}, state.Args...))
	if err == nil {
		return 0
	}
	// What is no exitError comes from the command line's own parser.
	exit := exitError{2, err}
	errors.As(err, &exit)
	if exit.err != nil {
		report(state, exit.err)
	}
	return exit.code
}

// report prints an error, one problem a line.
func report(state *State, err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(state.Stderr, "aiperf: %s\n", line)
	}
}

// newApp is the command tree. Building it costs microseconds: the many flags of
// profile are no part of it.
func newApp(state *State) *cli.App {
	app := &cli.App{
		Name: "aiperf", Usage: "benchmark instrument for generative-AI inference servers", HideHelp: true, HideVersion: true,
		Writer: state.Stdout, ErrWriter: state.Stderr, Reader: state.Stdin,
		ExitErrHandler: func(*cli.Context, error) {}, // only main exits
		OnUsageError:   usageError,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show this text"},
			&cli.BoolFlag{Name: "version", Usage: "print the version"},
		},
		Commands: commands(state),
	}
	for _, c := range app.Commands {
		prepare(c)
	}
	app.Action = func(c *cli.Context) error { return root(state, c) }
	return app
}

// commands are all commands, in the order of the help text.
func commands(state *State) []*cli.Command {
	return []*cli.Command{
		profileCommand(state), watchCommand(state), pluginsCommand(state), keysCommand(state),
	}
}

// prepare gives a command and its sub-commands the usage errors of this program.
func prepare(c *cli.Command) {
	c.OnUsageError = usageError
	for _, sub := range c.Subcommands {
		prepare(sub)
	}
}

func usageError(c *cli.Context, err error, _ bool) error {
	where := ""
	if name := c.Command.Name; name != "" && name != "aiperf" {
		where = name + ": "
	}
	return exitError{2, fmt.Errorf("%s%w; `aiperf %s--help` shows the flags", where, err, strings.Replace(where, ":", "", 1))}
}

// root is the program without a command, or with one that does not exist.
func root(state *State, c *cli.Context) error {
	if c.NArg() > 0 {
		name := c.Args().First()
		var names []string
		for _, cmd := range c.App.Commands {
			names = append(names, cmd.Name)
		}
		hint := "`aiperf --help` lists them"
		if near := config.Suggest(name, names); near != "" {
			hint = fmt.Sprintf("did you mean `aiperf %s`?", near)
		}
		return exitError{2, fmt.Errorf("%s: unknown command; %s", name, hint)}
	}
	if c.Bool("version") {
		fmt.Fprintln(state.Stdout, config.Version)
		return nil
	}
	return rootHelp(state, c.App)
}
