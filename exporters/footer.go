package exporters

import (
	"path/filepath"
	"slices"
	"strconv"

	"aiperf/config"
)

// exportLabel is how a file is called in the footer.
type exportLabel struct {
	label    string
	exporter string // in Report.FailedExporters
	file     string
}

// exportLabels lists the files of a run in the order of the footer.
func exportLabels(n Names) []exportLabel {
	return []exportLabel{
		{"CSV Export", "csv", n.SummaryCSV},
		{"JSON Export", "json", n.SummaryJSON},
		{"Records Export", "record_export", n.Records},
		{"Parquet Export", "parquet", n.Parquet},
		{"Raw Records Export", "raw_records", n.Raw},
		{"Outputs", "outputs_json", n.Outputs},
		{"GPU Telemetry Export", "gpu_telemetry_jsonl_writer", n.GPUTelemetry},
		{"Inputs", "inputs", n.Inputs},
		{"Phase Manifest", phaseExporter, phaseManifest},
		{"Console Export", consoleCapture, n.Console},
	}
}

// renderFooter says how the run was called, how long it took and where everything is.
func renderFooter(c *Console, run *config.Run, r *Report) {
	if run.CLICommand != "" {
		c.line(Plain, "CLI Command: "+run.CLICommand)
	}
	renderDuration(c, r)
	renderFiles(c, run, r)
	c.line(Plain, "Log File: "+pathOf(run, namesOf(run).Log))
	renderDeaths(c, r)
	if r.Profile != nil && r.Profile.WasCancelled {
		c.Text(Yellow, "The profile run was cancelled early. Results shown may be incomplete or inaccurate.")
	}
	if run.Environment.Dev.Mode {
		c.Text(Yellow, "Developer mode is on (AIPERF_DEV_MODE): these figures are not for comparisons.")
	}
}

func renderDuration(c *Console, r *Report) {
	if r.Profile == nil {
		return
	}
	seconds, ok := average(r.Profile.Records, "benchmark_duration")
	if !ok { // nothing succeeded: the time that was spent all the same
		seconds = r.Profile.EndNS.Sub(r.Profile.StartNS).Seconds()
		if r.Profile.EndNS == 0 || seconds < 0 {
			return
		}
	}
	c.styled(Plain, "Benchmark Duration: "+strconv.FormatFloat(seconds, 'f', 2, 64)+" sec")
	if r.Profile.WasCancelled {
		c.styled(Yellow, " (cancelled early)")
	}
	c.Blank()
}

func renderFiles(c *Console, run *config.Run, r *Report) {
	shown := map[string]bool{}
	for _, l := range exportLabels(namesOf(run)) {
		path := pathOf(run, l.file)
		switch {
		case slices.Contains(r.FailedExporters, l.exporter):
			c.line(Red, l.label+": failed, see the log ("+path+")")
			shown[l.exporter] = true
		case slices.Contains(r.Files, path):
			c.line(Plain, l.label+": "+path)
		}
		shown[path] = true
	}
	for _, path := range r.Files {
		if !shown[path] {
			c.line(Plain, filepath.Base(path)+": "+path)
		}
	}
	for _, name := range r.FailedExporters {
		if !shown[name] {
			c.line(Red, name+": failed, see the log")
		}
	}
}

// renderDeaths tells of processes whose share of the results is missing. Workers, the
// target and those that were restarted are in the quality block.
func renderDeaths(c *Console, r *Report) {
	if r.Profile == nil {
		return
	}
	var lines []string
	for _, p := range r.Profile.Quality.Processes {
		if !p.Restarted && p.ServiceType != "worker" && p.ServiceType != "mock_server" {
			lines = append(lines, "  "+p.ServiceID+": "+p.How)
		}
	}
	if len(lines) == 0 {
		return
	}
	c.Textf(BoldWarn, "DEGRADED: %d result producer(s) died, their results are missing:", len(lines))
	for _, line := range lines {
		c.Text(Yellow, line)
	}
}
