package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"aiperf/config"
	"aiperf/exporters"
)

// run is the whole program but for `service`: it returns the exit code.
func run(state *State) int {
	app := newApp(state)
	if len(state.Args) > 0 {
		// These belong to the program as a whole; the library would answer in its own words.
		switch state.Args[0] {
		case "-h", "--help", "help":
			return code(state, rootHelp(state, app))
		case "--version":
			_, err := fmt.Fprintln(state.Stdout, config.Version)
			return code(state, err)
		}
	}
	return code(state, app.RunContext(context.Background(), append([]string{app.Name}, state.Args...)))
}

// code reports an error and says what the program exits with.
func code(state *State, err error) int {
	if err == nil {
		return 0
	}
	// What is no exitError comes from the command line's own parser.
	exit := exitError{2, err}
	errors.As(err, &exit)
	if exit.err != nil {
		report(state, exit)
	}
	return exit.code
}

// report prints an error, one problem a line; on a terminal, what stands against a
// run is framed.
func report(state *State, exit exitError) {
	lines := strings.Split(exit.err.Error(), "\n")
	columns, onTerminal := terminal(state.Stderr)
	if !onTerminal || exit.code != 2 {
		for _, line := range lines {
			fmt.Fprintf(state.Stderr, "aiperf: %s\n", line)
		}
		return
	}
	box := exporters.Panel{Title: "Configuration Error", TitleLeft: true, Border: exporters.Red, PadX: 1}
	for _, line := range lines {
		box.Lines = append(box.Lines, exporters.Cell{Text: line})
	}
	env, _, _ := config.ParseEnvironment(state.Env)
	if columns == 0 {
		columns = env.UI.ConsoleExportWidth
	}
	c := exporters.NewConsole(exporters.ConsoleOptions{Width: columns, Color: !env.NoColor})
	c.Panel(box)
	_, _ = c.WriteTo(state.Stderr) // nobody is left to tell
}

// newApp is the command tree. Building it costs microseconds: the many flags of
// profile are no part of it.
func newApp(state *State) *cli.App {
	app := &cli.App{
		Name: "aiperf", Usage: "benchmark instrument for generative-AI inference servers", HideHelp: true, HideHelpCommand: true, HideVersion: true,
		Writer: state.Stdout, ErrWriter: state.Stderr, Reader: state.Stdin,
		ExitErrHandler: func(*cli.Context, error) {}, // only main exits
		OnUsageError:   usageError,
		Commands:       commands(state),
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
		profileCommand(state), demoCommand(state), configCommand(state), watchCommand(state), pluginsCommand(state), keysCommand(state), calibrateCommand(state), tokenizeCommand(state), mockServerCommand(state),
	}
}

// prepare gives a command and its sub-commands the usage errors of this program.
func prepare(c *cli.Command) {
	c.OnUsageError, c.HideHelpCommand = usageError, true
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
	return rootHelp(state, c.App)
}
