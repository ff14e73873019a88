package dataset

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shapeKeys are the keys of each shape, in the order in which a shape is told by a key.
var shapeKeys = []struct {
	tell  string
	shape Shape
	keys  []string
}{
	{"peaks", ShapeMultimodal, []string{"peaks"}},
	{"points", ShapeEmpirical, []string{"points"}},
	{"median", ShapeLogNormal, []string{"mean", "median"}},
	{"stddev", ShapeNormal, []string{"mean", "stddev"}},
	{"value", ShapeFixed, []string{"value"}},
	{"mean", ShapeNormal, []string{"mean", "stddev"}},
}

// commonKeys go with every shape.
var commonKeys = []string{"type", "min", "max"}

// ReadDistribution understands what a configuration file says: a number, or a map with the
// keys of one shape, which `type` names or the keys tell. v is made of the types that a
// decoder of YAML or JSON gives. Problems begin with the key that they are about, where
// there is one.
func ReadDistribution(v any) (d Distribution, problems []string) {
	switch v := v.(type) {
	case map[string]any:
		d, problems = readShape(v)
	case string:
		if strings.ContainsAny(v, ",;:|") {
			return d, []string{fmt.Sprintf("expected a number or a distribution, got the text %q; pairs of lengths belong to sequence_distribution", v)}
		}
		return d, []string{fmt.Sprintf("expected a number or a distribution, got the text %q", v)}
	default:
		x, ok := number(v)
		if !ok {
			return d, []string{fmt.Sprintf("expected a number or a distribution, got %v", v)}
		}
		d = Fixed(x)
	}
	if problems == nil {
		problems = d.Check()
	}
	return d, problems
}

func readShape(m map[string]any) (d Distribution, problems []string) {
	shape, known := shapeOf(m)
	if shape.shape == "" {
		return d, []string{known}
	}
	d.Shape = shape.shape
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(shape.keys, key) && !slices.Contains(commonKeys, key) {
			problems = append(problems, fmt.Sprintf("%s: a %s distribution has no such key; it has: %s", key, shape.shape, strings.Join(append(slices.Clone(shape.keys), commonKeys...), ", ")))
		}
	}
	for key, into := range map[string]*float64{"value": &d.Value, "mean": &d.Mean, "stddev": &d.Stddev, "median": &d.Median} {
		if v, given := m[key]; given && slices.Contains(shape.keys, key) {
			var ok bool
			if *into, ok = number(v); !ok {
				problems = append(problems, fmt.Sprintf("%s: expected a number, got %v", key, v))
			}
		}
	}
	for _, need := range shape.keys {
		if _, given := m[need]; !given && need != "stddev" {
			problems = append(problems, fmt.Sprintf("%s: a %s distribution needs it; the keys are: %s", need, shape.shape, strings.Join(slices.Sorted(maps.Keys(m)), ", ")))
		}
	}
	for key, into := range map[string]**float64{"min": &d.Min, "max": &d.Max} {
		if v, given := m[key]; given && v != nil {
			x, ok := number(v)
			if !ok {
				problems = append(problems, fmt.Sprintf("%s: expected a number, got %v", key, v))
				continue
			}
			*into = &x
		}
	}
	problems = append(problems, d.readParts(m)...)
	slices.Sort(problems) // maps have no order
	return d, problems
}

// shapeOf finds the shape by its name, else by the first key that tells it; an empty shape
// comes with the reason.
func shapeOf(m map[string]any) (found struct {
	shape Shape
	keys  []string
}, reason string) {
	seen := strings.Join(slices.Sorted(maps.Keys(m)), ", ")
	name, named := m["type"]
	for _, s := range shapeKeys {
		if _, tells := m[s.tell]; named && name == string(s.shape) || !named && tells {
			found.shape, found.keys = s.shape, s.keys
			return found, ""
		}
	}
	const forms = "value; mean and stddev; mean and median; peaks; points"
	switch {
	case named:
		return found, fmt.Sprintf("type: no such distribution %v; there are: fixed, normal, lognormal, multimodal, empirical", name)
	case m["p50"] != nil || m["p99"] != nil:
		return found, "distributions by percentiles are not supported by this version; give mean and median"
	case seen == "":
		return found, "a distribution needs keys: " + forms
	}
	return found, "no distribution has the keys " + seen + "; the forms are: " + forms
}

// readParts reads peaks and points.
func (d *Distribution) readParts(m map[string]any) (problems []string) {
	items := func(key string) []any {
		v, given := m[key]
		list, ok := v.([]any)
		if given && !ok {
			problems = append(problems, fmt.Sprintf("%s: expected a list, got %v", key, v))
		}
		return list
	}
	weight := func(at string, m map[string]any) float64 {
		v, given := m["weight"]
		if !given {
			return 1
		}
		w, ok := number(v)
		if !ok {
			problems = append(problems, fmt.Sprintf("%s.weight: expected a number, got %v", at, v))
		}
		return w
	}
	if d.Shape == ShapeMultimodal {
		for i, item := range items("peaks") {
			at, p := fmt.Sprintf("peaks[%d]", i), Peak{Weight: 1}
			if m, isMap := item.(map[string]any); isMap {
				p.Weight = weight(at, m)
				if item = m["distribution"]; item == nil {
					m = maps.Clone(m)
					delete(m, "weight")
					item = m
				}
			}
			var found []string
			p.Distribution, found = ReadDistribution(item)
			for _, text := range found {
				problems = append(problems, at+"."+text)
			}
			d.Peaks = append(d.Peaks, p)
		}
	}
	if d.Shape == ShapeEmpirical {
		for i, item := range items("points") {
			at := fmt.Sprintf("points[%d]", i)
			m, isMap := item.(map[string]any)
			value, ok := number(m["value"])
			if !isMap || !ok {
				problems = append(problems, fmt.Sprintf("%s: expected value and weight, got %v", at, item))
				continue
			}
			for key := range m {
				if key != "value" && key != "weight" {
					problems = append(problems, fmt.Sprintf("%s.%s: a point has no such key; it has: value, weight", at, key))
				}
			}
			d.Points = append(d.Points, Point{value, weight(at, m)})
		}
	}
	return problems
}

// number accepts what decoders give for a number.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	}
	return 0, false
}
