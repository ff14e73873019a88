package metrics

import (
	"fmt"
	"math"
	"slices"
)

const familyGoodput = "Goodput"

// SLO is a bound that a request has to keep to be a good one.
type SLO struct {
	Tag string `json:"tag"`
	// Value is in the metric's display unit.
	Value float64 `json:"value"`
}

// bound is an SLO as it is checked: in the metric's own unit.
type bound struct {
	metric *Declaration
	limit  float64
}

// holds tells whether a request keeps the bound; a request without the metric does not.
func (b bound) holds(c *calc) bool {
	if !c.has.has(b.metric.id) {
		return false
	}
	if v := c.values[b.metric.id]; b.metric.Flags.HasAll(LargerIsBetter) {
		return v >= b.limit
	} else {
		return v <= b.limit
	}
}

// bounds are the SLOs of a run. What does not exist cannot be kept: nothing is good then.
func (o *Options) bounds() (out []bound) {
	for _, s := range o.SLOs {
		d := byTag[s.Tag]
		limit, ok := Convert(s.Value, d.DisplayUnit, d.Unit)
		if !ok {
			limit = s.Value
		}
		out = append(out, bound{d, limit})
	}
	return out
}

// CheckSLO says why an SLO is none: an unknown metric, one that requests do not have, a bound
// that is no number.
func CheckSLO(s SLO) error {
	d, known := byTag[s.Tag]
	switch {
	case !known:
		return fmt.Errorf("unknown SLO metric '%s'", s.Tag)
	case d.List:
		return fmt.Errorf("metric %s has several values for each request, which one bound cannot hold", s.Tag)
	case d.Kind != KindRecord || d.Flags.HasAny(ErrorOnly|CancelledOnly):
		return fmt.Errorf("metric %s is not one of single requests", s.Tag)
	case math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || s.Value < 0:
		return fmt.Errorf("a bound is a finite number from 0 on, got %g", s.Value)
	}
	return nil
}

// Known tells whether there is a metric of that tag.
func Known(tag string) bool { return byTag[tag] != nil }

// SLOTags are the metrics that an SLO can be of, by name.
func SLOTags() (tags []string) {
	for _, d := range catalogue {
		if CheckSLO(SLO{Tag: d.Tag}) == nil {
			tags = append(tags, d.Tag)
		}
	}
	slices.Sort(tags)
	return tags
}

var goodRequestCount, goodput, goodRequestFraction *Declaration

// Any metric of a request can be an SLO's, so the count of good ones comes behind all of them.
func init() {
	goodRequestCount = declare(Declaration{
		Tag: "good_request_count", Header: "Good Request Count", HideUnit: true,
		Family: familyGoodput, Kind: KindAggregate, Unit: Requests, Integer: true,
		Flags: GoodputOnly, Group: GroupNone,
		Formula: "number of successful requests that keep every SLO: value ≤ bound, or ≥ where larger is better; a metric that is missing keeps none",
		formula: formula{measure: func(c *calc) (float64, bool) {
			for _, b := range c.bounds {
				if !b.holds(c) {
					return 0, true
				}
			}
			return 1, true
		}},
	})
	goodput = declare(Declaration{
		Tag: "goodput", Header: "Goodput", ShortHeader: "Goodput", HideUnit: true,
		Family: familyGoodput, Kind: KindDerived, Unit: RequestsPerSecond, Order: 1000,
		Flags:    GoodputOnly | LargerIsBetter,
		Requires: []*Declaration{goodRequestCount, benchmarkDuration},
		Formula:  "good request count / benchmark duration [sec]",
		formula:  formula{derive: perSecond(goodRequestCount)},
	})
	goodRequestFraction = declare(Declaration{
		Tag: "good_request_fraction", Header: "GoodRequestFraction", ShortHeader: "GoodReqFrac", HideUnit: true,
		Family: familyGoodput, Kind: KindDerived, Unit: Ratio,
		Flags: GoodputOnly | LargerIsBetter, Group: GroupNone,
		Optional: []*Declaration{goodRequestCount, requestCount, errorRequestCount},
		Formula:  "good request count / (successful + failed requests); 0 when nothing was attempted",
		formula: formula{derive: func(s *summary) (float64, bool) {
			n := s.attempted()
			if n == 0 {
				return 0, true
			}
			return ratio(s.of(goodRequestCount), n)
		}},
	})
}
