package main

import (
	"flag"
	"fmt"
	"io"

	"aiperf/bootstrap"
)

// runService is the hidden command that every process of the mesh but the launcher
// is started with. It is parsed by hand, before the command tree is built, because
// it stands between a user and the first request.
func runService(args []string, stderr io.Writer) int {
	var opts bootstrap.ChildOptions
	fs := flag.NewFlagSet("aiperf service", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&opts.Type, "type", "", "service type")
	fs.StringVar(&opts.ID, "service-id", "", "service id")
	fs.IntVar(&opts.LauncherPID, "launcher-pid", 0, "process id of the launcher")
	err := fs.Parse(args)
	switch {
	case err != nil:
	case opts.Type == "" || opts.ID == "":
		err = fmt.Errorf("--type and --service-id are required")
	case fs.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(stderr, "aiperf service: %v; this command is started by `aiperf profile`, not by hand\n", err)
		return 2
	}
	return bootstrap.RunChild(opts, stderr)
}
