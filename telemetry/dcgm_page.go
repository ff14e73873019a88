package telemetry

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"aiperf/messages"
)

// parsePage makes one sample per GPU of a page. Metrics that are not in the table and
// values that are not finite are left out, and so are GPUs without a number.
func parsePage(page []byte) ([]messages.GPUSample, error) {
	if !bytes.HasSuffix(page, []byte("\n")) {
		page = append(page[:len(page):len(page)], '\n') // the parser wants whole lines
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil {
		return nil, messages.NewError("ParseError", messages.CutErrorText(err.Error()))
	}
	gpus := map[string]*messages.GPUSample{}
	for _, name := range slices.Sorted(maps.Keys(families)) { // always the same one wins
		field := fieldOf(name)
		if field == nil {
			continue
		}
		for _, m := range families[name].GetMetric() {
			v, ok := valueOf(m)
			if !ok {
				continue
			}
			if g := gpuOf(gpus, m); g != nil {
				g.Data[field.Name] = v * field.Scale
			}
		}
	}
	samples := make([]messages.GPUSample, 0, len(gpus))
	for _, g := range gpus {
		g.GPUModelName = cmp.Or(g.GPUModelName, "Unknown GPU")
		samples = append(samples, *g)
	}
	sort.Slice(samples, func(i, j int) bool {
		a, b := &samples[i], &samples[j]
		return a.GPUIndex < b.GPUIndex || a.GPUIndex == b.GPUIndex && a.GPUUUID < b.GPUUUID
	})
	return samples, nil
}

// valueOf reads a gauge, counter or untyped value; false when it is none or not finite.
func valueOf(m *dto.Metric) (float64, bool) {
	var v float64
	switch {
	case m.Gauge != nil:
		v = m.Gauge.GetValue()
	case m.Counter != nil:
		v = m.Counter.GetValue()
	case m.Untyped != nil:
		v = m.Untyped.GetValue()
	default:
		return 0, false
	}
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// gpuOf finds or makes the sample of the GPU that a metric's labels name. GPUs are
// told apart by their UUID: an exporter of several hosts repeats the numbers.
func gpuOf(gpus map[string]*messages.GPUSample, m *dto.Metric) *messages.GPUSample {
	g := messages.GPUSample{GPUIndex: -1, Platform: "nvidia"}
	for _, l := range m.GetLabel() {
		v := l.GetValue()
		switch l.GetName() {
		case "gpu":
			if i, err := strconv.Atoi(v); err == nil && i >= 0 {
				g.GPUIndex = i
			}
		case "UUID":
			g.GPUUUID = v
		case "modelName":
			g.GPUModelName = v
		case "pci_bus_id":
			g.PCIBusID = v
		case "device":
			g.Device = v
		case "Hostname":
			g.Hostname = v
		case "namespace":
			g.Namespace = v
		case "pod":
			g.PodName = v
		}
	}
	if g.GPUIndex < 0 {
		return nil
	}
	if g.GPUUUID == "" {
		g.GPUUUID = fmt.Sprintf("GPU-unknown-%d", g.GPUIndex)
	}
	known := gpus[g.GPUUUID]
	if known == nil {
		g.Data = map[string]float64{}
		gpus[g.GPUUUID] = &g
		return &g
	}
	for _, label := range []struct {
		to   *string
		from string
	}{
		{&known.GPUModelName, g.GPUModelName}, {&known.PCIBusID, g.PCIBusID}, {&known.Device, g.Device},
		{&known.Hostname, g.Hostname}, {&known.Namespace, g.Namespace}, {&known.PodName, g.PodName},
	} {
		*label.to = cmp.Or(*label.to, label.from) // not every metric carries every label
	}
	return known
}
