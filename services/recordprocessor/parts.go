package recordprocessor

import (
	"context"
	"fmt"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/metrics"
	"aiperf/plugins"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/tokenizers"
)

// parts are the plugins of an engine.
type parts struct {
	endpoint  endpoints.Endpoint
	tokenizer tokenizers.Tokenizer // nil when nothing is counted here
	chat      tokenizers.Chat      // nil without its template
}

// loading makes the parts beside the mesh's handshakes: a vocabulary takes longer
// than these do.
type loading struct {
	done  chan struct{}
	parts *parts
	err   error
}

// load starts one goroutine, which join waits for.
func load(run *config.Run) *loading {
	l := &loading{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.parts, l.err = newParts(run)
	}()
	return l
}

func (l *loading) wait(ctx context.Context) (*parts, error) {
	select {
	case <-l.done:
		return l.parts, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *loading) join() { <-l.done }

// newParts makes the plugins that the run names.
func newParts(run *config.Run) (*parts, error) {
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return nil, err
	}
	b := run.Benchmark
	makeEndpoint, err := plugins.Constructor[endpoints.Constructor](registry, "endpoint", b.Endpoint.Type)
	if err != nil {
		return nil, err
	}
	if len(b.Models.Names) == 0 {
		return nil, fmt.Errorf("process records: the run names no model")
	}
	p := &parts{}
	p.endpoint, err = makeEndpoint(endpoints.Config{
		Endpoint: b.Endpoint, Model: b.Models.Names[0], ForceContentParts: run.Environment.HTTP.ForceContentParts,
	})
	if err != nil {
		return nil, fmt.Errorf("make endpoint %s: %w", b.Endpoint.Type, err)
	}
	if !countsHere(b.Endpoint) {
		return p, nil
	}
	makeTokenizer, err := plugins.Constructor[tokenizers.Constructor](registry, "tokenizer", b.Tokenizer.Name)
	if err != nil {
		return nil, err
	}
	if p.tokenizer, err = makeTokenizer(tokenizers.Chosen(b.Tokenizer)); err != nil {
		return nil, fmt.Errorf("load tokenizer: %w", err)
	}
	if b.Tokenizer.ApplyChatTemplate {
		p.chat, _ = p.tokenizer.(tokenizers.Chat)
	}
	return p, nil
}

// countsHere tells whether the tokenizer counts: not with the server's counts, and
// not where no text is.
func countsHere(e config.Endpoint) bool {
	return !e.UseServerTokenCount && (e.Capabilities.TokenizesInput || e.Capabilities.ProducesTokens)
}

// engine puts the parts together.
func (p *parts) engine(id string, store *dataset.Store, run *config.Run, warn func(string)) *engine {
	e := run.Benchmark.Endpoint
	set := metrics.NewSet(config.MetricOptions(run))
	set.OnFailure(func(tag string) {
		warn("metric " + tag + " cannot be computed for some records: their stamps are out of order")
	})
	return newEngine(settings{
		id:          id,
		countInput:  countsHere(e) && e.Capabilities.TokenizesInput,
		countOutput: countsHere(e) && e.Capabilities.ProducesTokens,
		// Also for endpoints without text: their servers report usage too.
		serverCounts: e.UseServerTokenCount,
		streaming:    endpoints.Streams(e),
		traces:       run.Benchmark.Artifacts.Trace && run.Benchmark.Artifacts.Records,
	}, deps{
		endpoint: p.endpoint, counter: p.tokenizer, chat: p.chat, metrics: set, bodies: store, redact: run.Redactor().Text, warn: warn,
	})
}
