package records

import (
	"testing"

	"aiperf/clock"
	"aiperf/messages"
)

// BenchmarkLedgerTake is one batch of 64 records of about 35 metrics each: decoded,
// journaled to a file, booked, put into columns and encoded for watchers.
func BenchmarkLedgerTake(b *testing.B) {
	f := newFixture(testRun(1))
	f.lines.records = make([]messages.MetricRecord, 0)
	f.streams.live = nil // the record file has a benchmark of its own
	var encoded []byte
	f.out.publish = func(m messages.Message) {
		encoded, _ = messages.Encode(encoded[:0], messages.Header{ServiceID: "records_manager"}, m)
	}
	f.out.now = func() clock.WallNS { return startNS }
	var err error
	if f.journal, err = createJournal(b.TempDir()); err != nil {
		b.Fatal(err)
	}
	const batches = 256
	envelopes := make([]messages.Envelope, batches)
	for i := range envelopes {
		m := &messages.MetricRecords{}
		for k := range 64 {
			r := f.record(0, int64(i*64+k))
			for _, d := range []string{"time_to_first_token", "inter_token_latency", "output_token_throughput_per_user", "input_sequence_length", "output_token_count",
				"time_to_second_token", "http_req_blocked", "http_req_connecting", "http_req_sending", "http_req_waiting", "http_req_receiving", "http_req_duration",
				"http_req_data_sent", "http_req_data_received", "credit_drop_latency", "start_delay", "send_wait", "send_delay", "min_request_timestamp", "max_response_timestamp"} {
				r.Metrics = append(r.Metrics, messages.MetricValue{Tag: d, Number: 123456.5})
			}
			m.Records = append(m.Records, r)
		}
		envelopes[i] = f.envelope(m)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(envelopes[0].Frame())))
	i := 0
	for b.Loop() {
		if i%batches == 0 { // every credit is new
			f.books = newTracker()
			f.store = newFixture(f.run).store
		}
		f.take(envelopes[i%batches])
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(i*64), "ns/record")
}
