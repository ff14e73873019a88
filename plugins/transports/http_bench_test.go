package transports

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"aiperf/clock"
	"aiperf/config"
)

// answering serves one fixed answer again and again, as cheaply as it can: a request is
// over when its body, all of x, has its marker at the end.
func answering(b *testing.B, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			go func() {
				defer c.Close()
				text, buf := []byte(answer), make([]byte, 64<<10)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					if bytes.HasSuffix(buf[:n], benchBody[len(benchBody)-4:]) {
						if _, err := c.Write(text); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

var benchBody = []byte(strings.Repeat("x", 2000) + "END.")

const textAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

var streamAnswer = sseHead + strings.Repeat(chunk(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}`+"\n\n"), 100) +
	chunk("data: [DONE]\n\n") + "0\r\n\r\n"

func benchHeaders() *Headers {
	return NewHeaders(HeaderOptions{UserAgent: "aiperf/bench", Stream: true, Environment: settings()})
}

func benchURL(b *testing.B, answer string) *url.URL {
	u, err := JoinURL(answering(b, answer), "/v1/chat/completions")
	if err != nil {
		b.Fatal(err)
	}
	return u
}

// benchmarkExchange is one exchange after another; the server runs in the same process,
// its work is part of the time, and allocates nothing.
func benchmarkExchange(b *testing.B, answer string, responses int) {
	t, err := NewHTTP(Config{Endpoint: config.Endpoint{TimeoutSec: 60}, Environment: settings()})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	r := &Request{URL: benchURL(b, answer), Body: benchBody, Headers: benchHeaders(), RequestID: "id", Session: "session"}
	var x Exchange
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.StartNS = clock.Now()
		t.Exchange(ctx, r, &x)
		if x.Error != nil || len(x.Responses) != responses {
			b.Fatal(x.Error, len(x.Responses))
		}
	}
}

func BenchmarkExchangeText(b *testing.B)   { benchmarkExchange(b, textAnswer, 1) }
func BenchmarkExchangeStream(b *testing.B) { benchmarkExchange(b, streamAnswer, 101) }

// benchmarkStandard is the same by the standard client, with a scanner for the lines.
func benchmarkStandard(b *testing.B, answer string, lines int) {
	client := &http.Transport{DisableCompression: true}
	defer client.CloseIdleConnections()
	u, headers := benchURL(b, answer), benchHeaders()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(benchBody))
		if err != nil {
			b.Fatal(err)
		}
		for _, h := range headers.List("id", "session") {
			req.Header.Set(h.Name, h.Value)
		}
		resp, err := client.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		if lines == 0 {
			_, err = io.Copy(io.Discard, resp.Body)
		} else {
			s := bufio.NewScanner(resp.Body)
			for s.Scan() {
				if len(s.Bytes()) > 0 {
					_ = clock.Now()
					n++
				}
			}
			err = s.Err()
		}
		if err != nil || n != lines {
			b.Fatal(err, n)
		}
		_ = resp.Body.Close()
	}
}

func BenchmarkStandardText(b *testing.B)   { benchmarkStandard(b, textAnswer, 0) }
func BenchmarkStandardStream(b *testing.B) { benchmarkStandard(b, streamAnswer, 101) }

// BenchmarkEvent is one event after another on one stream, each in a write of its own:
// the server waits until it was read. Both sides are in the time.
func BenchmarkEvent(b *testing.B) {
	event := []byte(chunk(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}` + "\n\n"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	server := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.WriteString(c, sseHead)
			server <- c
		}
	}()
	t, err := NewHTTP(Config{Environment: settings()})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	h := t.(*HTTP)
	u, _ := url.Parse("http://" + l.Addr().String())
	c, err := h.dialer.open(context.Background(), h.targets.of(u))
	if err != nil {
		b.Fatal(err)
	}
	defer c.close()
	c.begin()
	a := newAttempt(h)
	x := &Exchange{}
	a.x = x
	read := func() {
		p, err := c.next(nil)
		if err == nil {
			_, err = a.arrived(p, c.at)
		}
		c.release()
		if err != nil {
			b.Fatal(err)
		}
	}
	read()
	w := <-server
	defer w.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(event); err != nil {
			b.Fatal(err)
		}
		if read(); len(x.Responses) >= 100 {
			x.Reset()
			x.Status, x.Streamed = 200, true
		}
	}
}
