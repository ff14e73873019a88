// Package bootstrap turns one executable into a running mesh.
//
//	in the launcher:  Mesh plans processes and addresses, starts every service as a
//	                  child, watches them, restarts what may be restarted, gathers
//	                  their log lines, stops them in order
//	in a child:       RunService reads the run document from its pipe, connects the
//	                  service to bus and control socket, registers it, and walks it
//	                  through its lifecycle
//
// A Service is a value with a lifecycle; it registers one typed handler per message
// it understands and never sees a socket's owner or a topic string. What any
// service does is not known here.
package bootstrap
