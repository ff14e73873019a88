package exporters

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aiperf/config"
)

// phaseExporter is the name of the files of single phases among the exporters.
const phaseExporter = "phases"

const (
	phasesDir         = "phases" // one folder for each phase
	phaseManifest     = "phase_manifest.json"
	phaseGPUFile      = "gpu_telemetry.json"
	phaseFilesVersion = 1 // schema_version of the manifest, and of what stands beside the summaries
)

// phaseFiles are the files of one phase, by their keys in the manifest; those that could
// not be written are missing.
type phaseFiles map[string]string

// exportPhases writes a folder for each phase of a run that had several, and the manifest
// that lists them. A phase whose files fail is listed without them.
func exportPhases(ctx context.Context, run *config.Run, r *Report) []Failure {
	if r.Profile == nil || len(r.Profile.Phases) == 0 {
		if err := os.Remove(pathOf(run, phaseManifest)); err != nil && !errors.Is(err, os.ErrNotExist) { // of an earlier run
			return []Failure{{phaseExporter, err}}
		}
		return nil
	}
	var failed []error
	files := make([]phaseFiles, len(r.Profile.Phases))
	for i := range r.Profile.Phases {
		var err error
		files[i], err = exportPhase(ctx, run, &r.Profile.Phases[i])
		failed = append(failed, err)
	}
	path := pathOf(run, phaseManifest)
	err := writeSorted(path, manifestJSON(r.Profile.Phases, files))
	if err == nil {
		r.Files = append(r.Files, path)
	}
	if err = errors.Join(append(failed, err)...); err != nil {
		return []Failure{{phaseExporter, err}}
	}
	return nil
}

// exportPhase writes what one phase came to. The summaries are those of a run that had
// this phase alone; GPUs have a file of their own.
func exportPhase(ctx context.Context, run *config.Run, p *PhaseResult) (phaseFiles, error) {
	if p.Name == "" || p.Name == "." || p.Name == ".." || filepath.Base(p.Name) != p.Name {
		return nil, fmt.Errorf("phase %d: its name %q cannot be that of a folder", p.Index, p.Name)
	}
	own := *run
	own.ArtifactDir = filepath.Join(run.ArtifactDir, phasesDir, p.Name)
	own.Benchmark.GPUTelemetry = config.GPUTelemetry{}
	report := &Report{Profile: &p.Profile}
	files := phaseFiles{}
	var failed []error
	keep := func(key, path string, err error) {
		switch relative, outside := filepath.Rel(run.ArtifactDir, path); {
		case err != nil:
			failed = append(failed, err)
		case path == "": // not wanted
		case outside != nil:
			failed = append(failed, outside)
		default:
			files[key] = filepath.ToSlash(relative)
		}
	}
	path, err := JSON{}.Export(ctx, &own, report)
	keep("metrics_json", path, err)
	path, err = CSV{}.Export(ctx, &own, report)
	keep("metrics_csv", path, err)
	path, err = exportPhaseGPUs(&own, p)
	keep("gpu_telemetry_json", path, err)
	return files, errors.Join(failed...)
}

// exportPhaseGPUs writes what the GPUs did in a phase, or why that is not known; nothing in
// a run that watches none.
func exportPhaseGPUs(run *config.Run, p *PhaseResult) (path string, err error) {
	if p.Telemetry == nil && len(p.TelemetryWarnings) == 0 {
		return "", nil
	}
	j := compactJSON(nil)
	j.beginObject()
	j.integer("schema_version", phaseFilesVersion)
	j.object("phase", func() { j.phase(p) })
	if p.Telemetry != nil {
		j.object("data", func() { j.telemetry(p.Telemetry) })
	} else {
		j.raw("data", json.RawMessage("null"))
	}
	j.textList("warnings", p.TelemetryWarnings)
	j.endObject()
	path = pathOf(run, phaseGPUFile)
	return path, writeSorted(path, j.buf)
}

func manifestJSON(phases []PhaseResult, files []phaseFiles) []byte {
	j := compactJSON(nil)
	j.beginObject()
	j.integer("schema_version", phaseFilesVersion)
	j.list("phases", func() {
		for i := range phases {
			p := &phases[i].Profile
			j.next()
			j.beginObject()
			j.phase(&phases[i])
			j.integer("successful_request_count", p.SuccessfulRequestCount)
			j.integer("error_request_count", p.ErrorRequestCount)
			j.integer("total_request_count", p.SuccessfulRequestCount+p.ErrorRequestCount+p.CancelledRequestCount)
			j.errorSummary("error_summary", p.ErrorSummary)
			for key, path := range files[i] {
				j.text(key, path)
			}
			j.endObject()
		}
	})
	j.endObject()
	return j.buf
}

// phase writes which phase it is and when it was.
func (j *jsonText) phase(p *PhaseResult) {
	j.integer("phase_index", int64(p.Index))
	if p.ProfilingIndex != nil {
		j.integer("profiling_index", int64(*p.ProfilingIndex))
	} else {
		j.raw("profiling_index", json.RawMessage("null"))
	}
	j.text("phase_name", p.Name)
	j.text("phase_kind", p.Kind)
	j.integer("start_ns", int64(p.Profile.StartNS))
	j.integer("end_ns", int64(p.Profile.EndNS))
	j.boolean("was_cancelled", p.Profile.WasCancelled)
}

// writeSorted writes a JSON text with its keys in alphabetical order at every depth.
func writeSorted(path string, text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return WriteFileAtomic(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(doc)
	})
}
