// Package clock holds the two clocks of the instrument as types that cannot be
// mixed, the precise wait, and the kernel's receive stamps.
//
//	Now()      monotonic, shared by all processes of a host: every latency
//	Wall()     epoch time, anchored once per process: every place on a time line
//	Alarm      wakes many goroutines at absolute instants, to tens of microseconds
//	Receiver   reads a socket together with the kernel's stamp of what it read
//	Realtime   maps such stamps to the monotonic clock, also when the time is set
//
// It imports nothing of ours and knows nothing of what is measured with it.
package clock
