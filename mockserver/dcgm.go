package mockserver

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"

	"aiperf/clock"
)

// gpuModel is what distinguishes one kind of GPU from another on a metrics page.
type gpuModel struct {
	name               string
	memoryMiB          float64
	idleWatt, maxWatt  float64
	baseMHz, boostMHz  float64
	memoryMHz          float64
	idleTemp, maxTempC float64
}

var gpuModels = map[string]gpuModel{
	"rtx6000":  {"NVIDIA RTX 6000 Ada Generation", 48 << 10, 30, 300, 915, 2505, 9001, 35, 83},
	"a100":     {"NVIDIA A100-SXM4-40GB", 40 << 10, 50, 400, 765, 1410, 1215, 40, 85},
	"h100":     {"NVIDIA H100 PCIe", 80 << 10, 40, 350, 1095, 1755, 1593, 35, 82},
	"h100-sxm": {"NVIDIA H100 80GB HBM3", 80 << 10, 70, 700, 1350, 1980, 2619, 40, 88},
	"h200":     {"NVIDIA H200", 141 << 10, 75, 700, 1350, 1980, 3201, 40, 88},
	"b200":     {"NVIDIA B200", 180 << 10, 100, 1000, 1500, 1965, 3996, 40, 90},
	"gb200":    {"NVIDIA GB200", 186 << 10, 100, 1200, 1500, 2062, 3996, 40, 90},
}

// faker imitates the metrics page of a DCGM exporter whose GPUs are as busy as the
// server is. It is safe for concurrent use.
type faker struct {
	cfg    DCGM
	model  gpuModel
	chance chance

	mu      sync.Mutex
	page    uint64 // number of the page, for noise
	last    clock.MonoNS
	peak    float64 // highest throughput seen, tokens/s
	history []tokensAt
	gpus    []fakeGPU
}

type tokensAt struct {
	at     clock.MonoNS
	tokens int64
}

// fakeGPU holds what adds up; everything else follows from the load.
type fakeGPU struct {
	uuid, pciBus string
	energyMJ     float64 // millijoules since the start
	powerNS      float64 // time held back by the power limit
	thermalNS    float64
	watt         float64 // at the last page
}

// newFaker makes the exporter of one node of the pair.
func newFaker(cfg DCGM, seed uint64, node int) *faker {
	if cfg.Seed != nil {
		seed = *cfg.Seed
	}
	f := &faker{cfg: cfg, model: gpuModels[cfg.GPUName], chance: chance{mix(seed + uint64(node))}, last: clock.Now()}
	f.history = []tokensAt{{at: f.last}}
	for i := range cfg.NumGPUs {
		a, b := mix(f.chance.seed+2*uint64(i)), mix(f.chance.seed+2*uint64(i)+1)
		f.gpus = append(f.gpus, fakeGPU{
			uuid:   fmt.Sprintf("GPU-%08x-%04x-%04x-%04x-%012x", uint32(a), uint16(a>>32), uint16(a>>48), uint16(b), b>>16),
			pciBus: fmt.Sprintf("00000000:%02X:00.0", i+2), watt: f.model.idleWatt,
		})
	}
	return f
}

func (s *Server) dcgmPage(node int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		s.faker[node].write(w, clock.Now(), s.stats.tokens.Load())
	}
}

// throughput is tokens per second over about the window: from the youngest page that
// is at least that old, or from the oldest there is.
func (f *faker) throughput(now clock.MonoNS, tokens int64) float64 {
	window := duration(f.cfg.WindowSec * 1e9)
	for len(f.history) > 1 && now.Sub(f.history[1].at) >= window {
		f.history = f.history[1:]
	}
	from := f.history[0]
	const mostPages = 4096 // of one window
	if len(f.history) < mostPages {
		f.history = append(f.history, tokensAt{now, tokens})
	}
	elapsed := now.Sub(from.at).Seconds()
	if elapsed <= 0 {
		return 0
	}
	return float64(tokens-from.tokens) / elapsed
}

// load is 0 … 1: the throughput in relation to the highest so far.
func (f *faker) load(now clock.MonoNS, tokens int64) float64 {
	if !f.cfg.AutoLoad {
		return 0
	}
	t := f.throughput(now, tokens)
	f.peak = max(f.peak, t, f.cfg.MinThroughput)
	return max(0, min(1, t/f.peak))
}

// write makes one page. Counters advance by what happened since the page before.
func (f *faker) write(w io.Writer, now clock.MonoNS, tokens int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	load, elapsed := f.load(now, tokens), now.Sub(f.last).Seconds()
	f.last = now
	f.page++
	rows := make([]gpuReading, len(f.gpus))
	for i := range f.gpus {
		rows[i] = f.read(i, load, elapsed)
	}
	for _, family := range dcgmFamilies {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", family.name, family.help, family.name, family.kind)
		for i, r := range rows {
			g := &f.gpus[i]
			fmt.Fprintf(w, "%s{gpu=\"%d\",UUID=\"%s\",pci_bus_id=\"%s\",device=\"nvidia%d\",modelName=\"%s\",Hostname=%q} %s\n",
				family.name, i, g.uuid, g.pciBus, i, f.model.name, f.cfg.Hostname, family.format(family.value(&r)))
		}
	}
}

// gpuReading is one GPU on one page.
type gpuReading struct {
	model                                 gpuModel
	load, watt, temp, memTemp, usedMiB    float64
	smMHz, energyMJ, powerNS, thermalNS   float64
	utilisation, copyUtilisation, smRatio float64
}

func (f *faker) read(i int, load, elapsed float64) gpuReading {
	g, m := &f.gpus[i], f.model
	// noise is a factor near 1, its own for each page, GPU and figure.
	noise := func(figure uint64, width float64) float64 {
		return 1 + width*(2*f.chance.unit(f.page, uint64(i)<<8|figure)-1)
	}
	between := func(low, high, share float64) float64 { return low + (high-low)*share }
	watt := min(m.maxWatt, between(m.idleWatt, m.maxWatt, load)*noise(1, 0.02))
	temp := min(m.maxTempC, between(m.idleTemp, m.maxTempC, load)*noise(2, 0.01))
	g.energyMJ += (g.watt + watt) / 2 * elapsed * 1000
	g.watt = watt
	if watt > 0.95*m.maxWatt {
		g.powerNS += elapsed * 1e9 * 0.01
	}
	if temp > m.maxTempC-5 {
		g.thermalNS += elapsed * 1e9 * 0.001
	}
	return gpuReading{
		model: m, load: load, watt: watt, temp: temp, memTemp: min(temp+5, m.maxTempC+10),
		usedMiB:     min(m.memoryMiB, m.memoryMiB*(0.1+0.75*load)*noise(3, 0.02)),
		smMHz:       min(m.boostMHz, between(m.baseMHz, m.boostMHz, load)*noise(4, 0.01)),
		energyMJ:    g.energyMJ,
		powerNS:     g.powerNS,
		thermalNS:   g.thermalNS,
		utilisation: min(100, 100*load*noise(5, 0.03)), copyUtilisation: min(100, 50*load*noise(6, 0.05)),
		smRatio: min(1, 0.9*load*noise(7, 0.03)),
	}
}

// dcgmFamily is one family of the page.
type dcgmFamily struct {
	name, help, kind string
	whole            bool // printed without decimals
	value            func(*gpuReading) float64
}

func (d *dcgmFamily) format(v float64) string {
	if d.whole {
		return fmt.Sprintf("%.0f", math.Floor(v))
	}
	return fmt.Sprintf("%.6f", v)
}

var dcgmFamilies = []dcgmFamily{
	{"DCGM_FI_DEV_SM_CLOCK", "SM clock frequency (in MHz).", "gauge", true, func(r *gpuReading) float64 { return r.smMHz }},
	{"DCGM_FI_DEV_MEM_CLOCK", "Memory clock frequency (in MHz).", "gauge", true, func(r *gpuReading) float64 { return r.model.memoryMHz }},
	{"DCGM_FI_DEV_MEMORY_TEMP", "Memory temperature (in C).", "gauge", true, func(r *gpuReading) float64 { return r.memTemp }},
	{"DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", "gauge", true, func(r *gpuReading) float64 { return r.temp }},
	{"DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", "gauge", false, func(r *gpuReading) float64 { return r.watt }},
	{"DCGM_FI_DEV_POWER_MGMT_LIMIT", "Power management limit (in W).", "gauge", true, func(r *gpuReading) float64 { return r.model.maxWatt }},
	{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "Total energy consumption since boot (in mJ).", "counter", true, func(r *gpuReading) float64 { return r.energyMJ }},
	{"DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", "gauge", true, func(r *gpuReading) float64 { return r.utilisation }},
	{"DCGM_FI_DEV_MEM_COPY_UTIL", "Memory utilization (in %).", "gauge", true, func(r *gpuReading) float64 { return r.copyUtilisation }},
	{"DCGM_FI_DEV_ENC_UTIL", "Encoder utilization (in %).", "gauge", true, func(*gpuReading) float64 { return 0 }},
	{"DCGM_FI_DEV_DEC_UTIL", "Decoder utilization (in %).", "gauge", true, func(*gpuReading) float64 { return 0 }},
	{"DCGM_FI_DEV_XID_ERRORS", "Value of the last XID error encountered.", "gauge", true, func(*gpuReading) float64 { return 0 }},
	{"DCGM_FI_DEV_POWER_VIOLATION", "Throttling duration due to power constraints (in ns).", "counter", true, func(r *gpuReading) float64 { return r.powerNS }},
	{"DCGM_FI_DEV_THERMAL_VIOLATION", "Throttling duration due to thermal constraints (in ns).", "counter", true, func(r *gpuReading) float64 { return r.thermalNS }},
	{"DCGM_FI_DEV_FB_TOTAL", "Framebuffer memory total (in MiB).", "gauge", true, func(r *gpuReading) float64 { return r.model.memoryMiB }},
	{"DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", "gauge", true, func(r *gpuReading) float64 { return r.model.memoryMiB - r.usedMiB }},
	{"DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", "gauge", true, func(r *gpuReading) float64 { return r.usedMiB }},
	{"DCGM_FI_PROF_SM_ACTIVE", "The ratio of cycles an SM has at least 1 warp assigned.", "gauge", false, func(r *gpuReading) float64 { return r.smRatio }},
}
