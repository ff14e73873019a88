package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"github.com/urfave/cli/v2"

	"aiperf/config"
	"aiperf/experiments/calibrate"
	"aiperf/exporters"
)

// calibrateCommand measures how far this machine can be trusted.
func calibrateCommand(state *State) *cli.Command {
	return &cli.Command{
		Name:  "calibrate",
		Usage: "measure how far this machine's figures can be trusted",
		Description: "Runs the instrument against the embedded server at growing loads (requests/s, streamed\n" +
			"events/s, streams in flight), up to the first that is not delivered or not measured\n" +
			"truly, and compares its figures with the server's own stamps. Takes about a minute; let\n" +
			"nothing else run meanwhile. The result is kept for this machine, and the verdict of later\n" +
			"runs says when a load is beyond it.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "quick", Usage: "fewer and shorter steps: about a quarter of a minute"},
			&cli.BoolFlag{Name: "json", Usage: "print the result as JSON"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return exitError{2, fmt.Errorf("calibrate: unexpected argument %q", c.Args().First())}
			}
			return runCalibrate(state, c.Bool("quick"), c.Bool("json"))
		},
	}
}

func runCalibrate(state *State, quick, asJSON bool) error {
	cal, err := calibrate.Run(context.Background(), calibrate.Options{
		Executable: state.Executable, Env: state.Env, Signals: state.Signals, Machine: thisMachine(), Plans: calibrate.Plans(quick), Quick: quick,
		Resolve: func(args []string) (*config.Run, error) {
			run, err := load(state, config.Input{Args: args, Env: state.Env})
			if err == nil {
				run.Calibration = nil // what was known before must not judge what is measured now
			}
			return run, err
		},
		Done: func(kind string, r config.CalibrationRung) { fmt.Fprintln(state.Stderr, calibrate.Line(kind, r)) },
	})
	var interrupted calibrate.Interrupted
	var exit exitError
	switch {
	case errors.As(err, &interrupted):
		code := 1
		if n, ok := interrupted.Signal.(syscall.Signal); ok {
			code = 128 + int(n)
		}
		return exitError{code, err}
	case errors.As(err, &exit):
		return exit
	case err != nil:
		return exitError{1, err}
	}
	if err := showCalibration(state, cal, asJSON); err != nil {
		return exitError{1, err}
	}
	return keep(state, cal)
}

// thisMachine is the machine as far as this program may use it.
func thisMachine() config.Machine { return config.ThisMachine(runtime.GOMAXPROCS(0)) }

func showCalibration(state *State, cal *config.Calibration, asJSON bool) error {
	if asJSON {
		text, err := json.MarshalIndent(cal, "", "  ")
		if err != nil {
			return fmt.Errorf("calibrate: %w", err)
		}
		_, err = fmt.Fprintln(state.Stdout, string(text))
		return err
	}
	env, _, _ := config.ParseEnvironment(state.Env)
	_, onTerminal := terminal(state.Stdout)
	const columns = 140
	c := exporters.NewConsole(exporters.ConsoleOptions{Width: columnsOf(state.Stdout, columns), Color: onTerminal && !env.NoColor})
	calibrate.Render(c, cal)
	_, err := c.WriteTo(state.Stdout)
	return err
}

// keep stores a calibration, unless it tells more of what else ran than of the machine.
func keep(state *State, cal *config.Calibration) error {
	if err := calibrate.Usable(cal); err != nil {
		fmt.Fprintf(state.Stderr, "aiperf: calibrate: not kept: %v\n", err)
		return nil
	}
	path, err := config.StoreCalibration(config.CacheDir(state.Env), cal)
	if err != nil {
		return exitError{1, err}
	}
	fmt.Fprintf(state.Stderr, "Kept in %s\n", path)
	return nil
}

// addCalibration gives a run what is known of this machine. A damaged file is told and
// ignored.
func addCalibration(state *State, run *config.Run) {
	cal, err := config.LoadCalibration(config.CacheDir(state.Env), thisMachine())
	if err != nil {
		run.Warnings = append(run.Warnings, err.Error())
	}
	run.Calibration = cal
}
