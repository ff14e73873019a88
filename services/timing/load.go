package timing

import (
	"fmt"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/plugins"
	"aiperf/plugins/samplers"
	"aiperf/plugins/urlselection"
)

// conversations is what a scheduler needs of the dataset.
type conversations interface {
	Len() int
	ID(conversation int) string
	NumTurns(conversation int) int
	DelayMS(conversation, turn int) float64
}

// load is what a run is made of; it is known once the dataset is there.
type load struct {
	plans         []*phasePlan
	conversations conversations
	sampler       samplers.Sampler      // one for the run: a phase goes on where the one before stopped
	urls          urlselection.Selector // nil with one URL
	// migratable sessions hold no history in their worker: another can go on with them.
	migratable bool
	graph      *dataset.Graph // nil when no conversation starts another
	seeds      dataset.Seeds
}

// newLoad makes what a run consists of: its phases, and the choice of conversations
// and URLs.
func newLoad(run *config.Run, registry *plugins.Registry, c conversations, migratable bool) (load, error) {
	seed := run.ProcessSeed
	if run.RandomSeed != nil {
		seed = *run.RandomSeed
	}
	l := load{conversations: c, migratable: migratable, seeds: dataset.NewSeeds(seed)}
	var err error
	if l.plans, err = newPlans(run, registry, l.seeds); err != nil {
		return l, err
	}
	if l.graph, err = graphOf(c); err != nil {
		return l, err
	}
	sampled := c.Len()
	if l.graph != nil {
		sampled = len(l.graph.Roots)
	}
	if err = l.warmable(); err != nil {
		return l, err
	}
	if err = l.measureUsers(); err != nil {
		return l, err
	}
	for _, p := range l.plans {
		if p.replay == nil {
			continue
		}
		if err = p.replay.read(&l); err != nil {
			return l, fmt.Errorf("%s: %w", p.title(), err)
		}
	}
	if l.sampler, err = newSampler(&run.Benchmark.Dataset, registry, seed, sampled); err != nil {
		return l, err
	}
	if len(run.Benchmark.Endpoint.URLs) < 2 {
		return l, nil
	}
	newSelector, err := plugins.Constructor[urlselection.Constructor](registry, "url_selection_strategy", run.Benchmark.Endpoint.URLStrategy)
	if err != nil {
		return l, err
	}
	l.urls, err = newSelector(len(run.Benchmark.Endpoint.URLs))
	return l, err
}

// measureUsers tells phases whose users keep a pace how long conversations are.
func (l *load) measureUsers() error {
	conversations := l.conversations.Len()
	if l.graph != nil {
		conversations = len(l.graph.Roots)
	}
	for _, p := range l.plans {
		if p.users == nil || conversations == 0 {
			continue
		}
		turns := 0
		for i := range conversations {
			turns += l.conversations.NumTurns(l.at(i))
		}
		if err := p.users.measure(turns, conversations); err != nil {
			return fmt.Errorf("%s: %w", p.title(), err)
		}
	}
	return nil
}

// graphOf reads how conversations branch, from a dataset that can say so.
func graphOf(c conversations) (*dataset.Graph, error) {
	if g, ok := c.(interface {
		Graph() (*dataset.Graph, error)
	}); ok {
		return g.Graph()
	}
	return nil, nil
}

// warmable refuses a warmup of conversations that send nothing but by their children, which
// a warmup does not start.
func (l *load) warmable() error {
	if l.graph == nil || len(l.graph.Coordinators) == 0 {
		return nil
	}
	for _, root := range l.graph.Roots {
		if l.graph.Coordinators[root] == nil {
			return nil
		}
	}
	for _, p := range l.plans {
		if p.announced.PhaseKind == config.KindWarmup {
			return fmt.Errorf("%s: the dataset has orchestrators alone, and a warmup starts none of their sessions; leave the warmup out", p.title())
		}
	}
	return nil
}

// sample is the conversation of the next session. A warmup has no use for coordinators.
func (p *phase) sample() int {
	for {
		at := p.e.at(p.e.sampler.Next())
		if p.branching != nil || p.e.graph == nil || p.e.graph.Coordinators[at] == nil {
			return at
		}
	}
}

// at is the number in the dataset of one that is sampled.
func (l *load) at(at int) int {
	if l.graph != nil {
		return l.graph.Roots[at]
	}
	return at
}

// newSampler makes the choice of conversations; a seed of the dataset's own wins.
func newSampler(d *config.Dataset, registry *plugins.Registry, seed uint64, n int) (samplers.Sampler, error) {
	newSampler, err := plugins.Constructor[samplers.Constructor](registry, "dataset_sampler", d.Sampling)
	if err != nil {
		return nil, err
	}
	if d.RandomSeed != nil {
		seed = *d.RandomSeed
	}
	return newSampler(samplers.Config{Conversations: n, Rand: dataset.NewSeeds(seed).Stream("dataset.sampler." + d.Sampling)})
}
