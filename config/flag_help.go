package config

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"aiperf/plugins"
)

// HelpText is the help of `aiperf profile` for what Flags.Help asks for: "" the
// common flags and the names of the groups, HelpAll everything, or one group. It is
// false when there is no such group.
func HelpText(topic string, r *plugins.Registry, width int) (string, bool) {
	var b strings.Builder
	shown := func(f *Flag) bool { return f.Common }
	switch {
	case topic == HelpAll:
		shown = func(*Flag) bool { return true }
	case topic != "":
		group, ok := findGroup(topic)
		if !ok {
			return "", false
		}
		shown = func(f *Flag) bool { return f.Group == group }
	}
	if topic == "" || topic == HelpAll {
		b.WriteString("Usage: aiperf profile --model NAME --url URL [flags]\n\nMeasures an inference server under load.\n")
	}
	for _, group := range Groups {
		first := true
		for _, f := range Table() {
			if f.Group != group || !shown(f) {
				continue
			}
			if first {
				fmt.Fprintf(&b, "\n%s:\n", group)
				first = false
			}
			writeFlag(&b, f, r, width)
		}
	}
	if topic == "" {
		b.WriteString("\nMore with --help-all, or with --help GROUP: " + groupNames() + "\n")
	}
	return b.String(), true
}

// findGroup finds a group by its name or by one of its words, any case.
func findGroup(topic string) (Group, bool) {
	topic = strings.ToLower(strings.TrimSpace(topic))
	for _, g := range Groups {
		if strings.ToLower(string(g)) == topic {
			return g, true
		}
	}
	for _, g := range Groups {
		for _, word := range strings.Fields(strings.ToLower(string(g))) {
			if strings.Trim(word, "()") == topic {
				return g, true
			}
		}
	}
	return "", false
}

// groupNames lists the groups that --help takes.
func groupNames() string {
	names := make([]string, len(Groups))
	for i, g := range Groups {
		names[i] = string(g)
	}
	return strings.Join(names, ", ")
}

// writeFlag writes the names on one line and the explanation below.
func writeFlag(b *strings.Builder, f *Flag, r *plugins.Registry, width int) {
	var spellings []string
	if f.Short != "" {
		spellings = append(spellings, "-"+f.Short)
	}
	for _, n := range f.Names {
		spellings = append(spellings, "--"+n)
	}
	fmt.Fprintf(b, "  %s", strings.Join(spellings, ", "))
	if f.Value.Metavar != "" {
		b.WriteString(" " + f.Value.Metavar)
	}
	b.WriteByte('\n')
	wrap(b, f.Help+detail(f, r), "        ", width)
}

// detail is what the flag takes, in brackets.
func detail(f *Flag, r *plugins.Registry) string {
	var parts []string
	if names := f.Value.Names(r); len(names) > 0 {
		parts = append(parts, strings.Join(names, ", "))
	}
	if f.Value.Range != "" {
		parts = append(parts, f.Value.Range)
	}
	if f.Default != "" && f.Default != "false" {
		if f.Default == "required" {
			parts = append(parts, "required")
		} else {
			parts = append(parts, "default: "+f.Default)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " [" + strings.Join(parts, "; ") + "]"
}

// wrap writes text in lines of at most width columns, indented.
func wrap(b *strings.Builder, text, indent string, width int) {
	column := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	b.WriteByte('\n')
}

// FlagsReference is docs/cli.md, made from the table.
func FlagsReference(r *plugins.Registry) string {
	var b strings.Builder
	b.WriteString("# Flags of `aiperf profile`\n\n" +
		"Made from the table of flags; `make docs` rewrites it.\n\n" +
		"Forms: `--flag value`, `--flag=value`, `-f value`, `-fvalue`, `-f=value`. Underscores may stand for dashes in names, and names of\n" +
		"choices are compared without regard to case, dashes and underscores. Flags whose value ends in `...` or is a list take all words up\n" +
		"to the next flag and may be repeated; any other flag is given once. Durations are seconds, or numbers with units: `90s`, `2m`, `1h30m`.\n")
	for _, group := range Groups {
		fmt.Fprintf(&b, "\n## %s\n\n| Flag | Value | Default | Meaning |\n|---|---|---|---|\n", group)
		for _, f := range Table() {
			if f.Group == group {
				b.WriteString(referenceRow(f, r))
			}
		}
	}
	b.WriteString("\n## Not in this version\n\nThese flags of AIPerf are known and refused (exit code 2); none is ignored.\n\n| For | Flags | Instead |\n|---|---|---|\n")
	for _, feature := range laterFeatures {
		var flags []string
		for _, n := range feature.flags {
			if len(n) == 1 {
				n = "-" + n
			} else {
				n = "--" + n
			}
			flags = append(flags, "`"+n+"`")
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", feature.name, strings.Join(flags, " "), feature.hint)
	}
	return b.String()
}

func referenceRow(f *Flag, r *plugins.Registry) string {
	var spellings []string
	if f.Short != "" {
		spellings = append(spellings, "`-"+f.Short+"`")
	}
	for _, n := range f.Names {
		spellings = append(spellings, "`--"+n+"`")
	}
	value := f.Value.Metavar
	switch names := f.Value.Names(r); {
	case len(names) > 0:
		value = "`" + strings.Join(names, "` `") + "`"
	case value == "":
		value = "switch"
	case f.Value.Range != "":
		value += ", " + f.Value.Range
	}
	help := f.Help
	if len(f.Value.Later) > 0 {
		help += " Not in this version: `" + strings.Join(f.Value.Later, "` `") + "`."
	}
	if f.Target != "" {
		help += " (`" + f.Target + "`)"
	}
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	return fmt.Sprintf("| %s | %s | %s | %s |\n", strings.Join(spellings, " "), cell(value), cell(f.Default), cell(help))
}
