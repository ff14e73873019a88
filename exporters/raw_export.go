package exporters

import (
	"context"
	"io"

	"github.com/tidwall/gjson"

	"aiperf/config"
	"aiperf/plugins"
)

func init() { plugins.Register("data_exporter", "aiperf.exporters:RawExport", NewRawExport) }

// RawExport writes what was sent and answered, one request per line, in the order in
// which the requests began.
type RawExport struct{}

// NewRawExport makes it.
func NewRawExport() DataExporter { return RawExport{} }

// Export puts the fragments of the record processors together.
func (RawExport) Export(ctx context.Context, run *config.Run, _ *Report) (string, error) {
	if !run.Benchmark.Artifacts.Raw {
		return "", nil
	}
	started := func(line []byte) [2]int64 {
		return [2]int64{gjson.GetBytes(line, "metadata.request_start_ns").Int(), gjson.GetBytes(line, "metadata.session_num").Int()}
	}
	return mergeFragments(ctx, pathOf(run, rawDir), pathOf(run, namesOf(run).Raw), started, func(w io.Writer, s *fragmentSet) error {
		return s.each(ctx, func(line []byte) error {
			_, err := w.Write(append(line, '\n'))
			return err
		})
	})
}
