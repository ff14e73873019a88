package config

import (
	"strings"

	"aiperf/dataset"
)

const (
	defaultEntries = 100
	defaultISL     = 550 // tokens

	defaultSidePixels    = 512
	defaultAudioSec      = 10
	defaultAudioDepth    = 16
	defaultAudioRateKHz  = 16
	defaultPassages      = 10
	defaultPassageTokens = 128
	defaultQueryTokens   = 32
)

// dataset resolves the synthetic conversations.
func (l *loader) dataset() {
	f, e := l.f, &l.run.Benchmark.Endpoint
	d := &l.run.Benchmark.Dataset
	*d = Dataset{
		Name: "main", Type: "synthetic", Entries: defaultEntries, RandomSeed: l.run.RandomSeed, Sampling: f.Sampling.Or("sequential"),
		Turns: f.shape("turns", dataset.Normal(float64(f.TurnsMean.Or(1)), float64(f.TurnsStddev.Value))), TurnDelayRatio: f.TurnDelayRatio.Or(1),
	}
	if f.TurnDelayMeanMS.Set || f.TurnDelayStddevMS.Set {
		d.TurnDelayMS = dataset.Normal(f.TurnDelayMeanMS.Value, f.TurnDelayStddevMS.Value)
	}
	d.TurnDelayMS = f.shape("turn_delay", d.TurnDelayMS)
	if f.datasetSeed.Set {
		d.RandomSeed = f.datasetSeed.pointer()
	}
	if f.datasetName != "" {
		d.Name = f.datasetName
	}
	for _, n := range []Opt[int]{f.DatasetEntries, f.Sessions, f.RequestCount} {
		if n.Set {
			d.Entries = n.Value
			break
		}
	}
	if f.InputFile.Set {
		l.file()
		return
	}
	l.media()
	l.rankings()
	l.prompts()
	if l.hasText() && !l.ranks() && !d.Prompts.HaveText() && !d.Images.Enabled() && !d.Audio.Enabled() && !f.givenBadly("isl", "seq-dist") {
		l.problems.add(as(f.ISL, "--isl"), "leaves nothing to send: endpoint type "+e.Type+" takes text", "0", "give a prompt length of at least 1 token")
	}
	l.prefixes()
	l.textRules()
	l.lengthRules()
	l.turnRules()
}

// prompts resolves the texts.
func (l *loader) prompts() {
	f, p := l.f, &l.run.Benchmark.Dataset.Prompts
	p.BatchSize, p.Corpus, p.CorpusStyle = f.BatchSize.Or(1), f.Corpus.Or(CorpusSonnet), f.CorpusStyle.Or(dataset.StyleVLLM)
	if f.OSL.Value > 0 {
		p.OSL = dataset.Normal(float64(f.OSL.Value), f.OSLStddev.Value)
	}
	p.OSL = f.shape("prompts.osl", p.OSL)
	if !l.hasText() || l.ranks() {
		return
	}
	p.ISL = f.shape("prompts.isl", dataset.Normal(float64(f.ISL.Or(defaultISL)), f.ISLStddev.Value))
	p.SequenceDistribution = f.SeqDist.Value
	if f.RangeRatio.Set {
		r := f.RangeRatio.Value
		r.Style = p.CorpusStyle
		p.RangeRatio = &r
	}
}

// ranks says that the endpoint ranks passages for a query.
func (l *loader) ranks() bool { return strings.Contains(l.run.Benchmark.Endpoint.Type, "rankings") }

// prefixes resolves what stands in front of prompts.
func (l *loader) prefixes() {
	f, d, e := l.f, &l.run.Benchmark.Dataset, &l.run.Benchmark.Endpoint
	d.PrefixPrompts = PrefixPrompts{f.PrefixPoolSize.Value, f.PrefixLength.Value, f.SharedSystemLength.Value, f.UserContextLength.Value}
	p, bad := &d.PrefixPrompts, l.problems.add
	if p.PoolSize > 0 && p.Length == 0 && !f.givenBadly("prompt-prefix-length") {
		bad(f.PrefixPoolSize.As, "has no effect without the length of a prefix", "", "add --prompt-prefix-length, or leave it out")
	}
	if p.Length > 0 && p.PoolSize == 0 && !f.givenBadly("prompt-prefix-pool-size") {
		bad(f.PrefixLength.As, "has no effect without a pool of prefixes", "", "add --prompt-prefix-pool-size, or leave it out")
	}
	if pool := p.PoolSize > 0 || p.Length > 0; pool {
		for _, o := range []Opt[int]{f.SharedSystemLength, f.UserContextLength} {
			if o.Set {
				bad(o.As, "cannot be combined with a pool of prefixes", "", "leave out one of the two")
			}
		}
	}
	for _, o := range []Opt[string]{f.SystemPrompt, f.SystemPromptFile} {
		if !o.Set {
			continue
		}
		if p.PoolSize > 0 || p.Length > 0 {
			bad(o.As, "cannot be combined with a pool of prefixes", "", "leave out one of the two")
		}
		if f.SharedSystemLength.Set {
			bad(o.As, "cannot be combined with "+f.SharedSystemLength.As, "", "leave out one of the two")
		}
	}
	if f.SystemPrompt.Set && f.SystemPromptFile.Set {
		bad(f.SystemPromptFile.As, "cannot be combined with "+f.SystemPrompt.As, "", "leave out one of the two")
	}
	if c := e.Capabilities; c.EndpointPath != "" && !c.ConsumesSystemMessage {
		for _, o := range []struct {
			set bool
			as  string
		}{
			{f.SystemPrompt.Set, f.SystemPrompt.As}, {f.SystemPromptFile.Set, f.SystemPromptFile.As},
			{f.SharedSystemLength.Set, f.SharedSystemLength.As}, {f.UserContextLength.Set, f.UserContextLength.As},
		} {
			if o.set {
				bad(o.as, "has no effect: endpoint type "+e.Type+" carries no system message", "", "use an endpoint type that does (chat, responses, messages, chat_embeddings), or leave it out")
			}
		}
	}
	l.systemPrompt()
}

// systemPrompt reads the verbatim system message.
func (l *loader) systemPrompt() {
	f, d := l.f, &l.run.Benchmark.Dataset
	d.SystemPrompt = f.SystemPrompt.Value
	if !f.SystemPromptFile.Set {
		return
	}
	path := f.SystemPromptFile.Value
	if !strings.HasPrefix(path, "~") {
		path = l.absolute(path)
	}
	text, err := dataset.ReadTextFile(path)
	switch {
	case err != nil:
		l.problems.add(f.SystemPromptFile.As, "cannot be read: "+err.Error(), path, "name a regular UTF-8 text file")
	case strings.TrimSpace(text) == "":
		l.problems.add(f.SystemPromptFile.As, "has no text", path, "write the prompt into it, or leave it out")
	default:
		d.SystemPrompt, d.SystemPromptFile = text, path
	}
}

// lengthRules are about the ways to give lengths, of which there may be one.
func (l *loader) lengthRules() {
	f := l.f
	if f.SeqDist.Set {
		for _, o := range []struct {
			set bool
			as  string
		}{
			{f.ISL.Set, f.ISL.As}, {f.ISLStddev.Set, f.ISLStddev.As}, {f.OSL.Set, f.OSL.As}, {f.OSLStddev.Set, f.OSLStddev.As}, {f.RangeRatio.Set, f.RangeRatio.As},
		} {
			if o.set {
				l.problems.add(o.as, "has no effect with "+f.SeqDist.As+", which gives both lengths", "", "leave out one of the two")
			}
		}
		return
	}
	if f.CorpusStyle.Set && !f.RangeRatio.Set && f.Corpus.Value != CorpusRandom && !f.givenBadly("random-range-ratio") {
		l.problems.add(f.CorpusStyle.As, "has no effect without a range ratio or random tokens", "", "add --random-range-ratio or --prompt-corpus random, or leave it out")
	}
	if !f.RangeRatio.Set {
		return
	}
	if r := l.run.Benchmark.Dataset.Prompts.RangeRatio; r != nil {
		for _, text := range r.Check() {
			l.problems.add(f.RangeRatio.As, text, "", "")
		}
	}
	for _, o := range []struct {
		o    Opt[int]
		name string
	}{{f.ISL, "--isl"}, {f.OSL, "--osl"}} {
		if o.o.Value < 1 && !f.givenBadly(strings.TrimPrefix(o.name, "--")) {
			l.problems.add(f.RangeRatio.As, "needs "+o.name+" of at least 1", "", "give both --isl and --osl")
		}
	}
	for _, o := range []Opt[float64]{f.ISLStddev, f.OSLStddev} {
		if o.Set {
			l.problems.add(o.As, "cannot be combined with "+f.RangeRatio.As, "", "leave out one of the two")
		}
	}
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
	if d.Turns.Mean == 1 && d.Turns.Stddev == 0 {
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
	t.Revision = l.f.TokenizerRevision.Value
	if !t.Needed || len(l.problems) > 0 { // nothing is fetched for a run that cannot start
		return
	}
	choice, err := l.host.ResolveTokenizer(TokenizerAsk{
		ChatTemplate: l.f.ApplyChatTemplate.Value, Name: name, Revision: t.Revision, TimeoutSec: l.env.Tokenizer.PreloadTimeoutSec, Env: l.in.Env,
	})
	if err != nil {
		where := "--model"
		if l.f.Tokenizer.Set {
			where = l.f.Tokenizer.As
		}
		l.problems = append(l.problems, Problem{Where: where, Reason: err.Error()})
		return
	}
	t.Name, t.Encoding, t.Path, t.Resolved = choice.Plugin, choice.Encoding, choice.Path, choice.Resolved
	if t.Revision != "" && t.Path == "" {
		l.problems = append(l.problems, Problem{
			Where: l.f.TokenizerRevision.As, Reason: "has no effect on the embedded tokenizer " + t.Encoding, Hint: "leave it out, or name a tokenizer of the model hub with --tokenizer",
		})
	}
	t.ApplyChatTemplate = choice.ChatTemplate
	if l.f.ApplyChatTemplate.Value && !choice.ChatTemplate {
		l.warn(l.f.ApplyChatTemplate.As + ": has no effect; tokenizer " + t.Asked + " has no chat template")
	}
	if choice.Warning != "" {
		l.warn(choice.Warning)
	}
}
