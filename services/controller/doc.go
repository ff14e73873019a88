// Package controller is the run's state machine: who has registered, what is
// configured, which step comes next, who still owes a result, and the final export.
//
//	in:  registrations, command answers, credits_complete, results; deaths from the launcher
//	out: commands to all services, system states, every artifact, the report to the launcher
//
// It owns the control ROUTER and the event bus, which the others connect to. One
// goroutine walks the run's steps; registrations and commands are served beside it.
// It knows no single credit or record, and not what a result means.
package controller
