// Package plugins holds the manifest and the registry: which names exist in which
// category, with what metadata and priority, and which constructor stands behind a
// name. It knows no implementation.
//
// An implementation registers a constructor under its class name in an init; the
// manifest (plugins.yaml at the root of the module) decides which names lead to
// which class. The built-in manifest is compiled into this package by `go
// generate`, so that start-up parses nothing; a user's manifest is read at run time
// and merged over it by priority. Nothing of a plugin runs before something asks
// for it by name.
package plugins

//go:generate go run ./internal/generate ../plugins.yaml manifest_gen.go
