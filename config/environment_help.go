package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// EnvironmentReference is docs/environment.md, made from the table of settings.
func EnvironmentReference() string {
	var b strings.Builder
	b.WriteString("# Environment variables\n\n" +
		"Made from the table of settings; `make docs` rewrites it.\n\n" +
		"They are read once, by the launcher, and travel to the other processes in the run document. Switches take `true/false`, `1/0`,\n" +
		"`yes/no`, `on/off`, `t/f`, `y/n`; lists are JSON arrays or comma lists. A value that does not fit ends the program with exit code 2;\n" +
		"an unknown `AIPERF_*` name is a warning. Flags win where both exist.\n")
	section := ""
	for _, s := range Settings() {
		if now := settingSection(s.Name); now != section {
			section = now
			fmt.Fprintf(&b, "\n## %s\n\n| Variable | Value | Default | Meaning |\n|---|---|---|---|\n", section)
		}
		shown := s.Default
		if shown == "" {
			shown = "unset"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, s.kind(), shown, s.Help)
	}
	b.WriteString("\n## Accepted without effect\n\n`" + strings.Join(slices.Sorted(maps.Keys(silentSettings)), "`, `") + "`: settings of AIPerf for things that do not exist here.\n")
	return b.String()
}

// settingSection is the heading a variable stands under: the second word of its name.
func settingSection(name string) string {
	parts := strings.Split(name, "_")
	if parts[0] != "AIPERF" || len(parts) < 3 {
		return "Other"
	}
	if parts[1] == "ENDPOINT" {
		return "HTTP"
	}
	return parts[1]
}

// kind is what the variable takes.
func (s *Setting) kind() string {
	var e Environment
	kind := "text"
	switch s.at(&e).(type) {
	case *int, *int64:
		kind = "integer"
	case *float64:
		kind = "number"
	case *bool:
		kind = "switch"
	case *[]string:
		kind = "list"
	}
	if len(s.Choices) > 0 {
		kind = "`" + strings.Join(s.Choices, "` `") + "`"
	}
	if r := s.Range.String(); r != "" {
		kind += ", " + r
	}
	return kind
}
