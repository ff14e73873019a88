// Package hub finds the files of a tokenizer: in a folder, in the cache that HuggingFace's
// tools keep, or on the model hub, whose protocol it speaks.
//
//	in:  a name, a revision, the user's environment
//	out: a folder that holds the tokenizer's files, or a failure that says what was tried
//
// It reads no tokenizer and runs nothing that it finds. Downloads go into the cache in the
// layout that HuggingFace's tools use, so that each finds what another has fetched.
package hub
