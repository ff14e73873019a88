package config

import (
	"slices"
	"strings"

	"aiperf/dataset"
)

// TypeFile is the type of a dataset that is read from a file.
const TypeFile = "file"

// DatasetAsk is a dataset file that is to be looked at.
type DatasetAsk struct {
	Dataset Dataset
	Models  Models
	// SystemMessages: the endpoint carries a system message apart from the turns.
	SystemMessages bool
}

// DatasetFacts are what a run plans by.
type DatasetFacts struct {
	Format        string   `json:"format,omitempty"`
	Rows          int      `json:"rows,omitempty"`          // that are used
	Conversations int      `json:"conversations,omitempty"` // that can be sampled
	Turns         int      `json:"turns,omitempty"`
	FirstTimed    bool     `json:"first_timed,omitempty"` // the first record says when it goes
	Synthesised   bool     `json:"synthesised,omitempty"` // some texts are given by their length
	Whole         bool     `json:"whole,omitempty"`       // bodies are sent as they are
	Isolated      bool     `json:"isolated,omitempty"`    // no request depends on an answer
	Trace         bool     `json:"trace,omitempty"`       // a record of what others sent
	Folder        bool     `json:"folder,omitempty"`
	Warnings      []string `json:"-"`
}

// syntheticTargets are what flags set that shape synthetic datasets: they have no effect on
// those of files.
var syntheticTargets = []string{
	"prompts.isl", "prompts.sequence_distribution", "prompts.random_range_ratio", "prompts.random_corpus_style", "prompts.batch_size",
	"prefix_prompts", "turns", "turn_delay", "images", "audio", "rankings",
}

// syntheticFlags lists the flags of synthetic datasets that were given, as typed.
func (f *Flags) syntheticFlags() (offenders []string) {
	for _, flag := range Table() {
		field, ok := strings.CutPrefix(flag.Target, "datasets.main.")
		as, given := "", false
		if len(flag.Names) > 0 {
			as, given = f.typed[flag.Names[0]]
		}
		if ok && given && slices.ContainsFunc(syntheticTargets, func(t string) bool { return strings.HasPrefix(field, t) }) {
			offenders = append(offenders, as)
		}
	}
	return offenders
}

// file resolves a dataset of a file; all of it is checked before anything starts.
func (l *loader) file() {
	f, d, e := l.f, &l.run.Benchmark.Dataset, &l.run.Benchmark.Endpoint
	if offenders := f.syntheticFlags(); len(offenders) > 0 {
		l.problems.add(strings.Join(offenders, ", "), "cannot be used together with "+f.InputFile.As+", whose requests are what the file says", "", "leave them out")
	}
	d.Type, d.Path, d.Turns = TypeFile, l.absolute(f.InputFile.Value), dataset.Fixed(1)
	d.Format = f.CustomDatasetType.Value
	d.Prompts = Prompts{Corpus: f.Corpus.Or(CorpusSonnet), CorpusStyle: dataset.StyleVLLM, BatchSize: 1, BlockSize: f.BlockSize.Value}
	if f.OSL.Value > 0 {
		d.Prompts.OSL = dataset.Normal(float64(f.OSL.Value), f.OSLStddev.Value)
	}
	d.Prompts.OSL = f.shape("prompts.osl", d.Prompts.OSL)
	d.Limit = f.DatasetEntries.Value // d.Entries has what pools are drawn from so many times
	d.StartOffsetMS, d.EndOffsetMS = f.ScheduleStartMS.pointer(), f.ScheduleEndMS.pointer()
	l.prefixes()
	l.textRules()
	if f.givenBadly("input-file", "custom-dataset-type") || l.host.InspectDataset == nil {
		return
	}
	facts, err := l.host.InspectDataset(DatasetAsk{Dataset: *d, Models: l.run.Benchmark.Models, SystemMessages: e.Capabilities.ConsumesSystemMessage})
	if err != nil {
		l.problems = append(l.problems, Problem{Where: f.InputFile.As, Reason: err.Error()})
		l.fileFaulty = true
		return
	}
	d.File, d.Format, d.Entries = facts, facts.Format, facts.Conversations
	for _, w := range facts.Warnings {
		l.warn(w)
	}
	if f.BlockSize.Set && !facts.Synthesised {
		l.problems.add(f.BlockSize.As, "has no effect: no prompt of the file is made of blocks", "", "leave it out")
	}
	if d.SystemPrompt != "" && facts.Whole {
		l.problems.add(as(f.SystemPrompt, "--system-prompt-file"), "has no effect on bodies that are sent as they are", "", "leave it out")
	}
}

// scheduled tells whether the profiling phase replays the times of a file: because it was
// asked for, or because the file is a trace.
func (l *loader) scheduled() bool {
	f, d := l.f, &l.run.Benchmark.Dataset
	if f.FixedSchedule.Value {
		if d.Type != TypeFile && !f.givenBadly("input-file") {
			l.problems.add(f.FixedSchedule.As, "needs a dataset with timestamps", "", "add --input-file with a trace, or leave it out")
		}
		if d.Type == TypeFile && !l.fileFaulty && !d.File.FirstTimed {
			l.problems.add(f.FixedSchedule.As, "needs a dataset with timestamps; the first record of "+f.InputFile.Value+" has none", "", "leave it out, or name a trace")
		}
		return true
	}
	return d.Type == TypeFile && d.File.Trace && d.File.FirstTimed && !d.File.Folder && !f.NoFixedSchedule.Value
}

// fixedSchedule makes the profiling phase one that replays a trace.
func (l *loader) fixedSchedule(p *Phase) {
	f, d := l.f, &l.run.Benchmark.Dataset
	p.Type = TypeFixedSchedule
	p.StartOffsetMS, p.EndOffsetMS = f.ScheduleStartMS.pointer(), f.ScheduleEndMS.pointer()
	p.AutoOffset = f.ScheduleAutoOffset.Or(!f.ScheduleStartMS.Set)
	p.Speedup = f.SpeedupRatio.Or(1)
	why := "cannot be used together with a fixed schedule, whose times are those of the file"
	hint := "leave it out, or add --no-fixed-schedule"
	for _, o := range []struct {
		set bool
		as  string
	}{
		{f.RequestRate.Set, f.RequestRate.As}, {f.UserCentricRate.Set, f.UserCentricRate.As}, {f.Users.Set, f.Users.As},
		{f.ArrivalPattern.Set, f.ArrivalPattern.As}, {f.ArrivalSmoothness.Set, f.ArrivalSmoothness.As}, {f.RateRampSec.Set, f.RateRampSec.As},
	} {
		if o.set {
			l.problems.add(o.as, why, "", hint)
		}
	}
	if f.Sampling.Set && f.Sampling.Value != "sequential" {
		l.problems.add(f.Sampling.As, "has no effect: the order is that of the schedule", f.Sampling.Value, "leave it out")
	}
	if f.ScheduleAutoOffset.Value && f.ScheduleStartMS.Set {
		l.problems.add(f.ScheduleAutoOffset.As, "cannot be used together with "+f.ScheduleStartMS.As, "", "leave out one of the two")
	}
	if f.ScheduleStartMS.Set && f.ScheduleEndMS.Set && f.ScheduleEndMS.Value < f.ScheduleStartMS.Value {
		l.problems.add(f.ScheduleEndMS.As, "lies before "+f.ScheduleStartMS.As, "", "give an end that is not before the start")
	}
	p.RatePerSec, p.Users, p.Smoothness = nil, nil, nil
	if p.Requests == nil && p.Sessions == nil && p.DurationSec == nil && d.File.Turns > 0 {
		n := d.File.Turns
		p.Requests = &n
	}
	if !f.FixedSchedule.Value {
		l.warn("dataset " + d.Format + " is a trace with times: they are replayed; --no-fixed-schedule sends it by concurrency or rate instead")
	}
}

// scheduleRules refuse flags of a schedule where there is none.
func (l *loader) scheduleRules(scheduled bool) {
	f := l.f
	if f.FixedSchedule.Value && f.NoFixedSchedule.Value {
		l.problems.add(f.NoFixedSchedule.As, "cannot be used together with "+f.FixedSchedule.As, "", "leave out one of the two")
	}
	if f.CustomDatasetType.Set && !f.InputFile.Set && !f.givenBadly("input-file") {
		l.problems.add(f.CustomDatasetType.As, "has no effect without a file", f.CustomDatasetType.Value, "add --input-file, or leave it out")
	}
	if f.BlockSize.Set && !f.InputFile.Set && !f.givenBadly("input-file") {
		l.problems.add(f.BlockSize.As, "has no effect without a trace", "", "add --input-file, or leave it out")
	}
	if scheduled || l.fileFaulty {
		return
	}
	for _, o := range []struct {
		set bool
		as  string
	}{
		{f.ScheduleAutoOffset.Set, f.ScheduleAutoOffset.As}, {f.ScheduleStartMS.Set, f.ScheduleStartMS.As},
		{f.ScheduleEndMS.Set, f.ScheduleEndMS.As}, {f.SpeedupRatio.Set, f.SpeedupRatio.As},
	} {
		if o.set {
			l.problems.add(o.as, "has no effect without a fixed schedule", "", "add --fixed-schedule, or leave it out")
		}
	}
}
