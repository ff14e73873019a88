// Package bus holds the sockets of the mesh. It is the only package that knows the
// ZeroMQ binding.
//
// A Socket is an actor: one goroutine owns the ZeroMQ socket from its creation to
// its end; everybody else hands it messages (Send) and takes what arrived (Receive).
// Both queues have a bound:
//
//	full send queue, data and control   the sender waits, and the wait is counted
//	full send queue, publisher          the message is dropped and counted
//	full receive queue                  the actor stops reading, so that the peer's
//	                                    queue fills and its sender waits in turn
//
// A reader never waits for a send of its own: the actor keeps sending while its
// receive queue is full. Proxy is the event bus: what is published on its front is
// delivered to every subscriber at its back.
package bus
