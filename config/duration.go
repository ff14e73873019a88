package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// ParseDuration reads a number of seconds, or numbers with units: ms, s, m, h, d,
// their long forms, and compounds such as 1h30m. "inf" is +Inf.
func ParseDuration(s string) (sec float64, err error) {
	low := strings.ToLower(strings.TrimSpace(s))
	if low == "inf" || low == "infinity" {
		return math.Inf(1), nil
	}
	if v, faults := readFloat(low); faults == nil {
		return v, nil
	}
	rest := low
	for rest != "" {
		digits := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if digits <= 0 {
			return 0, errDuration
		}
		n, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, errDuration
		}
		rest = strings.TrimLeft(rest[digits:], " ")
		letters := strings.IndexFunc(rest, func(r rune) bool { return r < 'a' || r > 'z' })
		if letters < 0 {
			letters = len(rest)
		}
		factor, ok := unitSeconds[rest[:letters]]
		if !ok {
			return 0, errDuration
		}
		sec += n * factor
		rest = strings.TrimLeft(rest[letters:], " ")
	}
	if low == "" {
		return 0, errDuration
	}
	return sec, nil
}

var errDuration = errors.New("expected seconds or a duration such as 90s, 2m or 1h30m")

var unitSeconds = map[string]float64{
	"ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
	"s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
	"m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
	"h": 3600, "hr": 3600, "hrs": 3600, "hour": 3600, "hours": 3600,
	"d": 86400, "day": 86400, "days": 86400,
}
