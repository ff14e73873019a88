package config

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// ParseEnvironment reads the settings from KEY=value pairs. Warnings name AIPERF_*
// variables that this version does not know; problems are values that do not fit.
func ParseEnvironment(env []string) (e Environment, warnings []string, problems Problems) {
	values := map[string]string{}
	for _, kv := range env {
		if name, value, ok := strings.Cut(kv, "="); ok {
			values[name] = value
		}
	}
	known := map[string]bool{}
	for _, s := range Settings() {
		known[s.Name] = true
		if s.Default != "" {
			// The table's own defaults always fit; a test holds them to it.
			s.set(&e, s.Default)
		}
		value, given := values[s.Name]
		if s.Name == "NO_COLOR" {
			e.NoColor = given && value != ""
			continue
		}
		if !given || strings.TrimSpace(value) == "" {
			continue
		}
		if reason, hint := s.set(&e, value); reason != "" {
			problems.add(s.Name, reason, value, hint)
		}
	}
	e.HTTP.ConnectionLimitSet = strings.TrimSpace(values["AIPERF_HTTP_CONNECTION_LIMIT"]) != ""
	problems = append(problems, e.validate()...)
	return e, unknownSettings(values, known), problems
}

// validate checks what concerns more than one setting.
func (e *Environment) validate() (ps Problems) {
	if c, d := e.Service.ProfileConfigureTimeoutSec, e.Dataset.ConfigurationTimeoutSec; c < d {
		ps.add("AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT", "must be at least AIPERF_DATASET_CONFIGURATION_TIMEOUT ("+number64(d)+")", number64(c), "raise it, or lower the other")
	}
	for _, b := range []struct {
		name  string
		bytes int
	}{{"AIPERF_HTTP_SO_RCVBUF", e.HTTP.SORcvbuf}, {"AIPERF_HTTP_SO_SNDBUF", e.HTTP.SOSndbuf}} {
		if b.bytes > 0 && b.bytes < 1024 {
			ps.add(b.name, "must be 0 or at least 1024", strconv.Itoa(b.bytes), "")
		}
	}
	if f, b := e.ZMQ.EventBusFrontendPort, e.ZMQ.EventBusBackendPort; f == b && f != 0 {
		ps.add("AIPERF_ZMQ_EVENT_BUS_PROXY_BACKEND_PORT", "must differ from AIPERF_ZMQ_EVENT_BUS_PROXY_FRONTEND_PORT", strconv.Itoa(b), "")
	}
	if (e.Dev.ShowInternal || e.Dev.ShowExperimental) && !e.Dev.Mode {
		ps.add("AIPERF_DEV_MODE", "AIPERF_DEV_SHOW_* has no effect without developer mode", "", "set AIPERF_DEV_MODE=true too")
	}
	return ps
}

// unknownSettings warns of AIPERF_* variables without effect.
func unknownSettings(values map[string]string, known map[string]bool) (warnings []string) {
	for name := range values {
		if !strings.HasPrefix(name, "AIPERF_") || known[name] || silentSettings[name] {
			continue
		}
		w := name + ": not a setting of this version; it has no effect"
		if near := nearest(name, known, "_"); len(near) == 1 && distance(name, near[0]) <= farthest {
			w += "; did you mean " + near[0] + "?"
		}
		warnings = append(warnings, w)
	}
	sort.Strings(warnings)
	return warnings
}

// set parses a value into its field. An empty reason means that it fits.
func (s *Setting) set(e *Environment, value string) (reason, hint string) {
	value = strings.TrimSpace(value)
	switch at := s.at(e).(type) {
	case *int:
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil || v != int64(int(v)) {
			return "expected integer", s.allowed()
		}
		if s.Range.check(float64(v)) != "" {
			return s.Range.check(float64(v)), ""
		}
		*at = int(v)
	case *int64:
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return "expected integer", s.allowed()
		}
		if s.Range.check(float64(v)) != "" {
			return s.Range.check(float64(v)), ""
		}
		*at = v
	case *float64:
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			return "expected finite number", s.allowed()
		}
		if s.Range.check(v) != "" {
			return s.Range.check(v), ""
		}
		*at = v
	case *bool:
		v, ok := boolWords[strings.ToLower(value)]
		if !ok {
			return "expected true or false", ""
		}
		*at = v
	case *string:
		if len(s.Choices) > 0 && !slices.Contains(s.Choices, strings.ToLower(value)) {
			return "no such choice", "there are: " + strings.Join(s.Choices, ", ")
		}
		if len(s.Choices) > 0 {
			value = strings.ToLower(value)
		}
		*at = value
	case *[]string:
		items, err := listOf(value)
		if err != nil {
			return err.Error(), "write a JSON array or a comma list"
		}
		*at = items
	}
	return "", ""
}

// allowed says the range in a hint.
func (s *Setting) allowed() string {
	if r := s.Range.String(); r != "" {
		return "allowed: " + r
	}
	return ""
}

var boolWords = map[string]bool{
	"true": true, "1": true, "yes": true, "on": true, "t": true, "y": true,
	"false": false, "0": false, "no": false, "off": false, "f": false, "n": false,
}

// listOf reads a JSON array of strings, or a comma list.
func listOf(value string) ([]string, error) {
	var items []string
	if strings.HasPrefix(value, "[") {
		if err := json.Unmarshal([]byte(value), &items); err != nil {
			return nil, fmt.Errorf("not a valid JSON array of strings")
		}
		return items, nil
	}
	for _, item := range strings.Split(value, ",") {
		if item = strings.TrimSpace(item); item == "" {
			return nil, fmt.Errorf("an item of the list is empty")
		}
		items = append(items, item)
	}
	return items, nil
}

// number64 writes a number as a person would.
func number64(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
