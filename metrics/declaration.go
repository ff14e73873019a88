package metrics

import (
	"fmt"
	"slices"
)

// Kind says how a metric comes to its figures.
type Kind string

const (
	KindRecord    Kind = "record"    // a value or list per request, a distribution per run
	KindAggregate Kind = "aggregate" // a contribution per request, one scalar per run
	KindDerived   Kind = "derived"   // one scalar per run, from other results
	KindInjected  Kind = "injected"  // statistics that an analysis of the whole run puts in
)

// Group is a console table.
type Group string

const (
	GroupNone      Group = "none" // files only
	GroupDefault   Group = "default"
	GroupUsage     Group = "usage"
	GroupEffective Group = "effective"
	GroupActive    Group = "active"
)

// Declaration is one metric: its names, where it shows, what it needs and its
// formula. Declarations are made once, by declare, and never change.
type Declaration struct {
	Tag         string
	Header      string
	ShortHeader string
	HideUnit    bool   // no unit beside the short header
	Family      string // chapter of the reference
	Kind        Kind
	Unit        Unit // of values and formulas
	DisplayUnit Unit // of outputs; default: Unit
	Flags       Flags
	Group       Group // default: GroupDefault
	Order       int   // in console tables; 0 = after all others
	Integer     bool  // values are whole numbers
	List        bool  // several values per request, pooled in summaries
	Formula     string

	// Requires must all have a value, or this has none. Of RequiresAny, at least one
	// must. Optional ones are only computed earlier.
	Requires    []*Declaration
	RequiresAny []*Declaration
	Optional    []*Declaration

	formula
	adjusted *Declaration // the error-adjusted twin, for metrics that have one
	id       int          // place in the catalogue
}

// formula computes a metric. Exactly one field is set, none for injected metrics.
type formula struct {
	// measure reads the record; a store keeps the values in a column.
	measure     func(c *calc) (float64, bool)
	measureList func(c *calc) ([]float64, bool)
	// follow reads nothing but other metrics of the same request, so a store computes
	// it again instead of keeping it.
	follow func(c *calc) (float64, bool)
	// derive reads the results of a summary.
	derive func(s *summary) (float64, bool)
	// sumOf makes a derived sum: the exact sum of a record metric.
	sumOf *Declaration
}

// catalogue holds all metrics, each after those it needs. Only declare, which runs
// while package variables are initialised, changes it.
var (
	catalogue []*Declaration
	byTag     = map[string]*Declaration{}
)

// declare enters a metric into the catalogue. It panics on a mistake in the
// declaration, at process start.
func declare(d Declaration) *Declaration {
	if d.DisplayUnit == "" {
		d.DisplayUnit = d.Unit
	}
	if d.Group == "" {
		d.Group = GroupDefault
	}
	if err := d.check(); err != nil {
		panic(fmt.Sprintf("declare metric %q: %v", d.Tag, err))
	}
	m := &d
	m.id = len(catalogue)
	catalogue = append(catalogue, m)
	byTag[m.Tag] = m
	if d.Flags.HasAll(PercentileIncludesFailedRequests) {
		m.adjusted = declareAdjusted(m, GroupDefault, adjustedOrder+d.Order)
	}
	return m
}

func (d *Declaration) check() error {
	if d.Tag == "" || d.Header == "" || d.Unit == "" || d.Family == "" {
		return fmt.Errorf("tag, header, unit and family are required")
	}
	if byTag[d.Tag] != nil {
		return fmt.Errorf("declared twice")
	}
	if len(catalogue) == maxMetrics {
		return fmt.Errorf("more than %d metrics: raise maxMetrics", maxMetrics)
	}
	if _, ok := Convert(1, d.Unit, d.DisplayUnit); !ok {
		return fmt.Errorf("display unit %s does not convert from %s", d.DisplayUnit, d.Unit)
	}
	for _, n := range d.needs() {
		if n == nil {
			return fmt.Errorf("needs a metric that is not declared")
		}
		if !mayNeed(d.Kind, n.Kind) {
			return fmt.Errorf("a %s metric may not need %s, a %s metric", d.Kind, n.Tag, n.Kind)
		}
	}
	return nil
}

// mayNeed says which kinds may depend on which.
func mayNeed(kind, needed Kind) bool {
	switch kind {
	case KindRecord:
		return needed == KindRecord
	case KindAggregate:
		return needed == KindRecord || needed == KindAggregate
	}
	return needed != KindInjected
}

// needs lists every metric that is computed before d.
func (d *Declaration) needs() []*Declaration {
	return slices.Concat(d.Requires, d.RequiresAny, d.Optional)
}

// perRecord says that the metric has a value (or a contribution that nothing else
// tells) on the records of its path.
func (d *Declaration) perRecord() bool { return d.stored() || d.Kind == KindRecord }

// stored says that a column is needed: the values cannot be had from other columns.
func (d *Declaration) stored() bool { return d.measure != nil || d.measureList != nil }

// path is the kind of record that the metric is computed for.
func (d *Declaration) path() outcome {
	switch {
	case d.Flags.HasAll(CancelledOnly):
		return cancelled
	case d.Flags.HasAll(ErrorOnly):
		return failed
	}
	return succeeded
}

// display converts a base value to the display unit.
func (d *Declaration) display(v float64) float64 {
	shown, _ := Convert(v, d.Unit, d.DisplayUnit)
	return shown
}

// Find returns the declaration of tag.
func Find(tag string) (*Declaration, bool) {
	d, ok := byTag[tag]
	return d, ok
}

// All returns every declared metric, each after those it needs.
func All() []*Declaration { return slices.Clone(catalogue) }

// Display converts a base value of the metric tag to what files show, with its unit.
// An unknown tag keeps its value and has no unit.
func Display(tag string, v float64) (shown float64, unit string) {
	d, ok := byTag[tag]
	if !ok {
		return v, ""
	}
	return d.display(v), string(d.DisplayUnit)
}
