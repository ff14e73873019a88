package messages

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/clock"
)

var _ = Describe("an envelope", func() {
	h := Header{ServiceID: "worker_00c0ffee", Seq: 41, SentNS: 1735689600123456000}

	It("is one map with message_type first and the fields of the type after the header", func() {
		frame, err := Encode(nil, h, &Heartbeat{ServiceType: "worker", State: "running"})
		Expect(err).NotTo(HaveOccurred())
		line, err := AppendJSON(nil, mustOpen(frame))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(line)).To(Equal(`{"message_type":"heartbeat","service_id":"worker_00c0ffee","seq":41,"sent_ns":1735689600123456000,"service_type":"worker","state":"running"}`))
	})

	It("carries a request id only when there is one", func() {
		h := h
		h.RequestID = "r-1"
		e := mustOpen(mustEncode(h, &DatasetConfigStatusRequest{}))
		Expect(e.RequestID).To(Equal("r-1"))
		Expect(e.Header.ServiceID).To(Equal("worker_00c0ffee"))
		Expect(e.Seq).To(BeEquivalentTo(41))
	})

	DescribeTable("round-trips every type of the catalogue with random values",
		func(k Kind) {
			rng := rand.New(rand.NewPCG(7, 7))
			for range 20 {
				m := k.New()
				fill(reflect.ValueOf(m).Elem(), rng, 0)
				frame := mustEncode(h, m)
				back := k.New()
				Expect(mustOpen(frame).Decode(back)).To(Succeed())
				Expect(mustEncode(h, back)).To(Equal(frame), "%s", k.Name())
			}
		},
		catalogueEntries(),
	)

	It("has every name once", func() {
		seen := map[string]bool{}
		for _, k := range Catalogue() {
			Expect(seen[k.Name()]).To(BeFalse(), k.Name())
			seen[k.Name()] = true
		}
	})

	DescribeTable("refuses", func(frame []byte) {
		_, err := Open(frame)
		Expect(err).To(MatchError(ErrMalformed))
	},
		Entry("an empty frame", []byte{}),
		Entry("an array", []byte{0x90}),
		Entry("a map without message_type", pack(map[string]any{"service_id": "x"})),
		Entry("a truncated map", []byte{0x82, 0xa1, 'a'}),
		Entry("a length beyond the frame", []byte{0xdf, 0xff, 0xff, 0xff, 0xff}),
		Entry("a seq below zero", pack(map[string]any{"seq": -1})),
	)

	It("refuses nesting beyond its bound, in hot and cold types alike", func() {
		deep := strings.Repeat("\x91", 100) + "\xc0"
		for _, typ := range []string{"heartbeat", "credits"} {
			frame := []byte("\x82\xacmessage_type")
			frame = append(frame, 0xa0|byte(len(typ)))
			frame = append(frame, typ...)
			frame = append(frame, "\xa5extra"...)
			frame = append(frame, deep...)
			e, err := Open(frame)
			if err == nil {
				var m Message = &Heartbeat{}
				if typ == "credits" {
					m = &Credits{}
				}
				err = e.Decode(m)
			}
			Expect(err).To(MatchError(ErrMalformed), typ)
		}
	})

	It("refuses numbers that are not finite", func() {
		frame := []byte("\x82\xacmessage_type\xaemetric_records\xa7records\x91\x81\xa7metrics\x81\xa1x\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00")
		Expect(mustOpen(frame).Decode(&MetricRecords{})).To(MatchError(ErrMalformed))
	})

	It("ignores unknown fields of newer senders", func() {
		frame := pack(map[string]any{"message_type": "heartbeat", "state": "running", "moon": []int{1}})
		var m Heartbeat
		Expect(mustOpen(frame).Decode(&m)).To(Succeed())
		Expect(m.State).To(Equal("running"))
	})

	It("costs no allocation for a hot type when the buffer is big enough", func() {
		frame := make([]byte, 0, 1<<16)
		for _, m := range []Message{
			sampleRecords(64), &Credits{Credits: make([]Credit, 64)}, &CreditReturns{Returns: make([]CreditReturn, 64)},
			&RawResults{Records: []RequestRecord{{Responses: make([]RawResponse, 64), Trace: &TraceData{}}}},
		} {
			if raceEnabled {
				continue // the race detector makes the pool drop writers at random
			}
			Expect(testing.AllocsPerRun(100, func() { frame, _ = Encode(frame[:0], h, m) })).To(BeZero(), m.MessageType())
		}
	})

	It("is readable by an ordinary msgpack library", func() {
		frame := mustEncode(h, &Credits{Credits: []Credit{{CreditKey: CreditKey{1, 17}, Phase: "profiling", ProfilingIndex: 0, ConversationID: "conv-4", XCorrelationID: "0f6c", TurnIndex: 1, NumTurns: 3, IssuedAtNS: 5, URLIndex: -1}}})
		var m map[string]any
		Expect(msgpack.Unmarshal(frame, &m)).To(Succeed())
		credit := m["credits"].([]any)[0].(map[string]any)
		Expect(credit).To(HaveKeyWithValue("id", BeEquivalentTo(17)))
		Expect(credit).NotTo(HaveKey("url_index"), "a default is left out")
		Expect(credit).To(HaveKeyWithValue("profiling_index", BeEquivalentTo(0)), "0 is a value")
	})
})

var _ = Describe("a handler", func() {
	It("is subscribed by the type of its argument", func() {
		var got string
		handler := On(func(_ context.Context, from Header, m *Heartbeat) error {
			got = from.ServiceID + " " + m.State
			return nil
		})
		Expect(handler.Type).To(Equal("heartbeat"))
		e := mustOpen(mustEncode(Header{ServiceID: "w"}, &Heartbeat{State: "running"}))
		Expect(handler.Handle(context.Background(), e)).To(Succeed())
		Expect(got).To(Equal("w running"))
	})

	DescribeTable("topics end in a terminator, so that a name matches no longer one", func(typ, target, want string) {
		Expect(Topic(typ, target)).To(Equal(want))
	},
		Entry("broadcast", "credit_phase_start", "", "credit_phase_start$"),
		Entry("targeted", "connection_probe", "worker_1", "connection_probe.worker_1$"),
	)
})

var _ = Describe("error details", func() {
	It("are cut at their bound without splitting a rune", func() {
		text := strings.Repeat("a", maxErrorText-1) + "é and more"
		cut := CutErrorText(text)
		Expect(cut).To(HaveSuffix("a…"))
		Expect(json.Valid(AppendJSONString(nil, []byte(cut)))).To(BeTrue())
	})

	It("are one line of plain text, whatever the server sent", func() {
		Expect(NewError("x", "bad key\r\n\r\n  see\tdocs\x00\x1b[31m\u2028now\n").Message).To(Equal("bad key   see docs [31m now"))
	})

	It("keep the details that an error already carries", func() {
		inner := NewError("TimeoutError", "too slow").WithCode(408)
		Expect(AsErrorDetails("Other", inner)).To(BeIdenticalTo(inner))
		Expect(AsErrorDetails("Other", ErrMalformed).Type).To(Equal("Other"))
	})
})

func catalogueEntries() []TableEntry {
	var entries []TableEntry
	for _, k := range Catalogue() {
		entries = append(entries, Entry(k.Name(), k))
	}
	return entries
}

// fill sets every field to a random value that the wire can carry.
func fill(v reflect.Value, rng *rand.Rand, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), rng, depth+1)
		}
	case reflect.Pointer:
		if rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), rng, depth+1)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeOf(msgpack.RawMessage{}) {
			v.SetBytes(pack(map[string]any{"k": rng.IntN(9)}))
			return
		}
		n := 1 + rng.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), rng, depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), rng, depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, rng, depth+1)
		fill(value, rng, depth+1)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(string(rune('a'+rng.IntN(26))) + "é")
	case reflect.Int, reflect.Int64:
		v.SetInt(rng.Int64N(1 << 60))
	case reflect.Uint8:
		v.SetUint(uint64(rng.IntN(256)))
	case reflect.Float64:
		v.SetFloat(rng.Float64() * 1e6)
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Interface: // free-form details: a plain value
		v.Set(reflect.ValueOf("detail"))
	default:
		panic("no filler for " + v.Type().String())
	}
}

func pack(v any) []byte {
	b, err := msgpack.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func mustEncode(h Header, m Message) []byte {
	frame, err := Encode(nil, h, m)
	Expect(err).NotTo(HaveOccurred())
	return frame
}

func mustOpen(frame []byte) Envelope {
	e, err := Open(frame)
	if err != nil {
		panic(err)
	}
	return e
}

func FuzzEnvelope(f *testing.F) {
	for _, k := range Catalogue() {
		frame, err := Encode(nil, Header{ServiceID: "x"}, k.New())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	kinds := map[string]Kind{}
	for _, k := range Catalogue() {
		kinds[k.Name()] = k
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		e, err := Open(frame)
		if err != nil {
			return
		}
		if k, ok := kinds[e.Type]; ok {
			_ = e.Decode(k.New())
		}
		if line, err := AppendJSON(nil, e); err == nil && !json.Valid(line) {
			t.Fatalf("invalid JSON: %s", line)
		}
	})
}

func FuzzJSONString(f *testing.F) {
	f.Add("a\"\\\n\x00é\xff ")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(AppendJSONString(nil, []byte(s)), &back); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, "�"); len([]rune(back)) < len([]rune(want)) {
			t.Fatalf("lost text: %q from %q", back, s)
		}
	})
}

// sample is a batch as a busy record processor sends it.
func sampleRecords(n int) *MetricRecords {
	m := &MetricRecords{}
	for i := range n {
		rec := MetricRecord{Metadata: RecordMetadata{
			SessionNum: int64(i), XRequestID: "d21380d9-536c-4c2c-b9ef-b71a9ecb10bf", XCorrelationID: "409839a2-1681-41f2-bc38-0e7634e6f767",
			ConversationID: "session_000000", RequestStartNS: clock.WallNS(1795475936285573931), RequestEndNS: clock.WallNS(1795475936341936650),
			WorkerID: "worker_af9a070e", RecordProcessorID: "record_processor_49bb45e8", BenchmarkPhase: PhaseProfiling, PhaseName: PhaseProfiling,
		}}
		for _, tag := range []string{"time_to_first_token", "request_latency", "inter_token_latency", "output_sequence_length", "input_sequence_length"} {
			rec.Metrics = append(rec.Metrics, MetricValue{Tag: tag, Number: 123456789.25})
		}
		m.Records = append(m.Records, rec)
	}
	return m
}

func BenchmarkMetricRecords(b *testing.B) {
	m := sampleRecords(64)
	frame := make([]byte, 0, 1<<16)
	b.ReportAllocs()
	for b.Loop() {
		frame, _ = Encode(frame[:0], Header{ServiceID: "record_processor_49bb45e8"}, m)
	}
	b.SetBytes(int64(len(frame)))
}

func BenchmarkMetricRecordsDecode(b *testing.B) {
	frame, _ := Encode(nil, Header{ServiceID: "record_processor_49bb45e8"}, sampleRecords(64))
	b.ReportAllocs()
	for b.Loop() {
		e, _ := Open(frame)
		var m MetricRecords
		if err := e.Decode(&m); err != nil || len(m.Records) != 64 {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(frame)))
}

func BenchmarkCredits(b *testing.B) {
	m := &Credits{Credits: []Credit{{Phase: PhaseProfiling, PhaseName: PhaseProfiling, ConversationID: "session_000000", XCorrelationID: "409839a2-1681-41f2-bc38-0e7634e6f767", NumTurns: 1, IssuedAtNS: 1795475936285573931, URLIndex: -1}}}
	frame := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		frame, _ = Encode(frame[:0], Header{ServiceID: "timing_manager"}, m)
	}
	b.SetBytes(int64(len(frame)))
}
