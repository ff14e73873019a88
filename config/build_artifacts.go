package config

import (
	"path/filepath"
	"strconv"
	"strings"
)

// artifacts resolves what is written where. The load is known by now.
func (l *loader) artifacts() {
	f, b := l.f, &l.run.Benchmark
	dir := l.absolute(f.ArtifactDir.Or("artifacts"))
	if !f.ArtifactDir.Set {
		dir = filepath.Join(dir, l.runName())
	}
	l.run.ArtifactDir = dir
	b.Artifacts = Artifacts{
		Dir: dir, Prefix: l.prefix(), Records: f.ExportLevel.Or("records") != "summary", Summary: true, ShowTraceTiming: f.ShowTraceTiming.Value,
		Raw: f.ExportLevel.Value == "raw", Trace: f.ExportTrace.Value, OutputsJSON: f.ExportOutputs.Value, Parquet: f.ExportParquet.Value,
	}
}

// exportSuffixes are what a prefix may end in, because users name the file they want
// to see; the first that matches is cut off, once.
var exportSuffixes = []string{
	"_server_metrics.parquet", "_server_metrics.jsonl", "_server_metrics.json", "_server_metrics.csv", "_network_latency.jsonl",
	"_gpu_telemetry.jsonl", "_timeslices.csv", "_timeslices.json", "_accuracy.jsonl", "_console.txt", "_raw.jsonl",
	".parquet", ".csv", ".json", ".jsonl",
}

// prefix is the base name of the exported files, "" for the usual names.
func (l *loader) prefix() string {
	base := l.f.ExportPrefix.Value
	if filepath.IsAbs(base) {
		base = filepath.Base(base)
	}
	for _, suffix := range exportSuffixes {
		if strings.HasSuffix(base, suffix) {
			base = strings.TrimSuffix(base, suffix)
			break
		}
	}
	if strings.ContainsAny(base, "/\\\x00") || base == "." || base == ".." {
		l.problems.add(l.f.ExportPrefix.As, "must be a file name, not a path", l.f.ExportPrefix.Value, "name the directory with --artifact-dir")
		return ""
	}
	if base == "outputs" && l.f.ExportOutputs.Value {
		l.problems.add(l.f.ExportPrefix.As, "gives the summary the name outputs.json, which --export-outputs-json needs", l.f.ExportPrefix.Value, "take another name")
		return ""
	}
	return base
}

// runName is the sub-directory of a run whose directory was not given:
// <model>-<service kind>-<endpoint type>-<load>.
func (l *loader) runName() string {
	b := &l.run.Benchmark
	var parts []string
	if len(b.Models.Names) > 0 {
		model := pathSafe(b.Models.Names[0])
		if len(b.Models.Names) > 1 {
			model += "_multi"
		}
		parts = append(parts, model)
	}
	parts = append(parts, b.Endpoint.Capabilities.ServiceKind, b.Endpoint.Type)
	for _, p := range b.Phases {
		if p.Kind != KindProfiling {
			continue
		}
		if p.Type == TypeFixedSchedule {
			parts = append(parts, TypeFixedSchedule)
			break
		}
		if p.Users != nil && p.RatePerSec != nil {
			parts = append(parts, "user_centric", "users"+strconv.Itoa(*p.Users), "qps"+withPoint(*p.RatePerSec))
			break
		}
		if p.Concurrency != nil {
			parts = append(parts, "concurrency"+strconv.Itoa(*p.Concurrency))
		}
		if p.RatePerSec != nil {
			parts = append(parts, "request_rate"+withPoint(*p.RatePerSec))
		}
		break
	}
	return strings.Join(parts, "-")
}

// pathSafe makes one path element of a model's name.
func pathSafe(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r < ' ' {
			return '_'
		}
		return r
	}, name)
	if name == "." || name == ".." {
		return strings.Repeat("_", len(name))
	}
	return name
}

// withPoint writes a number with a decimal point, always.
func withPoint(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
