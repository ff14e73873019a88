// Package mockserver is the embedded inference server: an HTTP handler that answers
// like a model server, with latencies, faults and token counts that are asked for
// instead of measured. It is the target of demos and tests, and it ships in the
// program.
//
//	in:  OpenAI-style requests (chat, completions, embeddings), control requests
//	out: answers of exact token counts at exact instants; metrics pages; a request log
//
// Every request has one goroutine, that of net/http; it waits for the absolute
// instant of each token on one shared alarm. Everything random is a pure function
// of the seed and the request's number, so that two servers with one seed treat the
// n-th request alike.
//
// The package knows nothing of the benchmark that calls it: no mesh, no run, no
// tokenizer (a counter is handed in).
package mockserver
