package config

import (
	"strings"

	"aiperf/plugins"
)

// Group is a section of the help text.
type Group string

// The groups, in the order of the help text.
const (
	GroupEndpoint     Group = "Endpoint"
	GroupInput        Group = "Input"
	GroupSchedule     Group = "Fixed Schedule"
	GroupOutput       Group = "Output"
	GroupTokenizer    Group = "Tokenizer"
	GroupLoad         Group = "Load Generator"
	GroupWarmup       Group = "Warmup"
	GroupConversation Group = "Conversation Input"
	GroupISL          Group = "Input Sequence Length (ISL)"
	GroupOSL          Group = "Output Sequence Length (OSL)"
	GroupPrompt       Group = "Prompt"
	GroupPrefix       Group = "Prefix Prompt"
	GroupImage        Group = "Image Input"
	GroupAudio        Group = "Audio Input"
	GroupRankings     Group = "Rankings"
	GroupService      Group = "Service"
	GroupMetrics      Group = "Server Metrics"
	GroupGPU          Group = "GPU Telemetry"
	GroupUI           Group = "UI"
	GroupWorkers      Group = "Workers"
	GroupZMQ          Group = "ZMQ Communication"
	GroupHelp         Group = "Help"
)

// Groups lists the groups in the order of the help text.
var Groups = []Group{
	GroupEndpoint, GroupInput, GroupOutput, GroupTokenizer, GroupLoad, GroupSchedule, GroupWarmup, GroupConversation, GroupISL, GroupOSL,
	GroupPrompt, GroupPrefix, GroupImage, GroupAudio, GroupRankings, GroupService, GroupMetrics, GroupGPU, GroupUI, GroupWorkers, GroupZMQ, GroupHelp,
}

// Flag is one row of the table: everything there is to know about a flag. Help,
// reference and parser are made from it.
type Flag struct {
	Names   []string // long names without dashes; messages and help use the first
	Short   string   // one letter, or "vv"
	Group   Group
	Common  bool   // shown by plain --help
	Default string // the effective default, as printed; "" = none
	Target  string // key of the configuration that it sets
	Help    string // one sentence
	Value   Value
}

// Name is the flag as help and messages write it.
func (f *Flag) Name() string {
	if len(f.Names) == 0 {
		return "-" + f.Short
	}
	return "--" + f.Names[0]
}

// arity is how many words a flag takes.
type arity uint8

const (
	takesNone arity = iota // a switch; --flag=true|false works
	takesOne
	takesEach  // one word per occurrence, occurrences add up
	takesWords // all words up to the next flag, possibly none; occurrences add up
	takesHelp  // a word that is no flag, if one follows
)

// Value is how the words behind a flag become a field of the record. The
// constructors (integer, decimal, choice …) fill it in.
type Value struct {
	Metavar string   // what help prints for the value; "" for a switch
	Range   string   // as printed; "" = no limits
	Choices []string // accepted names, fixed ones
	Later   []string // names that AIPerf accepts and this version does not
	// Category names the plugin category that the accepted names come from.
	Category string

	arity arity
	// redact is a word as it may be written down; nil: as it is.
	redact func(word string) string
	parse  func(f *Flags, as string, words []string) []fault
	// name is the field of a flag whose value is a plugin's name.
	name func(f *Flags) *Opt[string]
}

// fault is a problem of a value; the parser knows where it lies.
type fault struct{ reason, got, hint string }

// one is a list of a single fault.
func one(reason, got, hint string) []fault { return []fault{{reason, got, hint}} }

// Redact is a word of the flag as it may be written down.
func (v *Value) Redact(word string) string {
	if v.redact == nil {
		return word
	}
	return v.redact(word)
}

// Names lists what the flag accepts, from the registry when it is a plugin's name.
func (v *Value) Names(r *plugins.Registry) []string {
	if v.Category != "" && r != nil {
		return r.Names(v.Category)
	}
	return v.Choices
}

// normalName maps a long flag's spelling to the table's: underscores are dashes.
func normalName(name string) string { return strings.ReplaceAll(name, "_", "-") }
