package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"aiperf/bootstrap"
	"aiperf/config"
	"aiperf/messages/bus"
)

// keysCommand makes the key pair that a mesh on a reachable address needs.
func keysCommand(state *State) *cli.Command {
	return &cli.Command{
		Name:      "keys",
		Usage:     "make a key pair for a mesh that other machines can reach",
		ArgsUsage: "DIR",
		Description: "Writes aiperf.key and aiperf.key_secret (mode 0600) into DIR. Name the directory in\n" +
			"AIPERF_ZMQ_CURVE_DIR, on every machine that takes part, to encrypt the mesh with them.",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return exitError{2, fmt.Errorf("keys: want one directory (got %d arguments)", c.NArg())}
			}
			keys, err := bus.NewKeys()
			if err != nil {
				return exitError{1, err}
			}
			dir := c.Args().First()
			if err := bootstrap.WriteKeys(dir, config.Curve{PublicKey: keys.Public, SecretKey: keys.Secret}); err != nil {
				return exitError{1, err}
			}
			fmt.Fprintf(state.Stdout, "Key pair written to %s\nUse it with AIPERF_ZMQ_CURVE_DIR=%s\n", dir, dir)
			return nil
		},
	}
}
