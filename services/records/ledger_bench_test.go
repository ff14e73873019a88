package records

import (
	"syscall"
	"testing"

	"aiperf/clock"
	"aiperf/messages"
)

// cpuNS is what the process has used so far, on all cores.
func cpuNS() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// streamedTags are the first metrics of a streamed answer; the last ones come with the
// transport's stamps.
var streamedTags = []string{
	"time_to_first_token", "time_to_second_token", "request_latency", "inter_token_latency", "output_token_throughput_per_user",
	"output_sequence_length", "input_sequence_length", "output_token_count", "send_wait", "credit_drop_latency",
	"http_req_blocked", "http_req_connecting", "http_req_sending", "http_req_waiting", "http_req_receiving", "http_req_duration",
	"http_req_data_sent", "http_req_data_received", "http_req_total", "usage_prompt_tokens", "usage_completion_tokens", "usage_total_tokens",
}

// BenchmarkLedger is one batch of 64 records: decoded, journaled to a file, booked, put
// into columns and handed to watchers. The record file has a benchmark of its own.
func BenchmarkLedger(b *testing.B) {
	for name, tags := range map[string][]string{"10 metrics": streamedTags[:10], "22 metrics": streamedTags} {
		b.Run(name, func(b *testing.B) { benchmarkLedger(b, tags) })
	}
}

func benchmarkLedger(b *testing.B, tags []string) {
	f := newFixture(testRun(1))
	f.run.Benchmark.Endpoint.Streaming = true
	f.streams.live = nil
	var encoded []byte
	f.out.publish = func(m messages.Message) {
		encoded, _ = messages.Encode(encoded[:0], messages.Header{ServiceID: "records_manager"}, m)
	}
	f.out.now = func() clock.WallNS { return startNS }
	const batches = 1024
	envelopes := make([]messages.Envelope, batches)
	for i := range envelopes {
		m := &messages.MetricRecords{}
		for k := range 64 {
			r := f.record(0, int64(i*64+k))
			r.Metrics = nil
			for _, tag := range tags {
				r.Metrics = append(r.Metrics, messages.MetricValue{Tag: tag, Number: float64(20_000_000 + 1000*i + k), Integer: true})
			}
			m.Records = append(m.Records, r)
		}
		envelopes[i] = f.envelope(m)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(envelopes[0].Frame())))
	cpu, i := cpuNS(), 0
	for b.Loop() {
		if i%batches == 0 { // every credit is new
			f.books = newTracker(f.set)
			f.store = newFixture(f.run).store
			if f.journal != nil {
				_ = f.journal.close()
			}
			var err error
			if f.journal, err = createJournal(b.TempDir()); err != nil {
				b.Fatal(err)
			}
		}
		f.take(envelopes[i%batches])
		i++
	}
	per := (cpuNS() - cpu) / float64(i*64)
	b.ReportMetric(per, "cpu-ns/record")
	b.ReportMetric(1e9/per, "records/cpu-s")
	b.ReportMetric(0, "ns/op")
}
