package metrics

import (
	"sync"
	"sync/atomic"
)

// Options are what decides which metrics exist for a run.
type Options struct {
	ProducesTokens    bool // what the endpoint can do
	TokenizesInput    bool
	SupportsAudio     bool
	SupportsImages    bool
	SupportsVideos    bool
	ProducesVideos    bool
	Streaming         bool
	ServerTokenCounts bool // the server's counts are the only ones
	OpenLoop          bool // requests have a scheduled time
	Experimental      bool // a developer switch

	UsagePctDiffThreshold   float64 // %
	OSLMismatchPctThreshold float64 // % of the requested length
	OSLMismatchMaxTokens    float64 // tokens

	SLOs []SLO // that a good request keeps
}

// disallowed collects the flags that keep a metric out of the run.
func (o *Options) disallowed() Flags {
	var f Flags
	for flag, allowed := range map[Flags]bool{
		ProducesTokensOnly: o.ProducesTokens,
		TokenizesInputOnly: o.TokenizesInput,
		SupportsAudioOnly:  o.SupportsAudio,
		SupportsImageOnly:  o.SupportsImages,
		SupportsVideoOnly:  o.SupportsVideos,
		ProducesVideoOnly:  o.ProducesVideos,
		StreamingOnly:      o.Streaming,
		UsageDiffOnly:      !o.ServerTokenCounts,
		OpenLoopOnly:       o.OpenLoop,
		GoodputOnly:        len(o.SLOs) > 0,
		Experimental:       o.Experimental,
	} {
		if !allowed {
			f |= flag
		}
	}
	return f
}

// Value is one metric of one record, in the metric's base unit.
type Value struct {
	Tag     string
	Number  float64
	Integer bool      // an integer on the wire and in files
	List    []float64 // set for list metrics; Number is unused then
}

// Set holds the metrics that exist for one run. It may be used by several goroutines.
type Set struct {
	options Options
	members bitset
	paths   [outcomes][]step // by what became of a record, in dependency order

	scratch  sync.Pool // of *calc
	warned   [maxMetrics]atomic.Bool
	failures func(tag string)
}

// step is the computation of one metric for a record.
type step struct {
	metric      *Declaration
	needs       bitset
	needsOneOf  bitset
	anyRequired bool
}

// NewSet returns the metrics that exist for a run with options o: those without a
// disallowed flag whose required metrics all exist.
func NewSet(o Options) *Set {
	s := &Set{options: o, failures: func(string) {}}
	bounds := o.bounds()
	s.scratch.New = func() any { return &calc{options: &s.options, bounds: bounds} }
	disallowed := o.disallowed()
	for _, d := range catalogue {
		if d.Flags.HasAny(disallowed) || !s.satisfies(d) {
			continue
		}
		s.members.set(d.id)
		if d.perRecord() {
			s.paths[d.path()] = append(s.paths[d.path()], newStep(d))
		}
	}
	return s
}

// satisfies reports whether what d requires exists. The catalogue has it before d.
func (s *Set) satisfies(d *Declaration) bool {
	step := newStep(d)
	return s.members.all(step.needs) && (!step.anyRequired || s.members.any(step.needsOneOf))
}

func newStep(d *Declaration) step {
	s := step{metric: d, anyRequired: len(d.RequiresAny) > 0}
	for _, n := range d.Requires {
		s.needs.set(n.id)
	}
	for _, n := range d.RequiresAny {
		s.needsOneOf.set(n.id)
	}
	return s
}

// Has reports whether the metric tag exists for the run.
func (s *Set) Has(tag string) bool {
	d, ok := byTag[tag]
	return ok && s.has(d)
}

func (s *Set) has(d *Declaration) bool { return s.members.has(d.id) }

// OnFailure has report called the first time that each metric's formula fails, such as
// for stamps out of order. It must be set before the first record.
func (s *Set) OnFailure(report func(tag string)) { s.failures = report }

// AppendValues appends the metrics of one record to dst, in dependency order. A metric
// without a value is left out. Lists belong to the caller.
//
// What a store finds out by itself, the counts of requests and the window of the run,
// is not among them.
//
// hot: once per request, about 30 values. Budget: no allocation beyond lists.
// BenchmarkAppendValues.
func (s *Set) AppendValues(dst []Value, r *Record) []Value {
	c := s.scratch.Get().(*calc)
	c.record, c.has = r, bitset{}
	path := s.paths[outcomeOf(r.Failed, r.Cancelled)]
	for i := range path {
		dst = path[i].append(dst, s, c)
	}
	c.record = nil
	s.scratch.Put(c)
	return dst
}

func (st *step) append(dst []Value, s *Set, c *calc) []Value {
	if !c.has.all(st.needs) || st.anyRequired && !c.has.any(st.needsOneOf) {
		return dst
	}
	d := st.metric
	v := Value{Tag: d.Tag, Integer: d.Integer}
	var ok bool
	c.failed = false
	switch {
	case d.measureList != nil:
		v.List, ok = d.measureList(c)
	case d.measure != nil:
		v.Number, ok = d.measure(c)
	default:
		v.Number, ok = d.follow(c)
	}
	if c.failed && s.warned[d.id].CompareAndSwap(false, true) {
		s.failures(d.Tag)
	}
	if !ok || !finite(v.Number) {
		return dst
	}
	c.values[d.id] = v.Number
	c.has.set(d.id)
	return append(dst, v)
}
