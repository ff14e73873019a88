package transports

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

// hear lets an attempt take an answer in pieces, without a network, and tells what came
// of it. Every piece arrives an instant after the one before.
func hear(ended bool, pieces ...[]byte) (outcome string) {
	a := newAttempt(&HTTP{})
	var x Exchange
	a.x = &x
	a.stage = waiting
	c := &conn{}
	done, err := false, error(nil)
	for _, p := range pieces {
		if c.at++; done && len(p) > 0 {
			a.reusable = false // as the look at an idle connection finds
		}
		if done || err != nil {
			continue
		}
		done, err = a.arrived(bytes.Clone(p), c.at)
	}
	switch {
	case err == errEnough, done && err == nil:
		err = a.complete(c.at)
	case err == nil && ended:
		err = a.cut(c, io.EOF)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "status %d streamed %t bytes %d reusable %t\n", x.Status, x.Streamed, x.RecvBytes, a.reusable)
	for _, r := range x.Responses {
		fmt.Fprintf(&out, "%s %q\n", r.Kind, r.Bytes)
	}
	if err != nil {
		fmt.Fprintf(&out, "%s\n", explain(context.Background(), err, a.stage, 0).Error())
	}
	return out.String()
}

var wholeAnswers = map[string]string{
	"a text":                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"a\":\"hello\"}",
	"chunks":                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;name=\"v\"\r\n{\"a\"\r\n00A  ;x\r\n:\"hello\"}\n\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
	"chunks with bare LF":   "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n",
	"a stream":              sseHead + chunk("data: {\"a\":1}\n\n") + chunk(": ping\r\n\r\nda") + chunk("ta: b\rdata: c\n\r\n") + chunk("data: [DONE]\n\n") + "0\r\n\r\n",
	"a stream until close":  "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\ndata: b",
	"interim heads":         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"no content":            "HTTP/1.1 204 No Content\r\n\r\n",
	"a folded header":       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;\r\n  charset=utf-8\r\nX: a\r\n\tb\r\nContent-Length: 9\r\n\r\ndata: x\n\n",
	"a refusal":             "HTTP/1.1 429 Slow Down\r\nRetry-After: 1\r\nContent-Length: 5\r\n\r\nlater",
	"an error in a stream":  sseHead + chunk("data: a\n\n") + chunk("event: error\ndata: {\"error\":\"no\"}\n\n") + "0\r\n\r\n",
	"too much":              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
	"a chunk that is long":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
	"no HTTP":               "SSH-2.0-OpenSSH_9\r\n\r\n",
	"a length that differs": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
}

var _ = Describe("an answer on the wire", func() {
	It("means the same wherever the network cuts it", func() {
		for name, text := range wholeAnswers {
			want := hear(true, []byte(text))
			for i := 1; i < len(text); i++ {
				Expect(hear(true, []byte(text[:i]), []byte(text[i:]))).To(Equal(want), "%s, cut at %d", name, i)
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range 50 {
				var pieces [][]byte
				for rest := []byte(text); len(rest) > 0; {
					n := 1 + random.IntN(min(len(rest), 1+random.IntN(20)))
					pieces, rest = append(pieces, rest[:n]), rest[n:]
				}
				Expect(hear(true, pieces...)).To(Equal(want), name)
			}
		}
	})

	DescribeTable("is read as HTTP wants it", func(text, want string) {
		Expect(hear(true, []byte(text))).To(ContainSubstring(want))
	},
		Entry("chunks are put together, extensions and trailers passed over", wholeAnswers["chunks"], `text "{\"a\":\"hello\"}\n"`),
		Entry("the connection can be used again", wholeAnswers["chunks"], "reusable true"),
		Entry("interim heads are passed over", wholeAnswers["interim heads"], `status 200 streamed false bytes 2 reusable true`),
		Entry("a folded content type is one", wholeAnswers["a folded header"], "streamed true bytes 9 reusable true"),
		Entry("an answer without content is a success", wholeAnswers["no content"], "status 204 streamed false bytes 0 reusable true\ntext \"\""),
		Entry("304 has no body whatever its length says", "HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", "bytes 0 reusable true"),
		Entry("a switch of protocols is none that we know", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "status 101 streamed false bytes 0 reusable false"),
		Entry("HTTP/1.0 ends with its answer", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "reusable false"),
		Entry("unless it says otherwise", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", "reusable true"),
		Entry("a server may hang up after its answer", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", "reusable false"),
		Entry("or say so differently", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=0\r\nContent-Length: 2\r\n\r\nok", "reusable false"),
		Entry("what comes after an answer makes the connection unusable", wholeAnswers["too much"], "reusable false"),
		Entry("chunks win over a length, and the peer is not trusted further", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "bytes 2 reusable false"),
		Entry("the same length twice is one", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok", "bytes 2 reusable true"),
		Entry("two lengths are none", wholeAnswers["a length that differs"], "ClientResponseError: bad Content-Length"),
		Entry("another transfer encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "ClientResponseError: unsupported transfer encoding"),
		Entry("space before a colon", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", "ClientResponseError: malformed MIME header"),
		Entry("another version", "HTTP/2.0 200 OK\r\n\r\n", "ClientResponseError: malformed HTTP response"),
		Entry("a chunk beyond its length", wholeAnswers["a chunk that is long"], "ClientPayloadError: the response was cut short: a chunk is longer"),
		Entry("a chunk length beyond reason", sseHead+"fffffffffffffffff\r\n", "too many digits"),
		Entry("an extension beyond reason", sseHead+"1;"+strings.Repeat("x", 17<<10), "longer than 16 KiB"),
		Entry("trailers beyond reason", sseHead+"0\r\n"+strings.Repeat("A: b\r\n", 20<<10), "trailers are longer"),
		Entry("a head beyond reason", "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 300<<10), "longer than 256 KiB"),
		Entry("lines beyond reason", "HTTP/1.1 200 OK\r\n"+strings.Repeat("A: b\r\n", 1001)+"\r\n", "more than 1000 header lines"),
		Entry("interim heads beyond reason", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 6), "too many 1xx"),
		Entry("an interim head and then nothing", "HTTP/1.1 100 Continue\r\n\r\n", "Server disconnected"),
	)

	It("bears the stamps of the reads that completed its events, and counts those that share one", func() {
		a := newAttempt(&HTTP{})
		var x Exchange
		a.x = &x
		at := clock.MonoNS(0)
		for _, p := range []string{
			sseHead, chunk("data: a\n\n"), chunk("data: b\n\ndata: c\n\n") + chunk("data: d\n\n"), chunk(": ping\n\ndata: e"), chunk("\n\ndata: [DONE]\n\n") + "0\r\n\r\n",
		} {
			at += 10
			_, err := a.arrived([]byte(p), at)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(a.complete(at)).To(Succeed())
		var stamps []clock.MonoNS
		for _, r := range x.Responses {
			stamps = append(stamps, r.PerfNS)
		}
		Expect(stamps).To(Equal([]clock.MonoNS{20, 30, 30, 30, 50, 50}))
		Expect(x.CoalescedEvents).To(BeEquivalentTo(3), "b, c and d; the mark of the end does not count")
		Expect(x.RecvStartNS).To(BeEquivalentTo(10))
		Expect(x.EndNS).To(BeEquivalentTo(50))
		Expect(x.Trace.ChunksReceived).To(BeEquivalentTo(4))
	})

	It("costs no allocation but for what is kept", func() {
		if raceEnabled {
			Skip("the race detector allocates")
		}
		a := newAttempt(&HTTP{})
		var x Exchange
		text := []byte(wholeAnswers["a stream"])
		Expect(testing.AllocsPerRun(100, func() {
			a.release()
			x.Reset()
			a.x = &x
			if done, err := a.arrived(text, 1); !done || err != nil {
				panic(err)
			}
			if err := a.complete(1); err != nil {
				panic(err)
			}
		})).To(BeZero())
	})
})

// FuzzAnswer: any bytes, cut anywhere, mean the same.
func FuzzAnswer(f *testing.F) {
	for _, text := range wholeAnswers {
		f.Add([]byte(text), 10, 30)
	}
	f.Fuzz(func(t *testing.T, text []byte, i, j int) {
		i = max(0, min(i, len(text)))
		j = max(i, min(j, len(text)))
		if whole, parts := hear(true, text), hear(true, text[:i], text[i:j], text[j:]); whole != parts {
			t.Fatalf("cut at %d and %d: %q instead of %q", i, j, parts, whole)
		}
	})
}

// FuzzHead: a head that we take for a success, the standard library reads alike.
func FuzzHead(f *testing.F) {
	for _, text := range wholeAnswers {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r headReader
		_, done, err := r.feed(text)
		if !done || err != nil || r.head.status < 200 || r.interims > 0 {
			return
		}
		theirs, err := http.ReadResponse(newReader(text), &http.Request{Method: http.MethodPost})
		if err != nil {
			return // stricter
		}
		if theirs.StatusCode != r.head.status {
			t.Fatalf("status %d instead of %d", r.head.status, theirs.StatusCode)
		}
		if chunked := len(theirs.TransferEncoding) > 0; r.head.chunked != (chunked && theirs.ProtoAtLeast(1, 1)) && theirs.ProtoAtLeast(1, 1) && theirs.ContentLength != 0 {
			t.Fatalf("chunked %t, theirs %v", r.head.chunked, theirs.TransferEncoding)
		}
		if !r.head.chunked && theirs.ProtoAtLeast(1, 1) && r.head.length != theirs.ContentLength {
			t.Fatalf("length %d instead of %d", r.head.length, theirs.ContentLength)
		}
	})
}

// FuzzChunks: what we take out of chunks is what the standard library takes out.
func FuzzChunks(f *testing.F) {
	for _, text := range []string{"3\r\nabc\r\n0\r\n\r\n", "A;x\r\n0123456789\r\n1\r\nb\r\n0\r\nT: x\r\n\r\n", "2\nab\n0\n\n", "0\r\n\r\n"} {
		f.Add([]byte(text), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		cut = max(0, min(cut, len(text)))
		whole, wholeErr := unchunk(text)
		parts, partsErr := unchunk(text[:cut], text[cut:])
		if !bytes.Equal(whole, parts) || wholeErr != partsErr {
			t.Fatalf("cut at %d: %q %v instead of %q %v", cut, parts, partsErr, whole, wholeErr)
		}
		resp, err := http.ReadResponse(newReader(append([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), text...)), nil)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := io.ReadAll(resp.Body)
		if err == nil && wholeErr == "" && !bytes.Equal(theirs, whole) {
			t.Fatalf("%q, theirs %q", whole, theirs)
		}
	})
}

func unchunk(pieces ...[]byte) (out []byte, failed string) {
	var b bodyReader
	b.begin(&head{chunked: true, length: -1})
	for _, p := range pieces {
		for len(p) > 0 && !b.done() {
			piece, rest, err := b.piece(p)
			if err != nil {
				return out, err.Error()
			}
			out, p = append(out, piece...), rest
		}
	}
	if !b.done() {
		return out, io.ErrUnexpectedEOF.Error()
	}
	return out, ""
}

func BenchmarkChunks(b *testing.B) {
	text := []byte(chunk(strings.Repeat("x", 160)))
	var r bodyReader
	r.begin(&head{chunked: true, length: -1})
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for p := text; len(p) > 0; {
			var err error
			if _, p, err = r.piece(p); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkHead(b *testing.B) {
	text := []byte("HTTP/1.1 200 OK\r\nServer: uvicorn\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nCache-Control: no-cache\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\nX-Request-Id: 409839a2-1681-41f2-bc38-0e7634e6f767\r\n\r\n")
	var r headReader
	b.ReportAllocs()
	for b.Loop() {
		r.reset()
		if _, done, err := r.feed(text); !done || err != nil || !r.head.chunked {
			b.Fatal(err)
		}
	}
}

func newReader(p []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(p)) }
