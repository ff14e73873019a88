package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"aiperf/config"
	"aiperf/plugins"
)

// rootHelp prints the title with the version, the commands, and the plugin packages.
func rootHelp(state *State, app *cli.App) error {
	var b strings.Builder
	fmt.Fprintf(&b, "aiperf %s: %s\n\nUsage: aiperf COMMAND [flags]\n\nCommands:\n", config.Version, app.Usage)
	for _, c := range app.Commands {
		if !c.Hidden {
			fmt.Fprintf(&b, "  %-12s %s\n", c.Name, c.Usage)
		}
	}
	b.WriteString("\nFlags:\n  -h, --help   show this text; `aiperf COMMAND --help` shows a command's\n  --version    print the version\n\nPlugin packages:\n")
	for _, p := range plugins.Builtin().Packages() {
		fmt.Fprintf(&b, "  %s %s (%d plugins): %s\n", p.Name, p.Version, p.Entries, p.Description)
	}
	_, err := fmt.Fprint(state.Stdout, b.String())
	return err
}
