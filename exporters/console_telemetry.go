package exporters

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"aiperf/config"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsoleTelemetry", func() ConsoleExporter { return ConsoleTelemetry{} })
}

// ConsoleTelemetry shows what the GPUs did, one table each.
type ConsoleTelemetry struct{}

// Render adds a notice on comparability and the tables; without samples it says so,
// when the user asked for telemetry.
func (ConsoleTelemetry) Render(c *Console, run *config.Run, r *Report) {
	t := shownTelemetry(run, r)
	switch {
	case t == nil:
		return
	case !hasGPUs(t):
		renderNoTelemetry(c, t)
		return
	}
	c.advisory("GPU Telemetry Platform",
		"Platform: "+strings.Join(platforms(t), ", "),
		"Metric semantics are platform-specific; cross-platform comparisons require workload and collector validation.")
	head := telemetryHead(t)
	for i := range t.Endpoints {
		for k := range t.Endpoints[i].GPUs {
			g := &t.Endpoints[i].GPUs[k]
			c.Blank()
			c.Table(gpuTable(append(head, Cell{fmt.Sprintf("%s | GPU %d | %s", t.Endpoints[i].Display, g.Index, g.Name), Italic}), g))
			head = nil // only above the first table
		}
	}
}

func platforms(t *Telemetry) []string {
	var names []string
	anyGPU(t, func(g *GPU) bool {
		if g.Platform != "" && !slices.Contains(names, g.Platform) {
			names = append(names, g.Platform)
		}
		return false
	})
	sort.Strings(names)
	return names
}

// telemetryHead says which sources answered.
func telemetryHead(t *Telemetry) []Cell {
	ok, total := len(t.EndpointsSuccessful), len(t.EndpointsConfigured)
	style := Yellow
	switch ok {
	case 0:
		style = Red
	case total:
		style = Green
	}
	head := []Cell{
		{"AIPerf | GPU Telemetry Summary", Italic},
		{fmt.Sprintf("%d/%d telemetry sources reachable", ok, total), style},
	}
	for _, url := range t.EndpointsConfigured {
		if slices.Contains(t.EndpointsSuccessful, url) {
			head = append(head, Cell{"• " + displayOf(t, url) + " ✔", Green})
		} else {
			head = append(head, Cell{"• " + displayOf(t, url) + " ✘ (unreachable)", Red})
		}
	}
	return append(head, Cell{})
}

// displayOf is the short form of a source, as its collector gave it; a source that
// never answered has its own text: host and path, without the scheme and /metrics.
func displayOf(t *Telemetry, url string) string {
	for i := range t.Endpoints {
		if t.Endpoints[i].URL == url {
			return t.Endpoints[i].Display
		}
	}
	url = config.RedactURL(url)
	if rest, ok := strings.CutPrefix(url, "http://"); ok {
		url = rest
	} else if rest, ok := strings.CutPrefix(url, "https://"); ok {
		url = rest
	}
	return strings.TrimSuffix(strings.TrimPrefix(url, config.Redacted+"@"), "/metrics")
}

func gpuTable(name []Cell, g *GPU) Table {
	t := metricsTable("", nil)
	t.Title = name
	for i := range g.Metrics {
		if hasValue(&g.Metrics[i].Stats) {
			t.Rows = append(t.Rows, metricRow(&g.Metrics[i], gpuNumber))
		}
	}
	return t
}

// gpuNumber is consoleNumber for values of any size: energies are tiny, memory huge.
func gpuNumber(v *float64) Cell {
	switch {
	case !finite(v):
		return notAvailable
	case math.Abs(*v) >= 1e6:
		return Cell{Text: strconv.FormatFloat(*v, 'e', 2, 64)}
	}
	return Cell{Text: thousands(fixedOrSmall(*v))}
}

func renderNoTelemetry(c *Console, t *Telemetry) {
	c.Text(DimItalic, "No GPU telemetry data was collected during the run.")
	var failed []string
	for _, url := range t.EndpointsConfigured {
		if !slices.Contains(t.EndpointsSuccessful, url) {
			failed = append(failed, "  • "+displayOf(t, url))
		}
	}
	if len(failed) > 0 {
		c.Text(DimItalic, "Unreachable endpoints:")
		c.Text(DimItalic, strings.Join(failed, "\n"))
	}
}
