package exporters

import (
	"context"
	"runtime"
	"testing"

	"aiperf/clock"
	"aiperf/messages"
)

// BenchmarkExportMillion writes a million requests of 20 chunks into each kind of file.
// It takes a minute and some gigabytes: go test ./exporters -run '^$' -bench ExportMillion -benchtime 1x
func BenchmarkExportMillion(b *testing.B) {
	const requests = 1_000_000
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	report := func(b *testing.B) {
		b.ReportMetric(requests*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-of-process")
	}
	for name, open := range map[string]StreamConstructor{"jsonl": NewRecordExport, "parquet": NewParquet} {
		b.Run(name, func(b *testing.B) {
			run := sampleRun(b.TempDir())
			run.Benchmark.Artifacts.Parquet = true
			r := benchRecord()
			for b.Loop() {
				x, err := open(run)
				must(err)
				for i := range int64(requests) {
					r.Metadata.SessionNum = i
					must(x.(RecordStream).Record(r))
				}
				must(x.Close())
			}
			report(b)
		})
	}
	b.Run("outputs", func(b *testing.B) {
		run := sampleRun(b.TempDir())
		run.Benchmark.Artifacts.OutputsJSON = true
		x := &Exchange{Raw: &messages.RequestRecord{}, Record: benchRecord(), Text: make([]byte, 100)}
		x.Record.Metadata.BenchmarkPhase = "profiling"
		for i := range x.Text {
			x.Text[i] = 'x'
		}
		for b.Loop() {
			b.StopTimer()
			f, err := OpenFragments(run, "a")
			must(err)
			for i := range int64(requests) {
				x.Record.Metadata.SessionNum = requests - i
				x.Record.Metadata.RequestStartNS = sampleStart + clock.WallNS(i)
				must(f.Add(x))
			}
			must(f.Close())
			b.StartTimer()
			_, err = NewOutputsJSON().Export(context.Background(), run, &Report{})
			must(err)
		}
		report(b)
	})
}
