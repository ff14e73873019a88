package records

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"aiperf/clock"
	"aiperf/messages"
)

// BenchmarkMillionRun is a whole run of a million streams of 50 gaps, as a thousand slots
// run them, through the ledger: what the process keeps in memory on the way, and how long
// its end takes. It wants 2 GB on the disk and half a minute.
func BenchmarkMillionRun(b *testing.B) {
	for b.Loop() {
		benchmarkMillionRun(b)
	}
}

func benchmarkMillionRun(b *testing.B) {
	const requests = 1_000_000
	run := testRun(1)
	run.Benchmark.Endpoint.Streaming, run.Benchmark.Endpoint.Capabilities.TokenizesInput = true, true
	run.DatasetDir, run.ArtifactDir = b.TempDir(), b.TempDir()
	f := newFixture(run)
	var encoded []byte
	f.out.publish = func(m messages.Message) {
		encoded, _ = messages.Encode(encoded[:0], messages.Header{ServiceID: "records_manager"}, m)
	}
	f.out.now = clock.Wall
	if err := f.open(); err != nil {
		b.Fatal(err)
	}
	defer f.close()

	source := newStreamSource()
	var taking float64
	early := int64(0)
	for n := 0; n < requests; n += 64 {
		e := source.batch(f)
		began := cpuNS()
		f.take(e)
		taking += cpuNS() - began
		if n == requests/10 {
			early = residentKB()
		}
	}
	late := residentKB()
	memory, files := f.store.Bytes()
	began := time.Now()
	f.deliver()
	b.ReportMetric(time.Since(began).Seconds(), "end-s")
	b.ReportMetric(taking/requests, "cpu-ns/record")
	b.ReportMetric(float64(memory)/requests, "store-B/record")
	b.ReportMetric(float64(files)/requests, "file-B/record")
	b.ReportMetric(float64(late-early)*1024/(0.9*requests), "resident-B/record")
	b.ReportMetric(float64(late)/1024, "resident-MB")
	b.ReportMetric(0, "ns/op")
}

// streamSource makes batches of records of streams.
type streamSource struct {
	random *rand.Rand
	next   int64
	free   [1000]int64 // when each slot is free
	made   messages.MetricRecords
	gaps   [64][50]float64
	frame  int
}

func newStreamSource() *streamSource { return &streamSource{random: rand.New(rand.NewPCG(1, 2))} }

func (s *streamSource) batch(f *fixture) messages.Envelope {
	s.made.Records = s.made.Records[:0]
	for k := range s.gaps {
		s.made.Records = append(s.made.Records, s.record(f, &s.gaps[k]))
	}
	frame, err := messages.Encode(make([]byte, 0, s.frame), messages.Header{ServiceID: "record_processor_a", Seq: uint64(s.next / 64)}, &s.made)
	if err != nil {
		panic(err)
	}
	s.frame = len(frame) + 1024
	e, err := messages.Open(frame)
	if err != nil {
		panic(err)
	}
	return e
}

// record is a stream of 200 ms to the first token and 20 ms between chunks.
func (s *streamSource) record(f *fixture, gaps *[50]float64) messages.MetricRecord {
	slot := &s.free[s.next%int64(len(s.free))]
	start := *slot + 1 + s.random.Int64N(50_000)
	ttft := 200e6 + s.random.Int64N(400_000)
	decode := int64(0)
	for i := range gaps {
		gap := 20e6 + s.random.Int64N(200_000) - 100_000
		gaps[i] = float64(gap)
		decode += gap
	}
	*slot = start + ttft + decode + 30_000
	r := f.record(0, s.next)
	s.next++
	m := &r.Metadata
	m.RequestStartNS, m.RequestEndNS = startNS.Add(time.Duration(start)), startNS.Add(time.Duration(*slot))
	m.GenStartNS = startNS.Add(time.Duration(start + ttft))
	m.CreditIssuedNS = m.RequestStartNS.Add(-time.Duration(s.random.Int64N(100_000)))
	m.XRequestID, m.XCorrelationID, m.ConversationID = "d21380d9-536c-4c2c-b9ef-b71a9ecb10bf", "409839a2-1681-41f2-bc38-0e7634e6f767", "session_000000"
	r.Metrics = nil
	for _, tag := range streamedTags {
		v := s.random.Int64N(1_000_000)
		switch tag {
		case "time_to_first_token":
			v = ttft
		case "request_latency":
			v = ttft + decode
		case "output_sequence_length", "output_token_count":
			v = int64(len(gaps) + 1)
		case "input_sequence_length":
			v = 280 + s.random.Int64N(40)
		}
		r.Metrics = append(r.Metrics, messages.MetricValue{Tag: tag, Number: float64(v), Integer: true})
	}
	r.Metrics = append(r.Metrics, messages.MetricValue{Tag: "inter_chunk_latency", Integer: true, List: gaps[:]})
	return r
}

// residentKB is what the process has in memory.
func residentKB() (kb int64) {
	raw, _ := os.ReadFile("/proc/self/status") // elsewhere than on Linux: 0
	for line := range bytes.Lines(raw) {
		if rest, found := bytes.CutPrefix(line, []byte("VmRSS:")); found {
			_, _ = fmt.Sscan(string(rest), &kb)
		}
	}
	return kb
}
