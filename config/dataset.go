package config

import "aiperf/dataset"

// Dataset is the one dataset of a run. A distribution that is not set, or whose expected
// value is 0, turns off what it is for.
type Dataset struct {
	Name       string  `json:"name"`
	Type       string  `json:"type"` // synthetic, synthetic_rankings, file
	Entries    int     `json:"entries"`
	RandomSeed *uint64 `json:"random_seed,omitempty"`
	Sampling   string  `json:"sampling"` // sequential, random, shuffle

	// Of a file: where it lies, absolute, and what is known of it.
	Path   string       `json:"path,omitempty"`
	Format string       `json:"format,omitempty"` // entry of the category custom_dataset_loader
	File   DatasetFacts `json:"file,omitzero"`
	Limit  int          `json:"limit,omitempty"` // conversations that are used at most; 0 = all
	// StartOffsetMS and EndOffsetMS leave out rows with a timestamp before and after them.
	StartOffsetMS *float64 `json:"start_offset,omitempty"`
	EndOffsetMS   *float64 `json:"end_offset,omitempty"`

	Prompts       Prompts       `json:"prompts"`
	PrefixPrompts PrefixPrompts `json:"prefix_prompts,omitzero"`
	// SystemPrompt is a verbatim text in front of every conversation; SystemPromptFile is
	// where it was read from, "" when it was given as text.
	SystemPrompt     string `json:"system_prompt,omitempty"`
	SystemPromptFile string `json:"system_prompt_file,omitempty"`

	Turns          dataset.Distribution `json:"turns"`               // requests per conversation
	TurnDelayMS    dataset.Distribution `json:"turn_delay,omitzero"` // before every turn but the first
	TurnDelayRatio float64              `json:"turn_delay_ratio"`

	Images   Images   `json:"images,omitzero"`
	Audio    Audio    `json:"audio,omitzero"`
	Rankings Rankings `json:"rankings,omitzero"`
}

// Corpora that prompts are made from.
const (
	CorpusSonnet = "sonnet"
	CorpusCoding = "coding"
	CorpusRandom = "random"
)

// Prompts are the texts of a turn. Lengths are in tokens.
type Prompts struct {
	ISL dataset.Distribution `json:"isl,omitzero"`
	OSL dataset.Distribution `json:"osl,omitzero"` // not set: the model decides
	// SequenceDistribution, when there is any, gives both lengths of every turn.
	SequenceDistribution []dataset.LengthPair `json:"sequence_distribution,omitempty"`
	// RangeRatio spreads the fixed ISL and OSL evenly.
	RangeRatio  *dataset.RangeRatio `json:"random_range_ratio,omitempty"`
	CorpusStyle string              `json:"random_corpus_style,omitempty"` // vllm, sglang
	Corpus      string              `json:"corpus"`
	BatchSize   int                 `json:"batch_size"`           // texts of one turn
	BlockSize   int                 `json:"block_size,omitempty"` // tokens of a hash id; 0 = the format's own
}

// HaveText says that turns have a text.
func (p *Prompts) HaveText() bool { return p.ISL.Enabled() || len(p.SequenceDistribution) > 0 }

// PrefixPrompts are synthetic texts in front of prompts; lengths are in tokens, 0 is off.
type PrefixPrompts struct {
	PoolSize           int `json:"pool_size,omitempty"`
	Length             int `json:"length,omitempty"` // of each prefix of the pool
	SharedSystemLength int `json:"shared_system_length,omitempty"`
	UserContextLength  int `json:"user_context_length,omitempty"` // one context per conversation
}

// Any says that there are synthetic prefixes to make.
func (p PrefixPrompts) Any() bool { return p != PrefixPrompts{} }

// Where images come from, and their formats.
const (
	ImageNoise  = "noise" // any other source is a directory
	FormatPNG   = "png"
	FormatJPEG  = "jpeg"
	FormatRand  = "random"
	FormatWAV   = "wav"
	SampleDraw  = "random-with-replacement"
	SampleDeck  = "shuffle-cycle"
	SampleCycle = "sequential-cycle"
)

// Images are the pictures of a turn.
type Images struct {
	BatchSize      int                  `json:"batch_size"` // 0 = none
	Width          dataset.Distribution `json:"width"`      // pixels
	Height         dataset.Distribution `json:"height"`
	Format         string               `json:"format"` // png, jpeg, random
	Source         string               `json:"source"` // noise, or a directory
	SourceSampling string               `json:"source_sampling"`
}

// Enabled says that turns have pictures.
func (i *Images) Enabled() bool { return i.BatchSize > 0 && i.Width.Enabled() && i.Height.Enabled() }

// Audio is the sound of a turn.
type Audio struct {
	BatchSize      int                  `json:"batch_size"` // 0 = none
	LengthSec      dataset.Distribution `json:"length"`
	Format         string               `json:"format"` // wav
	Depths         []int                `json:"depths,omitempty"`
	SampleRatesKHz []float64            `json:"sample_rates,omitempty"`
	Channels       int                  `json:"channels"`
}

// Enabled says that turns have sound.
func (a *Audio) Enabled() bool { return a.BatchSize > 0 && a.LengthSec.Enabled() }

// Rankings are the queries and passages of ranking endpoints.
type Rankings struct {
	Passages      dataset.Distribution `json:"passages"` // per query
	PassageTokens dataset.Distribution `json:"passage_tokens"`
	QueryTokens   dataset.Distribution `json:"query_tokens"`
}
