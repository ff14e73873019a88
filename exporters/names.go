package exporters

import (
	"path/filepath"

	"aiperf/config"
)

// Names are the file names of one run inside its artifact directory.
type Names struct {
	SummaryJSON  string
	SummaryCSV   string
	Records      string // per-record JSONL
	Parquet      string // the records as a table
	Raw          string // raw JSONL: requests and answers
	Outputs      string // generated texts; never prefixed
	Console      string // capture of the final report
	GPUTelemetry string // JSONL
	Inputs       string // what was sent; written by the dataset manager, never prefixed
	Log          string // relative path
}

// FileNames gives the names for a base name; an empty base gives the default names.
func FileNames(base string) Names {
	n := Names{
		SummaryJSON:  "profile_export_aiperf.json",
		SummaryCSV:   "profile_export_aiperf.csv",
		Records:      "profile_export.jsonl",
		Parquet:      "profile_export.parquet",
		Raw:          "profile_export_raw.jsonl",
		Outputs:      "outputs.json",
		Console:      "profile_export_console.txt",
		GPUTelemetry: "gpu_telemetry_export.jsonl",
		Inputs:       "inputs.json",
		Log:          filepath.Join("logs", "aiperf.log"),
	}
	if base != "" {
		n.SummaryJSON = base + ".json"
		n.SummaryCSV = base + ".csv"
		n.Records = base + ".jsonl"
		n.Parquet = base + ".parquet"
		n.Raw = base + "_raw.jsonl"
		n.Console = base + "_console.txt"
		n.GPUTelemetry = base + "_gpu_telemetry.jsonl"
	}
	return n
}

// namesOf gives the names of a run.
func namesOf(run *config.Run) Names { return FileNames(run.Benchmark.Artifacts.Prefix) }

// pathOf places a name in the artifact directory of a run.
func pathOf(run *config.Run, name string) string { return filepath.Join(run.ArtifactDir, name) }
