// Package timing decides when each request is sent and who sends it.
//
//	in:  phase list, turn counts of the dataset, credit returns, deaths of workers
//	out: credits, each for one turn and one worker; phase borders and progress;
//	     error records of credits that died with their worker
//
// A single goroutine, the loop's, owns numbering, slots, stop rules and the table of
// credits in flight: everything that arrives is an event in its inbox. What it runs
// is the engine, plain code without clock, goroutine or socket:
//
//	engine     the run: phases in order, cancel, failure, loss of workers
//	phase      one load window: its states, counters, deadlines and in-flight table
//	pacing     which turn goes at which instant: a schedule's ticks, or free slots
//	router     which worker gets it
//
// The package never sees an address, a prompt or a response.
package timing
