package preflight

import (
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins"
	"aiperf/plugins/endpoints"
)

// conversations asks the endpoint for a second turn's body when conversations may have
// one: a dialect without history would fail every request but each session's first.
// An endpoint that does not exist is not reported here.
func conversations(run *config.Run, registry *plugins.Registry) *config.Problem {
	b := run.Benchmark
	ofFile := b.Dataset.Type == config.TypeFile
	if ofFile && b.Dataset.File.Isolated || b.Dataset.Turns.Expected() <= 1 && b.Dataset.Turns.Stddev <= 0 && !ofFile {
		return nil
	}
	newEndpoint, err := plugins.Constructor[endpoints.Constructor](registry, "endpoint", b.Endpoint.Type)
	if err != nil {
		return nil
	}
	dialect, err := newEndpoint(endpoints.Config{Endpoint: b.Endpoint, Model: "model", ForceContentParts: run.Environment.HTTP.ForceContentParts})
	if err == nil {
		turn := dataset.Turn{Texts: []dataset.Media{{Contents: []string{"text"}}}}
		_, err = dialect.AppendBody(nil, &endpoints.Request{Turns: []dataset.Turn{turn, turn}})
	}
	if err == nil {
		return nil
	}
	where, hint := "--conversation-turn-mean", "leave out the --conversation-turn flags"
	if ofFile {
		where, hint = "--input-file", "its conversations have several turns; use an endpoint type that carries a history, such as chat"
	}
	return &config.Problem{
		Where: where, Reason: messages.AsErrorDetails("ValueError", err).Message,
		Hint: hint,
	}
}
