package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"aiperf/bootstrap"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/messages/bus"
)

// watchCommand prints a live stream of a running benchmark.
func watchCommand(state *State) *cli.Command {
	return &cli.Command{
		Name:  "watch",
		Usage: "print the live messages of a running benchmark as JSON lines",
		Description: "Finds the run by its artifact directory (the newest one under ./artifacts when none is named)\n" +
			"or attaches to an address, with the keys in AIPERF_ZMQ_CURVE_DIR if that is set. Ends with the run,\n" +
			"or with Ctrl-C. A watcher never slows a run: what it is too slow for, it misses, and `seq` shows how much.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "types", Usage: "comma `LIST` of message types (default: all)"},
			&cli.BoolFlag{Name: "json", Usage: "JSON lines (the only format; accepted so that scripts can say what they rely on)"},
			&cli.StringFlag{Name: "run", Usage: "artifact `DIR` of the run"},
			&cli.StringFlag{Name: "connect", Usage: "`ADDRESS` of the event bus, such as tcp://127.0.0.1:5664"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return exitError{2, fmt.Errorf("watch: unexpected argument %q", c.Args().First())}
			}
			if c.IsSet("run") && c.IsSet("connect") {
				return exitError{2, errors.New("--run, --connect: cannot be used together; name the run or the address")}
			}
			types, err := watchTypes(c.String("types"))
			if err != nil {
				return exitError{2, err}
			}
			if c.IsSet("connect") {
				mesh, err := meshAt(state, c.String("connect"))
				if err != nil {
					return exitError{2, err}
				}
				return watch(state, mesh, types)
			}
			mesh, err := findMesh(state, c.String("run"))
			if err != nil {
				return exitError{1, err}
			}
			return watch(state, mesh, types)
		},
	}
}

// watchTypes checks the names against the catalogue.
func watchTypes(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	var types []string
	for _, t := range strings.Split(list, ",") {
		t = strings.TrimSpace(t)
		if !messages.OnBus(t) {
			return nil, fmt.Errorf("--types: no such message on the event bus (got %q); there are: %s", t, strings.Join(messages.BusTypes(), ", "))
		}
		types = append(types, t)
	}
	return types, nil
}

// meshAt is a mesh of which only the address is known, with the caller's keys.
func meshAt(state *State, address string) (mesh bootstrap.MeshFile, err error) {
	mesh.EventBusBackend = address
	env, _, _ := config.ParseEnvironment(state.Env)
	if env.ZMQ.CurveDir == "" {
		return mesh, nil
	}
	keys, err := bootstrap.ReadKeys(env.ZMQ.CurveDir)
	if err != nil {
		return mesh, fmt.Errorf("AIPERF_ZMQ_CURVE_DIR: %w", err)
	}
	mesh.PublicKey, mesh.SecretKey = keys.PublicKey, keys.SecretKey
	return mesh, nil
}

// findMesh reads the mesh file of a run: of the directory given, or of the newest
// live run under ./artifacts.
func findMesh(state *State, dir string) (mesh bootstrap.MeshFile, err error) {
	candidates := []string{filepath.Join(dir, bootstrap.MeshFileName)}
	if dir == "" {
		base := filepath.Join(state.WorkingDir, "artifacts")
		candidates = nil
		for _, pattern := range []string{base, filepath.Join(base, "*")} {
			found, _ := filepath.Glob(filepath.Join(pattern, bootstrap.MeshFileName))
			candidates = append(candidates, found...)
		}
	}
	var newest time.Time
	for _, path := range candidates {
		st, statErr := os.Stat(path)
		if statErr != nil || st.ModTime().Before(newest) {
			continue
		}
		b, readErr := os.ReadFile(path)
		if readErr != nil {
			return mesh, fmt.Errorf("read mesh file: %w", readErr)
		}
		if err := json.Unmarshal(b, &mesh); err != nil {
			return mesh, fmt.Errorf("read mesh file %s: %w", path, err)
		}
		newest = st.ModTime()
	}
	if mesh.EventBusBackend == "" {
		where := dir
		if where == "" {
			where = "./artifacts"
		}
		return mesh, fmt.Errorf("no running benchmark found in %s: there is a %s only while a run goes on; name its artifact directory with --run", where, bootstrap.MeshFileName)
	}
	return mesh, nil
}

// watch prints until the run ends or a signal comes.
func watch(state *State, mesh bootstrap.MeshFile, types []string) error {
	opts := bus.Options{ReconnectIvl: 100 * time.Millisecond, ReconnectIvlMax: time.Second, TCPKeepaliveIdleSec: 60, TCPKeepaliveIvlSec: 10}
	if mesh.PublicKey != "" {
		opts.Keys = &bus.Keys{Public: mesh.PublicKey, Secret: mesh.SecretKey}
	}
	zctx, err := bus.NewNode(opts)
	if err != nil {
		return exitError{1, err}
	}
	defer zctx.Close()
	complete := (&messages.BenchmarkComplete{}).MessageType()
	subscriptions := []string{""}
	wanted := map[string]bool{}
	if len(types) > 0 {
		subscriptions = []string{messages.Topic(complete, "")}
		for _, t := range types {
			subscriptions = append(subscriptions, messages.Topic(t, ""))
			wanted[t] = true
		}
	}
	sub, err := zctx.Open(bus.Spec{Name: "watch", Kind: bus.Sub, Address: mesh.EventBusBackend, Subscriptions: subscriptions})
	if err != nil {
		return exitError{1, err}
	}
	defer sub.Close()
	gone := time.NewTicker(500 * time.Millisecond)
	defer gone.Stop()
	var line []byte
	for {
		select {
		case d, open := <-sub.Receive():
			if !open {
				return nil
			}
			if len(wanted) == 0 || wanted[d.Envelope.Type] {
				if line, err = messages.AppendJSON(line[:0], d.Envelope); err != nil {
					fmt.Fprintf(state.Stderr, "aiperf watch: %v\n", err)
					continue
				}
				if _, err := state.Stdout.Write(append(line, '\n')); err != nil {
					return exitError{1, fmt.Errorf("write: %w", err)}
				}
			}
			if d.Envelope.Type == complete {
				return nil
			}
		case sig := <-state.Signals:
			if n, ok := sig.(syscall.Signal); ok {
				return exitError{128 + int(n), nil}
			}
			return nil
		case <-gone.C:
			// A run that was killed says no last word; its process tells.
			if mesh.PID != 0 && syscall.Kill(mesh.PID, 0) == syscall.ESRCH {
				return exitError{1, errors.New("the run ended without a last word")}
			}
		}
	}
}
