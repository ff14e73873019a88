// Package clock holds the two clocks of the instrument as types that cannot be
// mixed, and the precise wait.
//
//	Now()      monotonic, shared by all processes of a host: every latency
//	Wall()     epoch time, anchored once per process: every place on a time line
//	Alarm      wakes many goroutines at absolute instants, to tens of microseconds
//
// It imports nothing of ours and knows nothing of what is measured with it.
package clock
