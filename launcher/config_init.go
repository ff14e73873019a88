package main

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"

	"aiperf/config"
)

//go:embed templates/*.yaml
var templateFiles embed.FS

// configTemplate is a file to begin with. Its first lines say what it is for.
type configTemplate struct {
	name, title, description, category string
	text, about                        string
}

func configTemplates() (out []configTemplate) {
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, e := range entries {
		b, err := templateFiles.ReadFile("templates/" + e.Name())
		if err != nil {
			panic(err)
		}
		t := configTemplate{name: strings.TrimSuffix(e.Name(), ".yaml"), text: string(b)}
		for _, line := range strings.Split(t.text, "\n") {
			head, value, ok := strings.Cut(strings.TrimPrefix(line, "# "), ": ")
			if !ok || !strings.HasPrefix(line, "# ") {
				continue
			}
			t.about += " " + value
			switch head {
			case "title":
				t.title = value
			case "description":
				t.description = value
			case "category":
				t.category = value
			}
		}
		out = append(out, t)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].category < out[j].category })
	return out
}

func configInit(state *State) *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "begin a configuration file with a template",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "list", Usage: "show the templates"},
			&cli.StringFlag{Name: "search", Usage: "show the templates that have `WORD` in them"},
			&cli.StringFlag{Name: "template", Usage: "print the template `NAME`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write it to `FILE`"},
			&cli.StringFlag{Name: "model", Usage: "put the model `NAME` into it"},
			&cli.StringFlag{Name: "url", Usage: "put the server's `URL` into it"},
		},
		Action: func(c *cli.Context) error {
			switch {
			case c.NArg() > 0:
				return exitError{2, fmt.Errorf("config init: takes no arguments (got %s); name a template with --template", c.Args().First())}
			case c.IsSet("template"):
				return writeTemplate(state, c)
			case c.Bool("list"), c.IsSet("search"):
				return listTemplates(state, strings.ToLower(c.String("search")))
			}
			return exitError{2, errors.New("config init: wants --template NAME, --list or --search WORD")}
		},
	}
}

// listTemplates shows them by category; those with the word in their name come first.
func listTemplates(state *State, word string) error {
	found := configTemplates()
	if word != "" {
		var named, others []configTemplate
		for _, t := range found {
			switch {
			case strings.Contains(t.name, word):
				named = append(named, t)
			case strings.Contains(strings.ToLower(t.about), word):
				others = append(others, t)
			}
		}
		found = append(named, others...)
	}
	if len(found) == 0 {
		_, err := fmt.Fprintf(state.Stdout, "No template has %q in it; `aiperf config init --list` shows all.\n", word)
		return err
	}
	category := ""
	for _, t := range found {
		if word == "" && t.category != category {
			category = t.category
			fmt.Fprintf(state.Stdout, "%s\n", category)
		}
		if _, err := fmt.Fprintf(state.Stdout, "  %-26s %s\n", t.name, t.description); err != nil {
			return err
		}
	}
	return nil
}

var (
	templateModel = regexp.MustCompile(`(?m)^(\s*model:\s*).*$`)
	templateURL   = regexp.MustCompile(`(\burls?:\s*)("[^"]*"|\[[^\]]*\]|[^,}\n]*)`)
)

func writeTemplate(state *State, c *cli.Context) error {
	name := c.String("template")
	var names []string
	text := ""
	for _, t := range configTemplates() {
		names = append(names, t.name)
		if t.name == name {
			text = t.text
		}
	}
	if text == "" {
		hint := "there are: " + strings.Join(names, ", ")
		if near := config.Suggest(name, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		return exitError{1, fmt.Errorf("config init: there is no template %s; %s", name, hint)}
	}
	if m := c.String("model"); m != "" {
		text = templateModel.ReplaceAllString(text, "${1}"+strings.ReplaceAll(fmt.Sprintf("%q", m), "$", "$$"))
	}
	if u := c.String("url"); u != "" {
		text = templateURL.ReplaceAllString(text, "${1}"+strings.ReplaceAll(fmt.Sprintf("%q", u), "$", "$$"))
	}
	out := c.String("output")
	if out == "" {
		_, err := fmt.Fprint(state.Stdout, text)
		return err
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(state.WorkingDir, out)
	}
	err := os.MkdirAll(filepath.Dir(out), 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644); err == nil {
			_, err = f.WriteString(text)
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		return exitError{1, fmt.Errorf("config init: %w", err)}
	}
	_, err = fmt.Fprintf(state.Stdout, "Written: %s\n", out)
	return err
}
