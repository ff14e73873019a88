package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// listedPhase is one of several phases of a file. Its load stands in flags of its own, those
// of a profiling phase, whatever its kind; all others are as for the run.
type listedPhase struct {
	name, kind string
	seamless   bool
	flags      *Flags
}

// plainPhases tells whether the phases are those that flags can say: a profiling phase, and
// perhaps a warmup before it, so that flags may be given over them.
func plainPhases(list *yaml.Node, kinds []string) bool {
	if n := len(kinds); n > 2 || n == 2 && kinds[0] != KindWarmup || kinds[n-1] != KindProfiling {
		return false
	}
	for i, n := range list.Content {
		if field(n, "seamless") != nil {
			return false
		}
		t := field(n, "type")
		if kinds[i] == KindWarmup && (field(n, "smoothness") != nil || field(n, "rate_series") != nil || t != nil && slices.Contains([]string{TypeUserCentric, TypeFixedSchedule}, phaseType(t))) {
			return false
		}
	}
	return true
}

// listed reads phases of any number and order.
func (a *applier) listed(list *yaml.Node, kinds []string) {
	var profiling []string
	for i, n := range list.Content {
		if name := field(n, "name"); kinds[i] == KindProfiling && name != nil {
			profiling = append(profiling, name.Value)
		}
	}
	a.refuseTyped(profiling)
	for i, n := range list.Content {
		path := "benchmark.phases." + strconv.Itoa(i)
		p := listedPhase{kind: kinds[i]}
		if name := field(n, "name"); name != nil {
			p.name = name.Value
		}
		if s := field(n, "seamless"); s != nil {
			b, ok := yamlBool(s)
			switch {
			case !ok:
				a.bad(s, path+".seamless", "want true or false", s.Value, "")
			case b && i == 0:
				a.bad(s, path+".seamless", "there is no phase before it to go on from", "", "leave it out")
			}
			p.seamless = b
		}
		if p.kind == KindWarmup {
			a.refuseInWarmup(n, path, "cancellation", "failed_request_threshold")
		}
		own := &applier{document: a.document, p: a.parserOf(p.kind == KindProfiling && len(profiling) == 1)}
		own.phase(n, path, KindProfiling)
		if t := field(n, "type"); t != nil && phaseType(t) != TypeFixedSchedule {
			own.p.flags.NoFixedSchedule.Value = true // the file says what paces it
		}
		p.flags = own.p.flags
		a.p.problems = append(a.p.problems, own.p.problems...)
		a.p.flags.listed = append(a.p.flags.listed, p)
	}
}

// refuseTyped refuses flags of which it is not clear to what phase they belong.
func (a *applier) refuseTyped(profiling []string) {
	for _, f := range Table() {
		o, given := a.p.given[f]
		ofWarmup, ofProfiling := strings.HasPrefix(f.Target, "phases.warmup."), strings.HasPrefix(f.Target, "phases.profiling.")
		switch {
		case !given:
		case ofWarmup:
			a.p.problems.add(o.as, "cannot be given over the phases of a file that has more than a warmup and a profiling phase", "", "write it into the file")
		case ofProfiling && len(profiling) > 1:
			a.p.problems.add(o.as, "cannot be given over a file with several profiling phases ("+strings.Join(profiling, ", ")+")", "", "write it into the file")
		}
	}
}

// parserOf begins with the flags that were given already: those of a load only where they
// are meant for this phase.
func (a *applier) parserOf(withLoad bool) *flagParser {
	own := newFlagParser()
	for f, o := range a.p.given {
		if withLoad || !strings.HasPrefix(f.Target, "phases.") {
			own.set(f, o.as, o.words)
		}
	}
	own.problems = nil // they have been told
	f := own.flags
	f.faulty, f.shapes, f.datasetSeed, f.datasetName = maps.Clone(a.p.flags.faulty), a.p.flags.shapes, a.p.flags.datasetSeed, a.p.flags.datasetName
	return own
}

func (a *applier) refuseInWarmup(n *yaml.Node, path string, keys ...string) {
	for _, key := range keys {
		if v := field(n, key); v != nil {
			a.bad(keyOf(n, key), path+"."+key, "is not supported for a warmup", v.Value, "leave it out")
		}
	}
}

func phaseType(t *yaml.Node) string {
	return strings.ToLower(strings.ReplaceAll(t.Value, "-", "_"))
}

// reservedNames cannot be those of folders on every system.
var reservedNames = func() map[string]bool {
	names := map[string]bool{"con": true, "prn": true, "aux": true, "nul": true}
	for i := 1; i <= 9; i++ {
		names[fmt.Sprint("com", i)], names[fmt.Sprint("lpt", i)] = true, true
	}
	return names
}()

// phaseNames refuses names that two phases share, whatever their case, since each has a
// folder of that name.
func (a *applier) phaseNames(list *yaml.Node) {
	first := map[string]int{}
	for i, n := range list.Content {
		name := field(n, "name")
		if name == nil || name.Value == "" {
			continue
		}
		path, low := "benchmark.phases."+strconv.Itoa(i)+".name", strings.ToLower(name.Value)
		if k, taken := first[low]; taken {
			a.bad(name, path, fmt.Sprintf("is the name of phase %d too", k), name.Value, "give each phase its own, not only in upper and lower case")
			continue
		}
		first[low] = i
		if reservedNames[low] {
			a.bad(name, path, "is reserved by Windows", name.Value, "choose another; a folder will have this name")
		}
	}
}
