package metrics

// Stats are the statistics of one metric. A nil field is absent: it is left out
// of JSON and empty in CSV. All values are finite.
type Stats struct {
	Avg   *float64 `msgpack:"avg,omitempty"`
	P1    *float64 `msgpack:"p1,omitempty"`
	P5    *float64 `msgpack:"p5,omitempty"`
	P10   *float64 `msgpack:"p10,omitempty"`
	P25   *float64 `msgpack:"p25,omitempty"`
	P50   *float64 `msgpack:"p50,omitempty"`
	P75   *float64 `msgpack:"p75,omitempty"`
	P90   *float64 `msgpack:"p90,omitempty"`
	P95   *float64 `msgpack:"p95,omitempty"`
	P99   *float64 `msgpack:"p99,omitempty"`
	Min   *float64 `msgpack:"min,omitempty"`
	Max   *float64 `msgpack:"max,omitempty"`
	Std   *float64 `msgpack:"std,omitempty"`
	Count *int64   `msgpack:"count,omitempty"`
	Sum   *float64 `msgpack:"sum,omitempty"`
}

// Result is one metric of a finished summary, in display units.
type Result struct {
	Tag    string `msgpack:"tag"`
	Header string `msgpack:"header"`
	Unit   string `msgpack:"unit"`
	Stats  `msgpack:",inline"`
	// ConsoleGroup and the two below repeat the declaration, so that exporters of
	// another process need no registry for injected tags (adj_*, sweeps).
	ConsoleGroup string `msgpack:"console_group,omitempty"`
	DisplayOrder int    `msgpack:"display_order,omitempty"` // 0 = none
	Hidden       bool   `msgpack:"hidden,omitempty"`        // internal, experimental or error-only: never in console tables
	Internal     bool   `msgpack:"internal,omitempty"`      // left out of summary files too
}
