package exporters

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/tidwall/gjson"

	"aiperf/config"
	"aiperf/plugins"
)

func init() { plugins.Register("data_exporter", "aiperf.exporters:OutputsJSON", NewOutputsJSON) }

// outputsSchema is the version of the layout of outputs.json, as readers know it.
const outputsSchema = "1.0"

// OutputsJSON writes the text that was generated for each profiling request, ordered by
// request and turn.
type OutputsJSON struct{}

// NewOutputsJSON makes it.
func NewOutputsJSON() DataExporter { return OutputsJSON{} }

// Export puts the fragments of the record processors together.
func (OutputsJSON) Export(ctx context.Context, run *config.Run, _ *Report) (string, error) {
	if !run.Benchmark.Artifacts.OutputsJSON {
		return "", nil
	}
	turn := func(line []byte) [2]int64 {
		return [2]int64{gjson.GetBytes(line, "session_num").Int(), gjson.GetBytes(line, "turn_index").Int()}
	}
	return mergeFragments(ctx, pathOf(run, outputsDir), pathOf(run, namesOf(run).Outputs), turn, func(w io.Writer, s *fragmentSet) error {
		_, _ = io.WriteString(w, "{\n  \"schema_version\": \""+outputsSchema+"\",\n  \"data\": [") // w keeps its first error
		separator := "\n    "
		var entry bytes.Buffer
		err := s.each(ctx, func(line []byte) error {
			entry.Reset()
			entry.WriteString(separator)
			separator = ",\n    "
			if err := json.Indent(&entry, line, "    ", "  "); err != nil {
				return err
			}
			_, err := w.Write(entry.Bytes())
			return err
		})
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, "\n  ]\n}\n")
		return err
	})
}
