package metrics

import (
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"

	"aiperf/clock"
)

// cpuSeconds is what the process has used so far, on all cores.
func cpuSeconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// streamedRun fills a store with n streams of so many gaps, as a thousand slots run them:
// 200 ms to the first token, 20 ms between chunks.
func streamedRun(tb testing.TB, n, gaps int) *Store {
	s := NewSet(chatStreaming)
	st := s.NewStore()
	if err := st.SpillTo(tb.TempDir()); err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	const slots = 1000
	free := make([]clock.MonoNS, slots)
	record := &Record{Streamed: true, MaxTokens: int64(gaps + 1), Responses: make([]Response, gaps+1)}
	trace := &Trace{HasConnection: true, Reused: true, BytesSent: 300, BytesReceived: 9000, ChunksSent: 1, ChunksReceived: int64(gaps + 3)}
	record.Trace = trace
	record.Usage = ParseUsage([]byte(`{"prompt_tokens": 300, "completion_tokens": 51, "total_tokens": 351}`))
	var values []Value
	for i := range n {
		slot := &free[i%slots]
		start := *slot + clock.MonoNS(1+r.Int64N(50_000))
		record.TimestampNS, record.StartPerfNS, record.SendPerfNS = epoch+clock.WallNS(start), start, start+10_000
		record.CreditIssuedNS = record.TimestampNS - clock.WallNS(r.Int64N(100_000))
		record.CreditDropLatencyNS = r.Int64N(60_000)
		record.Tokens = TokenCounts{Input: 280 + r.Int64N(40), Output: int64(gaps + 1), Reasoning: -1}
		at := start + 200e6 + clock.MonoNS(r.Int64N(400_000))
		record.RecvStartPerfNS = at - 1000
		for k := range record.Responses {
			record.Responses[k] = Response{PerfNS: at, Content: true, Output: true}
			at += 20e6 + clock.MonoNS(r.Int64N(200_000)) - 100_000
		}
		end := record.Responses[gaps].PerfNS + 30_000
		record.EndPerfNS, *slot = end, end
		trace.SendStart, trace.SendEnd = start+10_000, start+15_000+clock.MonoNS(r.Int64N(5000))
		trace.ReceiveStart, trace.ReceiveEnd = record.RecvStartPerfNS, end
		values = s.AppendValues(values[:0], record)
		st.Append(Row{
			Phase: "profiling", StartNS: record.TimestampNS, EndNS: epoch + clock.WallNS(end),
			GenStartNS: epoch + clock.WallNS(record.Responses[0].PerfNS), CreditIssuedNS: record.CreditIssuedNS,
		}, values)
	}
	return st
}

// BenchmarkMillion is the end of a run of a million streams of 50 gaps: what its rows
// take, and how long their summary takes.
func BenchmarkMillion(b *testing.B) {
	st := streamedRun(b, 1_000_000, 50)
	defer st.Close()
	memory, files := st.Bytes()
	b.ReportAllocs()
	cpu := cpuSeconds()
	for b.Loop() {
		if len(st.Summarise(Selection{Phase: "profiling"})) == 0 {
			b.Fatal("no results")
		}
	}
	b.ReportMetric((cpuSeconds()-cpu)/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(memory)/float64(st.Len()), "B/row")
	b.ReportMetric(float64(files)/float64(st.Len()), "fileB/row")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapSys)/1e6, "heap-MB")
}
