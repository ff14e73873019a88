package mockserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// Config is what the user asks of the server. Latencies are milliseconds. The JSON
// keys are the names of the command's flags with underscores.
type Config struct {
	Host    string `json:"host"` // to bind; used by the command alone
	Port    int    `json:"port"` // 0 = any free one
	Workers int    `json:"workers"`

	Fast                  bool    `json:"fast"` // every latency is zero
	TTFTMS                float64 `json:"ttft"`
	ITLMS                 float64 `json:"itl"`
	TTFTPerISLTokenMS     float64 `json:"ttft_per_isl_token_ms"`
	ITLPerOSLTokenMS      float64 `json:"itl_per_osl_token_ms"`
	TTFTConcurrencyQuadMS float64 `json:"ttft_concurrency_quad_ms"`
	ITLConcurrencyLinMS   float64 `json:"itl_concurrency_lin_ms"`
	TTFTJitterCV          float64 `json:"ttft_jitter_cv"` // standard deviation / mean
	ITLJitterCV           float64 `json:"itl_jitter_cv"`

	EmbeddingBaseLatencyMS     float64 `json:"embedding_base_latency"`
	EmbeddingPerInputLatencyMS float64 `json:"embedding_per_input_latency"`

	// Rates are shares of requests, 0 to 1; a value above 1 is percent.
	ErrorRate          float64 `json:"error_rate"`
	ErrorStatusCodes   []int   `json:"error_status_codes"`
	ErrorRetryAfterSec int     `json:"error_retry_after"` // sent with 429 and 503
	ErrorMidstreamRate float64 `json:"error_midstream_rate"`
	CutRate            float64 `json:"cut_rate"`
	StallAt            Stall   `json:"stall_at"`

	Models      []string `json:"models"`
	NoTokenizer bool     `json:"no_tokenizer"` // prompts are counted in whitespace pieces
	RandomSeed  *uint64  `json:"random_seed"`  // nil = another one each time
	RequestLog  string   `json:"request_log"`  // path; "" = off
	// RequestLogBodies puts each request's body and the text of its answer into the log.
	RequestLogBodies bool `json:"request_log_bodies"`

	LogLevel   string `json:"log_level"`
	Verbose    bool   `json:"verbose"`
	AccessLogs bool   `json:"access_logs"`

	DCGM DCGM `json:"dcgm"`
}

// DCGM describes the GPUs on the server's imitation of a DCGM exporter.
type DCGM struct {
	GPUName       string  `json:"gpu_name"`
	NumGPUs       int     `json:"num_gpus"`
	MinThroughput float64 `json:"min_throughput"` // tokens/s that mean full load, at least
	WindowSec     float64 `json:"window_sec"`     // over which the throughput is taken
	Hostname      string  `json:"hostname"`
	Seed          *uint64 `json:"seed"`      // nil = that of the server
	AutoLoad      bool    `json:"auto_load"` // load follows the token throughput; else the GPUs idle
}

// Defaults is a server that behaves like a small model on a fast GPU.
func Defaults() Config {
	return Config{
		Host: "127.0.0.1", Port: 8000,
		TTFTMS: 20, ITLMS: 5,
		EmbeddingBaseLatencyMS: 10, EmbeddingPerInputLatencyMS: 2,
		ErrorStatusCodes: []int{http.StatusInternalServerError}, ErrorRetryAfterSec: 1,
		Models: []string{"mock-model"}, LogLevel: "INFO",
		DCGM: DCGM{GPUName: "h200", NumGPUs: 2, MinThroughput: 100, WindowSec: 1, Hostname: "localhost", AutoLoad: true},
	}
}

// Decode reads settings over the defaults. An unknown key is an error, and so is a
// value that Validate refuses.
func Decode(settings map[string]any) (Config, error) {
	c := Defaults()
	b, err := json.Marshal(settings)
	if err != nil {
		return c, fmt.Errorf("mock_server: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("mock_server: %w", err)
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("mock_server: %w", err)
	}
	return c, nil
}

// Settings is the inverse of Decode, for handing a configuration to another process:
// what differs from the defaults, and the models, so that it is never empty.
func (c Config) Settings() map[string]any {
	m, defaults := c.all(), Defaults().all()
	for key, v := range m {
		if key != "models" && reflect.DeepEqual(v, defaults[key]) {
			delete(m, key)
		}
	}
	return m
}

func (c Config) all() (m map[string]any) {
	b, _ := json.Marshal(c) // plain values only
	_ = json.Unmarshal(b, &m)
	return m
}

// LogLevels are the accepted levels.
var LogLevels = []string{"TRACE", "DEBUG", "INFO", "NOTICE", "WARNING", "SUCCESS", "ERROR", "CRITICAL"}

// maxSeed is what survives in a JSON number: settings travel as JSON.
const maxSeed = 1<<53 - 1

// maxGPUs bounds the size of a metrics page.
const maxGPUs = 128

// Validate returns every fault at once. It changes nothing.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, want string, got any) {
		errs = append(errs, fmt.Errorf("%s: want %s (got %v)", key, want, got))
	}
	atLeastZero := func(key, unit string, v float64) {
		if !(v >= 0) || math.IsInf(v, 0) {
			bad(key, "a number of "+unit+" from 0 up", v)
		}
	}
	for _, l := range []struct {
		key string
		ms  float64
	}{
		{"ttft", c.TTFTMS}, {"itl", c.ITLMS}, {"ttft_per_isl_token_ms", c.TTFTPerISLTokenMS}, {"itl_per_osl_token_ms", c.ITLPerOSLTokenMS},
		{"ttft_concurrency_quad_ms", c.TTFTConcurrencyQuadMS}, {"itl_concurrency_lin_ms", c.ITLConcurrencyLinMS},
		{"embedding_base_latency", c.EmbeddingBaseLatencyMS}, {"embedding_per_input_latency", c.EmbeddingPerInputLatencyMS},
	} {
		atLeastZero(l.key, "milliseconds", l.ms)
	}
	for _, v := range []struct {
		key string
		cv  float64
	}{{"ttft_jitter_cv", c.TTFTJitterCV}, {"itl_jitter_cv", c.ITLJitterCV}} {
		if !(v.cv >= 0 && v.cv <= 10) {
			bad(v.key, "a standard deviation over mean from 0 to 10", v.cv)
		}
	}
	for _, r := range []struct {
		key  string
		rate float64
	}{{"error_rate", c.ErrorRate}, {"error_midstream_rate", c.ErrorMidstreamRate}, {"cut_rate", c.CutRate}} {
		if !(r.rate >= 0 && r.rate <= 100) {
			bad(r.key, "a share from 0 to 1, or percent up to 100", r.rate)
		}
	}
	if len(c.ErrorStatusCodes) == 0 {
		bad("error_status_codes", "at least one status", "none")
	}
	for _, code := range c.ErrorStatusCodes {
		if code < 400 || code > 599 {
			bad("error_status_codes", "statuses from 400 to 599", code)
		}
	}
	if c.ErrorRetryAfterSec < 0 {
		bad("error_retry_after", "seconds from 0 up", c.ErrorRetryAfterSec)
	}
	if c.Port < 0 || c.Port > 65535 {
		bad("port", "0 to 65535", c.Port)
	}
	if c.Workers < 0 {
		bad("workers", "a number of cores, or 0 for all", c.Workers)
	}
	if !(c.StallAt.AtSec >= 0 && c.StallAt.ForSec >= 0) || math.IsInf(c.StallAt.AtSec+c.StallAt.ForSec, 0) {
		bad("stall_at", "seconds from 0 up", c.StallAt)
	}
	if len(c.Models) == 0 {
		bad("models", "at least one name", "none")
	}
	for _, m := range c.Models {
		if m == "" || len(m) > maxModelName {
			bad("models", fmt.Sprintf("names of 1 to %d bytes", maxModelName), strconv.Quote(m))
		}
	}
	if !contains(LogLevels, strings.ToUpper(c.LogLevel)) {
		bad("log_level", "one of "+strings.Join(LogLevels, ", "), strconv.Quote(c.LogLevel))
	}
	for _, seed := range []struct {
		key  string
		seed *uint64
	}{{"random_seed", c.RandomSeed}, {"dcgm.seed", c.DCGM.Seed}} {
		if seed.seed != nil && *seed.seed > maxSeed {
			bad(seed.key, fmt.Sprintf("0 to %d", uint64(maxSeed)), *seed.seed)
		}
	}
	errs = append(errs, c.DCGM.faults()...)
	return errors.Join(errs...)
}

func (d DCGM) faults() (errs []error) {
	bad := func(key, want string, got any) {
		errs = append(errs, fmt.Errorf("dcgm.%s: want %s (got %v)", key, want, got))
	}
	if _, ok := gpuModels[d.GPUName]; !ok {
		bad("gpu_name", "one of "+strings.Join(GPUNames(), ", "), strconv.Quote(d.GPUName))
	}
	if d.NumGPUs < 1 || d.NumGPUs > maxGPUs {
		bad("num_gpus", fmt.Sprintf("1 to %d", maxGPUs), d.NumGPUs)
	}
	if !(d.MinThroughput > 0) || math.IsInf(d.MinThroughput, 0) {
		bad("min_throughput", "tokens/s above 0", d.MinThroughput)
	}
	if !(d.WindowSec > 0 && d.WindowSec <= 3600) {
		bad("window_sec", "seconds above 0, at most 3600", d.WindowSec)
	}
	return errs
}

// GPUNames lists the GPU models of the DCGM page, sorted.
func GPUNames() []string {
	names := make([]string, 0, len(gpuModels))
	for name := range gpuModels {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// share turns a rate as the user writes it into 0 … 1.
func share(rate float64) float64 {
	if rate > 1 {
		return rate / 100
	}
	return rate
}
