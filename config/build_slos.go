package config

import (
	"sort"
	"strconv"
	"strings"

	"aiperf/metrics"
)

// sloAsk is an SLO with the place where it was asked for.
type sloAsk struct {
	metrics.SLO
	As string
}

// slos takes pairs of a metric and its bound, several to a word. Of a metric that is named
// twice the last bound counts.
func slos(at func(*Flags) *Opt[[]sloAsk]) Value {
	return Value{Metavar: "METRIC:VALUE", arity: takesWords, parse: func(f *Flags, as string, words []string) (faults []fault) {
		o := at(f)
		pairs := strings.Fields(strings.Join(words, " "))
		if len(pairs) == 0 {
			return one("needs at least one metric and its bound", "", "write time_to_first_token:100")
		}
		for _, pair := range pairs {
			tag, text, ok := strings.Cut(pair, ":")
			v, err := strconv.ParseFloat(text, 64)
			switch {
			case !ok || tag == "" || text == "":
				faults = append(faults, fault{reason: "want a metric, a colon and a bound", got: pair, hint: "write time_to_first_token:100"})
			case err != nil:
				faults = append(faults, fault{reason: "the bound of " + tag + " is no number", got: text})
			default:
				o.Value = setSLO(o.Value, sloAsk{metrics.SLO{Tag: tag, Value: v}, as})
				o.Set, o.As = true, as
			}
		}
		return faults
	}}
}

func setSLO(list []sloAsk, s sloAsk) []sloAsk {
	for i := range list {
		if list[i].Tag == s.Tag {
			list[i] = s
			return list
		}
	}
	return append(list, s)
}

// slos resolves what a good request is.
func (l *loader) slos() {
	b := &l.run.Benchmark
	var strangers []string
	set := metrics.NewSet(MetricOptions(l.run))
	for _, s := range l.f.SLOs.Value {
		if err := metrics.CheckSLO(s.SLO); err != nil {
			hint := ""
			if near := Suggest(s.Tag, metrics.SLOTags()); near != "" && !metrics.Known(s.Tag) {
				hint = "did you mean " + near + "?"
			}
			l.problems.add(s.As, err.Error(), "", hint)
			continue
		}
		if !set.Has(s.Tag) {
			if d, _ := metrics.Find(s.Tag); d.Flags.HasAny(metrics.StreamingOnly) && !b.Endpoint.Streaming {
				l.warn("slos." + s.Tag + " is set but streaming is disabled: no request has that metric, so none is good")
			} else {
				strangers = append(strangers, s.Tag)
			}
		}
		b.SLOs = append(b.SLOs, s.SLO)
	}
	if len(strangers) > 0 {
		sort.Strings(strangers)
		l.problems.add(l.f.SLOs.As, "Invalid --goodput: metric(s) "+strings.Join(strangers, ", ")+" are not applicable to the current endpoint/configuration.", "", "leave them out")
	}
}
