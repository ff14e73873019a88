// Package mockserver is the embedded inference server as a process of the mesh: the
// target of a run that needs no other. It serves on a socket that the launcher bound
// before anything started, so that its address is known and no request is refused.
//
//	in:  settings from the run document, requests over HTTP
//	out: answers
//
// The server itself lives in the package of the same name below the services; this
// one gives it a life cycle and a tokenizer.
package mockserver
