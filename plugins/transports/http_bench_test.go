package transports

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"aiperf/clock"
	"aiperf/config"
)

// answering serves one fixed answer again and again, as cheaply as it can.
func answering(b *testing.B, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	bytes := []byte(answer)
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					if _, err := c.Write(bytes); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func benchmarkExchange(b *testing.B, answer string, responses int) {
	t, err := NewHTTP(Config{Endpoint: config.Endpoint{TimeoutSec: 60}, Environment: settings()})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	u, err := JoinURL(answering(b, answer), "/v1/chat/completions")
	if err != nil {
		b.Fatal(err)
	}
	r := &Request{
		URL: u, Body: []byte(strings.Repeat("x", 2000)),
		Headers: NewHeaders(HeaderOptions{UserAgent: "aiperf/bench", Stream: true, Environment: settings()}), RequestID: "id", Session: "session",
	}
	var x Exchange
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.StartNS = clock.Now()
		t.Exchange(context.Background(), r, &x)
		if x.Error != nil || len(x.Responses) != responses {
			b.Fatal(x.Error, len(x.Responses))
		}
	}
}

// The server runs in the same process: its work is part of these figures.
func BenchmarkExchangeText(b *testing.B) {
	benchmarkExchange(b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 1)
}

func BenchmarkExchangeStream(b *testing.B) {
	event := chunk(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}` + "\n\n")
	benchmarkExchange(b, sseHead+strings.Repeat(event, 100)+chunk("data: [DONE]\n\n")+"0\r\n\r\n", 101)
}
