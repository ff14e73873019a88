package transports

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// collect feeds pieces and renders every event as type|comment|data.
func collect(pieces ...string) (events []string) {
	var s splitter
	each := func(e *event) error {
		events = append(events, fmt.Sprintf("%s|%s|%s", e.Type, e.Comment, e.Data))
		return nil
	}
	for _, p := range pieces {
		Expect(s.feed([]byte(p), each)).To(Succeed())
	}
	Expect(s.finish(each)).To(Succeed())
	return events
}

func data(values ...string) (events []string) {
	for _, v := range values {
		events = append(events, "||"+v)
	}
	return events
}

var _ = Describe("splitting a stream of events", func() {
	DescribeTable("takes it apart", func(stream string, want []string) {
		Expect(collect(stream)).To(Equal(want))
		By("whatever the reads cut")
		for at := range len(stream) {
			Expect(collect(stream[:at], stream[at:])).To(Equal(want), "cut at %d", at)
		}
		Expect(collect(strings.Split(stream, "")...)).To(Equal(want))
	},
		Entry("two events", "data: a\n\ndata: b\n\n", data("a", "b")),
		Entry("CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", data("a", "b")),
		Entry("CR alone", "data: a\r\rdata: b\r\r", data("a", "b")),
		Entry("a mix of line ends", "data: a\r\n\ndata: b\n\r\ndata: c\r\n\rdata: d\n\n", data("a", "b", "c", "d")),
		Entry("without space after the colon", "data:a\n\n", data("a")),
		Entry("all white space around a value goes", "data:  \t a \t\n\n", data("a")),
		Entry("several data lines are joined", "data: a\ndata: b\n\n", data("a\nb")),
		Entry("empty data lines are left out", "data: a\ndata:\ndata: b\n\n", data("a\nb")),
		Entry("a last event without its empty line", "data: a\n\ndata: b", data("a", "b")),
		Entry("a last event with half its end", "data: a\n\ndata: b\n", data("a", "b")),
		Entry("no event at all", "\n\n\r\n\n", nil),
		Entry("a line without a colon is a name without a value", "data\nid\n\n", nil),
		Entry("a blank line of spaces does not end an event", "data: a\n  \ndata: b\n\n", data("a\nb")),
		Entry("a comment alone", ": ping\n\n", []string{"|ping|"}),
		Entry("the first comment counts", ": one\n: two\ndata: a\n\n", []string{"|one|a"}),
		Entry("a named event", "event: error\ndata: a\n\n", []string{"error||a"}),
		Entry("other fields are passed over", "id: 7\nretry: 100\nfoo: bar\ndata: a\n\n", data("a")),
		Entry("the byte-order mark goes", "\xef\xbb\xbfdata: a\n\n", data("a")),
		Entry("only at the start", "data: a\n\n\xef\xbb\xbfdata: b\n\n", data("a")),
		Entry("the end of a stream is an event like others", "data: [DONE]\n\n", data("[DONE]")),
		Entry("U+2028 is text, in one line and in several", "data: {\"a\":\"x\u2028y\u0085z\"}\n\ndata: a\u2028b\nid: 1\n\n", data("{\"a\":\"x\u2028y\u0085z\"}", "a\u2028b")),
		Entry("broken JSON is repaired", "data: {\"a\":\"x\ny\"}\n\n", data(`{"a":"x\ny"}`)),
		Entry("over several lines", "data: {\"a\":\"x\ny: z\nw\"}\n\n", data(`{"a":"x\ny: z\nw"}`)),
		Entry("but a data line is a data line", "data: {\"a\":1,\ndata: \"b\":2}\n\n", data("{\"a\":1,\n\"b\":2}")),
		Entry("whole JSON is not", "data: {\"a\":1}\nid: 5\n\n", data(`{"a":1}`)),
		Entry("invalid UTF-8 is replaced", "data: a\xffb\xc3\n\n", data("a\ufffdb\ufffd")),
		Entry("a NUL is text", "data: a\x00b\n\n", data("a\x00b")),
	)

	It("stops at the receiver's error", func() {
		var s splitter
		stop := errors.New("stop")
		seen := 0
		err := s.feed([]byte("data: a\n\ndata: b\n\n"), func(*event) error {
			seen++
			return stop
		})
		Expect(err).To(MatchError(stop))
		Expect(seen).To(Equal(1))
	})

	It("is as new after reset", func() {
		var s splitter
		ignore := func(*event) error { return nil }
		Expect(s.feed([]byte("event: error\ndata: {\"open\r"), ignore)).To(Succeed())
		s.reset()
		var got []string
		Expect(s.feed([]byte("\n\xef\xbb\xbfdata: a\n\n"), func(e *event) error {
			got = append(got, string(e.Type)+string(e.Data))
			return nil
		})).To(Succeed())
		Expect(got).To(BeEmpty(), "the mark is at the start only") // and the LF was not taken for the rest of a CRLF
	})

	It("refuses an event without an end", func() {
		var s splitter
		piece := bytes.Repeat([]byte("x"), 8<<20)
		ignore := func(*event) error { return nil }
		var err error
		for i := 0; i < 20 && err == nil; i++ {
			err = s.feed(piece, ignore)
		}
		Expect(err).To(MatchError(errEventTooLarge))
		s.reset()
		err = nil
		for i := 0; i < 20 && err == nil; i++ {
			err = s.feed(append([]byte("data: "), append(piece, '\n')...), ignore)
		}
		Expect(err).To(MatchError(errEventTooLarge))
	})

	It("allocates nothing once warm", func() {
		var s splitter
		chunk := []byte("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word\"}}]}\n\n")
		ignore := func(*event) error { return nil }
		Expect(testing.AllocsPerRun(100, func() { _ = s.feed(chunk, ignore) })).To(BeZero())
	})
})

var _ = Describe("an error inside a stream", func() {
	DescribeTable("is found", func(stream, text string, code int) {
		var s splitter
		var found error
		found = errors.Join(s.feed([]byte(stream), func(e *event) error {
			if d := errorInEvent(e); d != nil {
				return d
			}
			return nil
		}))
		if text == "" {
			Expect(found).NotTo(HaveOccurred())
			return
		}
		d := explain(GinkgoT().Context(), found, receiving, 0)
		Expect(d.Type).To(Equal("SSEResponseError"))
		Expect(d.Message).To(Equal("Error occurred in SSE response: " + text))
		Expect(*d.Code).To(BeEquivalentTo(code))
	},
		Entry("by its type, with a comment", "event: error\n: out of memory\ndata: {\"x\":1}\n\n", "out of memory", 502),
		Entry("whatever the case", "event: Error\n: no\n\n", "no", 502),
		Entry("by its type, with a message in the data", "event: error\ndata: {\"error\":{\"message\":\"busy\",\"code\":503}}\n\n", "busy", 503),
		Entry("by its type, with other data", "event: error\ndata: boom\n\n", "Unknown error: boom", 502),
		Entry("by its type alone", "event: error\n\n", "Unknown error", 502),
		Entry("in the data, an object", `data: {"error":{"message":"too long","code":400}}`+"\n\n", "too long", 400),
		Entry("in the data, a text", `data: {"error":"no"}`+"\n\n", "no", 502),
		Entry("in the data, something else", `data: {"error":{"kind":7}}`+"\n\n", `{"kind":7}`, 502),
		Entry("in the data, a number", `data: {"error":17}`+"\n\n", `17`, 502),
		Entry("a code that is no HTTP error is not believed", `data: {"error":{"message":"x","code":200}}`+"\n\n", "x", 502),
		Entry("nor one that is a text", `data: {"error":{"message":"x","code":"503"}}`+"\n\n", "x", 502),
		Entry("in one of several lines", "data: 1\ndata: {\"error\":\"no\"}\n\n", "no", 502),
		Entry("null is none", `data: {"error":null,"choices":[]}`+"\n\n", "", 0),
		Entry("empty is none", `data: {"error":{}}`+"\n\n", "", 0),
		Entry("a text about errors is none", `data: {"choices":[{"delta":{"content":"\"error\""}}]}`+"\n\n", "", 0),
		Entry("nor one deeper inside", `data: {"choices":[{"error":"x"}]}`+"\n\n", "", 0),
		Entry("no JSON, no error", `data: say "error" again`+"\n\n", "", 0),
		Entry("a list is none", `data: ["error"]`+"\n\n", "", 0),
	)
})

// FuzzSplitter: any bytes, cut anywhere, give the same events, all of them valid text.
func FuzzSplitter(f *testing.F) {
	for _, seed := range []string{"data: a\n\n", "event: error\r\n: c\r\ndata: {\"a\"\r\nb\r\r\n", "\xef\xbb\xbfdata:\xff\n\n: x", "data: {\n\r\n"} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		run := func(pieces ...[]byte) string {
			var s splitter
			var out strings.Builder
			each := func(e *event) error {
				if !utf8.Valid(e.Data) {
					t.Fatalf("invalid text: %q", e.Data)
				}
				_ = errorInEvent(e)
				fmt.Fprintf(&out, "%q %q %q\n", e.Type, e.Comment, e.Data)
				return nil
			}
			for _, p := range pieces {
				if err := s.feed(p, each); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.finish(each); err != nil {
				t.Fatal(err)
			}
			return out.String()
		}
		cut = max(0, min(cut, len(stream)))
		if whole, parts := run(stream), run(stream[:cut], stream[cut:]); whole != parts {
			t.Fatalf("cut at %d: %q instead of %q", cut, parts, whole)
		}
	})
}

func BenchmarkSplitter(b *testing.B) {
	chunk := []byte("data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n")
	var s splitter
	n := 0
	count := func(e *event) error {
		if errorInEvent(e) == nil {
			n++
		}
		return nil
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		if err := s.feed(chunk, count); err != nil {
			b.Fatal(err)
		}
	}
	if n != b.N {
		b.Fatalf("%d events of %d", n, b.N)
	}
}
