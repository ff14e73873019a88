package exporters

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// MarkerName is the file whose presence says that every other file of the run is whole.
const MarkerName = ".aiperf_results_ready.json"

// ResultsMarker is what the marker says of a finished export.
type ResultsMarker struct {
	WasCancelled    bool
	TerminalPhase   string   // phase that ended the run early, if one did
	TerminalError   string   // redacted
	FailedExporters []string // local exporters that failed; any makes the results partial
}

// WriteResultsMarker writes the marker into an artifact directory, readable by its
// owner only. It is the last file of a run.
func WriteResultsMarker(dir string, m ResultsMarker) error {
	j := compactJSON(nil)
	j.beginObject()
	j.boolean("ready", true)
	j.boolean("was_cancelled", m.WasCancelled)
	j.boolean("partial", len(m.FailedExporters) > 0)
	j.optText("terminal_phase", m.TerminalPhase)
	j.optText("terminal_error", m.TerminalError)
	if len(m.FailedExporters) > 0 {
		j.textList("failed_exporters", m.FailedExporters)
	}
	j.endObject()
	return writeFileAtomic(filepath.Join(dir, MarkerName), privateMode, func(w io.Writer) error {
		_, err := w.Write(j.buf)
		return err
	})
}

// RemoveResultsMarker takes away the marker of an earlier run. It is called before
// the first file is touched, so that half-written results never look finished.
func RemoveResultsMarker(dir string) error {
	err := os.Remove(filepath.Join(dir, MarkerName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the results marker of an earlier run: %w", err)
	}
	return nil
}
