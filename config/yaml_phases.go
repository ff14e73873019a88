package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

var phaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// phaseTypes are the fields that belong to a type beside those of every phase.
var phaseTypes = map[string][]string{
	TypeConcurrency:   nil,
	TypeConstant:      {"rate", "rate_series", "rate_ramp"},
	TypePoisson:       {"rate", "rate_series", "rate_ramp"},
	TypeGamma:         {"rate", "rate_series", "rate_ramp", "smoothness"},
	TypeUserCentric:   {"rate", "users"},
	TypeFixedSchedule: {"auto_offset", "start_offset", "end_offset", "speedup"},
}

// typedFields are those that belong to some types only.
var typedFields = []string{"rate", "rate_series", "rate_ramp", "smoothness", "users", "auto_offset", "start_offset", "end_offset", "speedup"}

// phases reads the phases.
func (a *applier) phases(list *yaml.Node) {
	b := field(a.root, "benchmark")
	if list == nil {
		a.missing(b, "benchmark", "phases", "required", "")
		return
	}
	if list.Kind != yaml.SequenceNode {
		a.bad(list, "benchmark.phases", "want a list of phases", "", "")
		return
	}
	kinds := make([]string, len(list.Content))
	for i, n := range list.Content {
		path := "benchmark.phases." + strconv.Itoa(i)
		if n.Kind != yaml.MappingNode {
			if n.ShortTag() == "!!null" { // anything else was told already
				a.bad(n, path, "want a map of keys", n.Value, "")
			}
			return
		}
		kinds[i] = a.phaseKind(n, path)
		if ex := field(n, "exclude_from_results"); ex != nil {
			if b, ok := yamlBool(ex); !ok || b != (kinds[i] == KindWarmup) {
				a.bad(ex, path+".exclude_from_results", "contradicts the kind "+kinds[i], ex.Value, "leave it out")
			}
		}
	}
	if !slices.Contains(kinds, KindProfiling) {
		a.bad(list, "benchmark.phases", "want a phase of kind profiling", "", "")
		return
	}
	a.phaseNames(list)
	if !plainPhases(list, kinds) {
		a.listed(list, kinds)
		return
	}
	for i, n := range list.Content {
		a.phase(n, "benchmark.phases."+strconv.Itoa(i), kinds[i])
	}
}

// phaseKind is what a phase is for.
func (a *applier) phaseKind(n *yaml.Node, path string) string {
	name, kind := field(n, "name"), field(n, "kind")
	if name == nil || name.Value == "" {
		a.missing(n, path, "name", "required", "")
		return KindProfiling
	}
	low := strings.ToLower(name.Value)
	canonical := low == KindWarmup || low == KindProfiling
	switch {
	case !phaseName.MatchString(name.Value):
		a.bad(name, path+".name", "want letters, digits, _ and -, beginning with a letter", name.Value, "")
	case kind == nil && !canonical:
		a.missing(n, path, "kind", "required for a phase that is not called warmup or profiling", "write kind: warmup or kind: profiling")
	case kind == nil:
		return low
	case kind.Value != KindWarmup && kind.Value != KindProfiling:
		a.bad(kind, path+".kind", "want warmup or profiling", kind.Value, "")
	case canonical && kind.Value != low:
		a.bad(kind, path+".kind", "contradicts the name "+name.Value, kind.Value, "")
	default:
		return kind.Value
	}
	return KindProfiling
}

// phase gives the fields of a phase to the flags of its kind.
func (a *applier) phase(n *yaml.Node, path, kind string) {
	f := a.p.flags
	t := field(n, "type")
	if t == nil {
		a.missing(n, path, "type", "required", "there are: concurrency, constant, poisson, gamma, user_centric, fixed_schedule")
		return
	}
	typ := phaseType(t)
	own, known := phaseTypes[typ]
	if !known {
		a.bad(t, path+".type", "want concurrency, constant, poisson, gamma, user_centric or fixed_schedule", t.Value, "")
		return
	}
	for _, key := range typedFields {
		if v := field(n, key); v != nil && !slices.Contains(own, key) {
			a.bad(keyOf(n, key), path+"."+key, "does not belong to a phase of type "+typ, v.Value, "")
		}
	}
	name := ""
	if v := field(n, "name"); v != nil {
		name = v.Value
	}
	if kind == KindWarmup {
		f.warmupName = name
	} else {
		f.profilingName = name
	}
	a.phaseType(n, path, kind, typ)
	a.phaseFields(n, path, kind)
	bound := field(n, "requests") != nil || field(n, "sessions") != nil || field(n, "duration") != nil
	typed := kind == KindProfiling && (f.RequestCount.Set || f.Sessions.Set || f.DurationSec.Set) || kind == KindWarmup && (f.WarmupRequests.Set || f.WarmupSessions.Set || f.WarmupDurationSec.Set)
	if !bound && !typed && typ != TypeFixedSchedule {
		a.bad(n, path, "phase '"+name+"': at least one of requests, duration or sessions must be specified", "", "")
	}
}

// phaseType chooses what paces the phase.
func (a *applier) phaseType(n *yaml.Node, path, kind, typ string) {
	rate := field(n, "rate")
	prefix := ""
	if kind == KindWarmup {
		prefix = "warmup-"
	}
	f := a.p.flags
	switch typ {
	case TypeConcurrency:
		if field(n, "concurrency") == nil && !f.Concurrency.Set && kind == KindProfiling && !f.RequestRate.Set {
			a.set("concurrency", field(n, "type"), path+".type", "1")
		}
		return
	case TypeFixedSchedule:
		a.set("fixed-schedule", field(n, "type"), path+".type", "true")
		return
	}
	if series := field(n, "rate_series"); series != nil {
		a.series(n, series, path, kind, typ)
		return
	}
	if rate == nil {
		if _, typed := f.typed["request-rate"]; !typed {
			a.missing(n, path, "rate", "required for a phase of type "+typ, "")
		}
		return
	}
	if typ == TypeUserCentric {
		a.flag(a.p.index.long["user-centric-rate"], rate, path+".rate")
		return
	}
	if _, typed := f.typed["user-centric-rate"]; typed {
		return
	}
	a.flag(a.p.index.long[prefix+"request-rate"], rate, path+".rate")
	a.set(prefix+"arrival-pattern", field(n, "type"), path+".type", typ)
}

// series reads rates that change in time: a path, a list of points, or a map with either.
func (a *applier) series(n, v *yaml.Node, path, kind, typ string) {
	f, where := a.p.flags, path+".rate_series"
	if kind == KindWarmup {
		a.bad(v, where, "is not supported for a warmup", "", "leave it out")
		return
	}
	if field(n, "rate") != nil {
		a.bad(v, where, "cannot be used together with rate", "", "keep one of the two")
		return
	}
	if f.RequestRate.Set || f.RateSeriesFile.Set || f.UserCentricRate.Set { // typed, which wins
		return
	}
	a.set("arrival-pattern", field(n, "type"), path+".type", typ)
	if p := field(v, "path"); p != nil {
		v = p
	}
	if v.Kind == yaml.ScalarNode {
		a.set("request-rate-series", v, where, v.Value)
		return
	}
	text, err := nodeJSON(v)
	if err == nil {
		f.rateSeries, err = ParseRateSeries([]byte(text))
	}
	if err != nil {
		a.bad(v, where, err.Error(), "", "")
	}
}

// phaseFields gives plain fields to the flags whose targets they are.
func (a *applier) phaseFields(n *yaml.Node, path, kind string) {
	target := "phases." + kind + "."
	for _, flag := range Table() {
		key, ok := strings.CutPrefix(flag.Target, target)
		if !ok || key == "type" || key == "rate" || key == "rate_series.path" || len(flag.Names) == 0 {
			continue
		}
		if ramp, isRamp := strings.CutSuffix(key, "_ramp.duration"); isRamp {
			a.ramp(flag, field(n, ramp+"_ramp"), path+"."+ramp+"_ramp")
			continue
		}
		v := n
		for _, part := range strings.Split(key, ".") {
			v = field(v, part)
		}
		if v != nil && v.ShortTag() != "!!null" {
			a.flag(flag, v, path+"."+key)
		}
	}
	if kind == KindWarmup {
		a.refuseInWarmup(n, path, "cancellation", "failed_request_threshold")
	}
}

// ramp reads a duration, or {duration, strategy}.
func (a *applier) ramp(flag *Flag, v *yaml.Node, path string) {
	if v == nil {
		return
	}
	if v.Kind != yaml.MappingNode {
		a.flag(flag, v, path)
		return
	}
	for i := 0; i+1 < len(v.Content); i += 2 {
		key, value := v.Content[i], v.Content[i+1]
		switch key.Value {
		case "duration":
			a.flag(flag, value, path+".duration")
		case "strategy":
			if !slices.Contains([]string{"linear", "exponential", "poisson"}, value.Value) {
				a.bad(value, path+".strategy", "want linear, exponential or poisson", value.Value, "")
			}
			if a.p.flags.rampStrategies == nil {
				a.p.flags.rampStrategies = map[string]string{}
			}
			a.p.flags.rampStrategies[flag.Names[0]] = value.Value
		default:
			a.bad(key, path+"."+key.Value, "unknown key", "", "there are: duration, strategy")
		}
	}
}

// keyOf is the node of a key itself.
func keyOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i]
		}
	}
	return n
}
