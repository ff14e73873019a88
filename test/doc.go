// Package test holds what needs the whole program: end-to-end runs with real
// processes, fault injection, the import order of the packages. The benchmark of the
// whole program is in test/bench.
package test
