package config

import "strings"

const (
	defaultEntries = 100
	defaultISL     = 550 // tokens
)

// dataset resolves the synthetic conversations.
func (l *loader) dataset() {
	f, e := l.f, &l.run.Benchmark.Endpoint
	d := &l.run.Benchmark.Dataset
	*d = Dataset{
		Name: "main", Type: "synthetic", Entries: defaultEntries, RandomSeed: l.run.RandomSeed, Sampling: f.Sampling.Or("sequential"),
		ISLStddev: f.ISLStddev.Value, OSLMean: float64(f.OSL.Value), OSLStddev: f.OSLStddev.Value, BatchSize: f.BatchSize.Or(1), Corpus: f.Corpus.Or(defaultCorpus),
		TurnsMean: float64(f.TurnsMean.Or(1)), TurnsStddev: float64(f.TurnsStddev.Value),
		TurnDelayMeanMS: f.TurnDelayMeanMS.Value, TurnDelayStddevMS: f.TurnDelayStddevMS.Value, TurnDelayRatio: f.TurnDelayRatio.Or(1),
	}
	for _, n := range []Opt[int]{f.DatasetEntries, f.Sessions, f.RequestCount} {
		if n.Set {
			d.Entries = n.Value
			break
		}
	}
	if l.hasText() {
		d.ISLMean = float64(f.ISL.Or(defaultISL))
		if d.ISLMean == 0 {
			l.problems.add(f.ISL.As, "leaves nothing to send: endpoint type "+e.Type+" takes text", "0", "give a prompt length of at least 1 token")
		}
	}
	l.textRules()
	l.turnRules()
}

// hasText says that the endpoint deals in text at all.
func (l *loader) hasText() bool {
	c := l.run.Benchmark.Endpoint.Capabilities
	return c.TokenizesInput || c.ProducesTokens || c.EndpointPath == ""
}

// textRules are about lengths.
func (l *loader) textRules() {
	f, e := l.f, &l.run.Benchmark.Endpoint
	if f.OSLStddev.Set && !f.OSL.Set && !f.givenBadly("osl") {
		l.problems.add(f.OSLStddev.As, "has no effect without --osl", "", "add --osl, or leave it out")
	}
	if !e.Capabilities.ProducesTokens && e.Capabilities.MetricsTitle != "" {
		if f.OSL.Set {
			l.problems.add(f.OSL.As, "has no effect: endpoint type "+e.Type+" produces no tokens", "", "leave it out")
		}
	}
	if l.hasText() {
		return
	}
	for _, o := range []struct {
		set bool
		as  string
	}{
		{f.ISL.Set, f.ISL.As}, {f.ISLStddev.Set, f.ISLStddev.As}, {f.Tokenizer.Set, f.Tokenizer.As}, {f.BatchSize.Set, f.BatchSize.As},
	} {
		if o.set {
			l.problems.add(o.as, "has no effect: endpoint type "+e.Type+" takes no text", "", "leave it out")
		}
	}
}

// turnRules are about conversations of several requests.
func (l *loader) turnRules() {
	f, d := l.f, &l.run.Benchmark.Dataset
	if f.givenBadly("conversation-turn-mean", "conversation-turn-stddev") {
		return
	}
	if d.TurnsMean == 1 && d.TurnsStddev == 0 {
		for _, o := range []Opt[float64]{f.TurnDelayMeanMS, f.TurnDelayStddevMS, f.TurnDelayRatio} {
			if o.Set {
				l.problems.add(o.As, "has no effect with one request per conversation", "", "add --conversation-turn-mean 2 or more, or leave it out")
			}
		}
		return
	}
	if f.TurnDelayRatio.Set && !f.TurnDelayMeanMS.Set && !f.TurnDelayStddevMS.Set {
		l.problems.add(f.TurnDelayRatio.As, "has no effect without a delay", "", "add --conversation-turn-delay-mean, or leave it out")
	}
}

// placeholders are model names that name no model.
var placeholders = map[string]bool{
	"test": true, "mock": true, "fake": true, "dummy": true, "example": true, "sample": true, "placeholder": true,
}

var placeholderParts = []string{
	"mock-", "-mock", "fake-", "-fake", "test-model", "your-model", "my-model", "model-name", "model-id",
}

// isPlaceholder tells a made-up model name, for which no tokenizer can exist.
func isPlaceholder(name string) bool {
	if strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") {
		return false
	}
	low := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if placeholders[low] {
		return true
	}
	for _, part := range placeholderParts {
		if strings.Contains(low, part) {
			return true
		}
	}
	return false
}

// tokenizer resolves what counts tokens and makes prompts.
func (l *loader) tokenizer() {
	b := &l.run.Benchmark
	t := &b.Tokenizer
	t.Needed = b.Endpoint.Capabilities.TokenizesInput || b.Endpoint.Capabilities.ProducesTokens
	if l.f.TrustRemoteCode.Value {
		l.warn(l.f.TrustRemoteCode.As + ": has no effect; code from elsewhere is never run here")
	}
	if len(b.Models.Names) == 0 {
		return
	}
	t.Asked = l.f.Tokenizer.Or(b.Models.Names[0])
	name := t.Asked
	if !l.f.Tokenizer.Set && isPlaceholder(name) {
		name = "builtin"
		if t.Needed {
			l.warn("model " + t.Asked + " is a placeholder: tokens are counted with the built-in tokenizer; name one with --tokenizer")
		}
	}
	t.Name, t.Encoding, t.Fallback = l.host.ResolveTokenizer(name)
	if t.Fallback != "" && t.Needed {
		l.warn(t.Fallback)
	}
}
