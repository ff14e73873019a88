package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"aiperf/metrics"
)

// Calibration is how far this machine's figures can be trusted: what `aiperf calibrate`
// measured with the embedded server, whose own stamps say what was true. It is kept in
// the user's cache, one file per machine and version of this program, and goes into the
// run document of later runs on that machine.
type Calibration struct {
	Schema  int     `json:"schema"`
	Machine Machine `json:"machine"`
	Taken   string  `json:"taken"` // RFC 3339
	Quick   bool    `json:"quick"` // fewer and shorter steps
	// ServerCores are the cores that the server had for itself; empty: it shared all of
	// them with the rest.
	ServerCores []int `json:"server_cores,omitempty"`
	// OtherLoadPct is how much of the machine other programs used meanwhile.
	OtherLoadPct *float64          `json:"other_load_pct,omitempty"`
	Requests     CalibrationLadder `json:"requests"` // requests/s, answers in one piece
	Events       CalibrationLadder `json:"events"`   // streamed events/s
	Streams      CalibrationLadder `json:"streams"`  // streams in flight at a low event rate
}

// Machine is what a calibration holds for.
type Machine struct {
	Host    string `json:"host"` // digest of the host's id
	CPU     string `json:"cpu"`  // model
	Cores   int    `json:"cores"`
	Version string `json:"version"` // of this program
}

// CalibrationLadder is a series of growing loads, up to the first one that could not be
// trusted.
type CalibrationLadder struct {
	Unit string `json:"unit"`
	// Max is the highest load that was delivered within the bounds; 0 when none was.
	Max float64 `json:"max"`
	// FailedAt is the lowest load that was not; 0 when the ladder ended before one was met.
	FailedAt float64           `json:"failed_at"`
	Ended    string            `json:"ended"` // why the ladder goes no further
	Rungs    []CalibrationRung `json:"rungs"` // in the order measured
}

// CalibrationRung is one load and what came of it. Errors are the client's figure minus
// the server's own, in milliseconds.
type CalibrationRung struct {
	Load           float64         `json:"load"`
	Delivered      float64         `json:"delivered"`
	Requests       int64           `json:"requests"`
	Streams        int             `json:"streams,omitempty"` // the concurrency that made the load
	TTFTErrorMS    *metrics.Spread `json:"ttft_error_ms,omitempty"`
	LatencyErrorMS *metrics.Spread `json:"latency_error_ms,omitempty"`
	// ArrivalErrorMS is how far behind the schedule requests reached the server, counted
	// from the one that was least behind; constant rates only.
	ArrivalErrorMS *metrics.Spread `json:"arrival_error_ms,omitempty"`
	// CPUMicros is the CPU time of all processes but the server, per request or event.
	CPUMicros      *float64 `json:"cpu_us,omitempty"`
	KernelStampPct float64  `json:"kernel_stamp_pct"` // of the client's records
	ServerStamps   string   `json:"server_stamps"`    // where the server's arrival stamps came from
	Trouble        string   `json:"trouble,omitempty"`
}

const calibrationSchema = 1

// errNoCache says that the user has no place for a cache.
var errNoCache = errors.New("no cache directory: neither XDG_CACHE_HOME nor HOME is set")

// CacheDir is the user's cache of this program, "" when the environment names none.
//
//	$XDG_CACHE_HOME/aiperf, else ~/.cache/aiperf (macOS: ~/Library/Caches/aiperf)
func CacheDir(env []string) string {
	values := map[string]string{}
	for _, e := range env {
		key, value, _ := strings.Cut(e, "=")
		values[key] = value
	}
	if dir := values["XDG_CACHE_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "aiperf")
	}
	home := values["HOME"]
	switch {
	case !filepath.IsAbs(home):
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Caches", "aiperf")
	}
	return filepath.Join(home, ".cache", "aiperf")
}

// ThisMachine describes the host; cores are those that this program may use.
func ThisMachine(cores int) Machine {
	m := Machine{CPU: cpuModel(), Cores: cores, Version: Version}
	id, err := os.ReadFile("/etc/machine-id")
	if id = bytes.TrimSpace(id); err != nil || len(id) == 0 {
		name, _ := os.Hostname()
		id = []byte(name)
	}
	// The id itself is confidential; a digest serves as well.
	m.Host = digest("aiperf host " + string(id))
	return m
}

func cpuModel() string {
	// The kernel writes the file as it is read, core by core: the first is enough.
	info := make([]byte, 4096)
	n := 0
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		n, _ = f.Read(info)
		f.Close()
	}
	for _, line := range strings.Split(string(info[:n]), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// digest is short and the same for the same text.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// CalibrationPath is the file of a machine inside a cache directory.
func CalibrationPath(cache string, m Machine) string {
	key := digest(fmt.Sprintf("%s\n%s\n%d\n%s", m.Host, m.CPU, m.Cores, m.Version))
	return filepath.Join(cache, "calibration", key+".json")
}

// StoreCalibration writes a calibration into the cache and returns its path. Readers see
// the old file or the new one.
func StoreCalibration(cache string, c *Calibration) (path string, err error) {
	if cache == "" {
		return "", fmt.Errorf("store calibration: %w", errNoCache)
	}
	path = CalibrationPath(cache, c.Machine)
	c.Schema = calibrationSchema
	text, err := json.MarshalIndent(c, "", "  ")
	if err == nil {
		err = WriteCacheFile(path, append(text, '\n'), 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("store calibration: %w", err)
	}
	return path, nil
}

// LoadCalibration reads what is known of a machine; nil when nothing is. The error says
// that the file is damaged: it is to be shown and the run goes on without.
func LoadCalibration(cache string, m Machine) (*Calibration, error) {
	if cache == "" {
		return nil, nil
	}
	path := CalibrationPath(cache, m)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var c *Calibration
	if err == nil {
		c, err = parseCalibration(text, m)
	}
	if err != nil {
		return nil, fmt.Errorf("calibration %s cannot be used: %w; `aiperf calibrate` makes a new one", path, err)
	}
	return c, nil
}

func parseCalibration(text []byte, m Machine) (*Calibration, error) {
	var c Calibration
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return nil, err
	}
	if c.Schema != calibrationSchema {
		return nil, fmt.Errorf("schema: want %d (got %d)", calibrationSchema, c.Schema)
	}
	if c.Machine != m {
		return nil, errors.New("it was taken on another machine")
	}
	for name, l := range map[string]CalibrationLadder{"requests": c.Requests, "events": c.Events, "streams": c.Streams} {
		for _, v := range []float64{l.Max, l.FailedAt} {
			if v < 0 || math.IsInf(v, 0) || math.IsNaN(v) {
				return nil, fmt.Errorf("%s: want loads from 0 up (got %g)", name, v)
			}
		}
		if l.FailedAt > 0 && l.FailedAt <= l.Max {
			return nil, fmt.Errorf("%s: %g is both within and beyond reach", name, l.FailedAt)
		}
	}
	return &c, nil
}
