package main

import (
	"aiperf/config"
	"aiperf/plugins"
	"aiperf/plugins/loaders"
)

// inspectDataset checks every row of a dataset file, so that a mistake is told before
// anything starts, and says what a run plans by.
func inspectDataset(ask config.DatasetAsk) (config.DatasetFacts, error) {
	d := ask.Dataset
	set, src, err := loaders.Load(plugins.Builtin(), d.Path, d.Format, loaders.Config{
		Dataset: d, Models: ask.Models, SystemMessages: ask.SystemMessages, BlockSize: d.Prompts.BlockSize,
	})
	if err != nil {
		return config.DatasetFacts{}, err
	}
	defer src.Close()
	f := set.Facts()
	return config.DatasetFacts{
		Format: f.Type, Rows: f.Rows, Conversations: f.Conversations, Turns: f.Turns, FirstTimed: f.FirstTimed, Synthesised: f.Synthesised,
		Whole: f.Whole, Isolated: f.Isolated, Trace: f.Trace, Folder: src.Folder, Warnings: f.Warnings,
	}, nil
}
