// Package jinja renders the templates that users bring: chat templates of models and
// expressions in configuration files. It is a subset of Jinja with the same results:
//
//	statements   for (with else, if and loop controls), if, set, macro, call, filter, generation, raw
//	expressions  all operators, slices, calls, filters, tests and inline if
//
// Templates come from outside: they can neither reach anything but the values they are
// given, nor change them, and how long they run and how much they write is bounded.
// What the subset lacks is refused by name. No file, network or clock may enter here but
// what a caller hands in.
package jinja
