package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"

	"aiperf/config"
	"aiperf/exporters"
	"aiperf/plugins"
)

// pluginsCommand shows the extension points and what stands behind them. Nothing of a
// plugin runs here.
func pluginsCommand(state *State) *cli.Command {
	return &cli.Command{
		Name: "plugins", Usage: "show the extension points and the plugins behind them", ArgsUsage: "[CATEGORY] [NAME]",
		Description: "Without arguments: the installed packages. With a category: its plugins. With a name too: everything about\n" +
			"that one. `plugins list`, `plugins show CATEGORY [NAME]` and `plugins validate` are other spellings.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "category", Usage: "`CATEGORY` to show"},
			&cli.StringFlag{Name: "name", Usage: "plugin `NAME` to show"},
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "all categories with the names of their plugins"},
			&cli.BoolFlag{Name: "validate", Aliases: []string{"v"}, Usage: "hold every entry against the program; exit 1 on a fault"},
			&cli.StringSliceFlag{Name: "plugins", Usage: "manifest `FILE` to merge over the built-in one"},
		},
		Action: func(c *cli.Context) error { return showPlugins(state, c) },
	}
}

func showPlugins(state *State, c *cli.Context) error {
	words := c.Args().Slice()
	all, validate := c.Bool("all"), c.Bool("validate")
	if len(words) > 0 {
		switch words[0] {
		case "list":
			words, all = words[1:], len(words) == 1
		case "show":
			words = words[1:]
			if len(words) == 0 {
				return exitError{2, errors.New("plugins show: want a category; `aiperf plugins --all` lists them")}
			}
		case "validate":
			words, validate = words[1:], true
		}
	}
	for _, flag := range []string{"category", "name"} {
		if c.IsSet(flag) {
			words = append(words, c.String(flag))
		}
	}
	registry, err := loadedPlugins(state, c.StringSlice("plugins"))
	if err != nil {
		return exitError{2, err}
	}
	p := &pluginPages{out: state.Stdout, options: consoleOptions(state), registry: registry}
	switch {
	case validate && len(words) == 0:
		return p.validation()
	case validate:
		return exitError{2, fmt.Errorf("plugins: --validate takes no category (got %s)", words[0])}
	case len(words) > 2 || len(words) == 1 && c.IsSet("name") && !c.IsSet("category"):
		return exitError{2, errors.New("plugins: want a category, and a name in it; see `aiperf plugins --help`")}
	case len(words) == 0 && all:
		return p.everything()
	case len(words) == 0:
		return p.packages()
	case len(words) == 1:
		return p.category(words[0])
	default:
		return p.entry(words[0], words[1])
	}
}

// loadedPlugins merges the manifests of the environment and of the command line.
func loadedPlugins(state *State, manifests []string) (*plugins.Registry, error) {
	env, _, problems := config.ParseEnvironment(state.Env)
	for _, p := range problems {
		if p.Where == "AIPERF_PLUGINS" {
			return nil, p
		}
	}
	registry, warnings, err := plugins.Load(append(env.Plugins, manifests...))
	for _, w := range warnings {
		fmt.Fprintf(state.Stderr, "aiperf: warning: %s\n", w)
	}
	return registry, err
}

// consoleOptions are those of a page on stdout.
func consoleOptions(state *State) exporters.ConsoleOptions {
	env, _, _ := config.ParseEnvironment(state.Env)
	columns, onTerminal := terminal(state.Stdout)
	if columns == 0 {
		columns = env.UI.ConsoleExportWidth
	}
	return exporters.ConsoleOptions{Width: columns, Color: onTerminal && !env.NoColor}
}

// pluginPages are the pages of the command.
type pluginPages struct {
	out      io.Writer
	options  exporters.ConsoleOptions
	registry *plugins.Registry
}

func (p *pluginPages) table(t exporters.Table) error {
	c := exporters.NewConsole(p.options)
	c.Table(t)
	_, err := c.WriteTo(p.out)
	return err
}

func (p *pluginPages) packages() error {
	t := exporters.Table{Title: heading("Installed Packages"), Columns: columns("Package", "Version", "Plugins", "Description")}
	for _, pkg := range p.registry.Packages() {
		t.Rows = append(t.Rows, cells(pkg.Name, pkg.Version, fmt.Sprint(pkg.Entries), pkg.Description))
	}
	return p.table(t)
}

func (p *pluginPages) everything() error {
	t := exporters.Table{Title: heading("Plugin Categories"), Columns: columns("Category", "Plugins", "Description")}
	for _, c := range p.registry.Categories() {
		if !c.Internal {
			t.Rows = append(t.Rows, cells(c.Name, strings.Join(p.registry.Names(c.Name), ", "), c.Description))
		}
	}
	return p.table(t)
}

func (p *pluginPages) category(name string) error {
	c, err := p.find(name)
	if err != nil {
		return err
	}
	t := exporters.Table{Title: heading(title(c.Name) + " Types"), Columns: columns("Name", "Package", "Description")}
	for _, e := range p.registry.Entries(c.Name) {
		t.Rows = append(t.Rows, cells(e.Name, e.Package, e.Description))
	}
	fmt.Fprintln(p.out, c.Description)
	return p.table(t)
}

// find looks a category up; the error lists what there is.
func (p *pluginPages) find(name string) (plugins.Category, error) {
	for _, c := range p.registry.Categories() {
		if c.Name == plugins.Normal(name) {
			return c, nil
		}
	}
	hint := "there are: " + strings.Join(p.registry.CategoryNames(), ", ")
	if near := config.Suggest(strings.ReplaceAll(plugins.Normal(name), "_", "-"), dashed(p.registry.CategoryNames())); near != "" {
		hint = "did you mean " + strings.ReplaceAll(near, "-", "_") + "? " + hint
	}
	return plugins.Category{}, exitError{1, fmt.Errorf("plugins: unknown category %s; %s", name, hint)}
}

func dashed(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ReplaceAll(n, "_", "-")
	}
	return out
}

func (p *pluginPages) entry(category, name string) error {
	c, err := p.find(category)
	if err != nil {
		return err
	}
	e, err := p.registry.Find(c.Name, name)
	if err != nil {
		return exitError{1, fmt.Errorf("Not found: %s:%s; available: %s", c.Name, name, strings.Join(p.registry.Names(c.Name), ", "))}
	}
	lines := []string{
		"Type:        " + e.Name, "Category:    " + c.Name, "Package:     " + e.Package, "Class:       " + e.Class, "Description: " + e.Description,
	}
	if e.Priority != 0 {
		lines = append(lines, fmt.Sprintf("Priority:    %d", e.Priority))
	}
	if len(e.Metadata) > 0 {
		lines = append(lines, "Metadata:")
		keys := make([]string, 0, len(e.Metadata))
		for k := range e.Metadata {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			value, err := json.Marshal(e.Metadata[k])
			if err != nil {
				value = []byte(fmt.Sprint(e.Metadata[k]))
			}
			lines = append(lines, "  "+k+": "+string(value))
		}
	}
	box := exporters.Panel{Title: title(c.Name) + ": " + e.Name, TitleLeft: true, PadX: 1}
	for _, l := range lines {
		box.Lines = append(box.Lines, exporters.Cell{Text: l})
	}
	out := exporters.NewConsole(p.options)
	out.Panel(box)
	_, err = out.WriteTo(p.out)
	return err
}

// validation prints a line per check and fails when one does.
func (p *pluginPages) validation() error {
	checks := plugins.Validate(p.registry)
	failed := 0
	for _, c := range checks {
		if c.Err == nil {
			continue
		}
		failed++
		for _, line := range strings.Split(c.Err.Error(), "\n") {
			fmt.Fprintf(p.out, "(FAIL) %s - %s\n", c.Subject, line)
		}
	}
	if failed > 0 {
		return exitError{1, fmt.Errorf("plugins: %d of %d entries are faulty", failed, len(checks))}
	}
	fmt.Fprintf(p.out, "(OK) %d entries\n", len(checks))
	return nil
}

// upper are words that are written in capitals in titles.
var upper = map[string]bool{
	"ui": true, "api": true, "gpu": true, "cpu": true, "http": true, "zmq": true, "csv": true, "json": true, "hf": true, "tei": true, "url": true,
}

// title is a category's name as a heading.
func title(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words {
		if upper[w] {
			words[i] = strings.ToUpper(w)
		} else if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

func columns(names ...string) []exporters.Column {
	out := make([]exporters.Column, len(names))
	for i, n := range names {
		out[i] = exporters.Column{Header: n, Left: true}
	}
	return out
}

func cells(texts ...string) []exporters.Cell {
	out := make([]exporters.Cell, len(texts))
	for i, t := range texts {
		out[i] = exporters.Cell{Text: t}
	}
	return out
}

func heading(text string) []exporters.Cell { return cells(text) }
