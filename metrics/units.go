package metrics

// Unit is a unit as it is written in every output.
type Unit string

const (
	Nanoseconds  Unit = "ns"
	Milliseconds Unit = "ms"
	Seconds      Unit = "sec"

	Tokens   Unit = "tokens"
	Requests Unit = "requests"
	Count    Unit = "count"
	Ratio    Unit = "ratio"
	Percent  Unit = "%"

	Bytes     Unit = "B"
	Kilobytes Unit = "KB" // 1024 bytes

	RequestsPerSecond      Unit = "requests/sec"
	TokensPerSecond        Unit = "tokens/sec"
	TokensPerSecondPerUser Unit = "tokens/sec/user"
)

// nsPerSecond turns rates per nanosecond into rates per second.
const nsPerSecond = 1e9

// scales gives units that measure the same thing: how many of the smallest of them
// one is. A unit without an entry converts to itself only.
var scales = map[Unit]struct {
	dimension string
	size      float64
}{
	Nanoseconds:  {"time", 1},
	Milliseconds: {"time", 1e6},
	Seconds:      {"time", 1e9},
	Bytes:        {"information", 1},
	Kilobytes:    {"information", 1024},
}

// Convert expresses v, given in from, in to. ok is false for unrelated units; v is
// then returned as it is.
func Convert(v float64, from, to Unit) (converted float64, ok bool) {
	if from == to {
		return v, true
	}
	a, known := scales[from]
	b, alsoKnown := scales[to]
	if !known || !alsoKnown || a.dimension != b.dimension {
		return v, false
	}
	if a.size > b.size {
		return v * (a.size / b.size), true
	}
	// A division by a whole power keeps whole nanoseconds correctly rounded; a
	// multiplication by its inexact inverse would not.
	return v / (b.size / a.size), true
}
