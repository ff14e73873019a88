// Package config turns what a user typed into the run document.
//
//	in:  the words of a command line, the environment, the plugin registry
//	out: a Run, resolved and checked, or every problem at once
//
// One table (Table) declares every flag: names, group, value, range, help. Parsing,
// help text, suggestions for unknown flags and docs/cli.md follow from it. One table
// (Settings) declares every environment variable, likewise. Load puts the two
// together. A flag of a feature that this version does not have is known, and
// refused: nothing that is typed is ever ignored.
//
// The package reads no file and no clock; what it needs of the machine is handed in
// as a Host. It also knows which values are secrets (SensitiveHeader, RedactURL,
// Redactor): they are removed when something is written down, never in what runs.
package config
