// Package worker sends requests. It is one of several equal processes.
//
//	in:  credits, each for one request; cancels; the mapped dataset
//	out: one raw result per started request, one return per credit
//
// The engine handles every credit on a goroutine of its own: it prepares the body,
// waits for the credit's instant, hands the request to the transport, and leaves a
// record and a return behind, whatever happens in between. It holds no socket. The
// service around it owns the sockets:
//
//	credit_router   DEALER  credits and cancels come in; readiness goes out
//	credit_return   PUSH    returns, at once, as many as there are
//	raw_inference   PUSH    one per record processor; records in small batches
//
// A worker does not know the rate, the end of a phase, other workers, or what an
// answer means.
package worker
