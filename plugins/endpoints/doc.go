// Package endpoints holds the API dialects: how a turn of a conversation becomes a
// request body, and what an answer says.
//
//	in:  turns and configuration; raw responses
//	out: bodies, headers, understood responses, the assistant's turn
//
// One file per dialect. A dialect knows no URL, no socket, no stamp but the one it
// passes on, and no tokenizer.
package endpoints
