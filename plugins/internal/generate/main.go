// Command generate compiles the manifest into Go source.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"

	"aiperf/plugins"
)

func main() {
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	m, _, err := plugins.Parse("plugins.yaml", data, nil)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated from plugins.yaml by go generate; DO NOT EDIT.\n\npackage plugins\n\n")
	fmt.Fprintf(&b, "func builtinManifest() *Manifest {\nreturn &Manifest{\nSchemaVersion: %q, Package: %q, Version: %q, Description: %q,\n", m.SchemaVersion, m.Package, m.Version, m.Description)
	b.WriteString("Categories: []Category{\n")
	for _, c := range m.Categories {
		fmt.Fprintf(&b, "{Name: %q, Protocol: %q, Enum: %q, Description: %q, Internal: %v},\n", c.Name, c.Protocol, c.Enum, c.Description, c.Internal)
	}
	b.WriteString("},\nEntries: []Entry{\n")
	for _, e := range m.Entries {
		fmt.Fprintf(&b, "{Category: %q, Name: %q, Class: %q, Description: %q, Priority: %d, Package: %q, File: %q, Line: %d", e.Category, e.Name, e.Class, e.Description, e.Priority, e.Package, e.File, e.Line)
		if e.Metadata != nil {
			fmt.Fprintf(&b, ", Metadata: %#v", e.Metadata)
		}
		b.WriteString("},\n")
	}
	b.WriteString("},\n}\n}\n")
	src, err := format.Source(b.Bytes())
	if err != nil {
		return err
	}
	return os.WriteFile(to, src, 0o644)
}
