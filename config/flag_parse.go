package config

import (
	"fmt"
	"regexp"
	"strings"
)

// ParseFlags reads the words behind `aiperf profile`. All problems are found at once;
// cross-field rules come later, in Load.
//
// The grammar is that of AIPerf's command line, which is why it is not left to a
// flag library: list flags take all words up to the next flag, short flags cluster,
// -vv is one flag, underscores may stand for dashes, and a scalar given twice is an
// error that names both values.
func ParseFlags(args []string) (*Flags, Problems) {
	p := newFlagParser()
	p.run(args)
	p.reportUnknown()
	return p.flags, p.problems
}

func newFlagParser() *flagParser {
	return &flagParser{index: flagIndex(), flags: &Flags{}, given: map[*Flag]occurrence{}}
}

// occurrence is a flag with its words, as typed.
type occurrence struct {
	as    string
	words []string
}

type flagParser struct {
	index    index
	flags    *Flags
	problems Problems
	given    map[*Flag]occurrence
	unknown  []string
	later    map[string]bool // refused flags that were reported
}

// index finds flags by spelling.
type index struct {
	long  map[string]*Flag
	short map[string]*Flag
}

func flagIndex() index {
	ix := index{long: map[string]*Flag{}, short: map[string]*Flag{}}
	for _, f := range Table() {
		for _, n := range f.Names {
			ix.long[n] = f
		}
		if f.Short != "" {
			ix.short[f.Short] = f
		}
	}
	return ix
}

var numberWord = regexp.MustCompile(`^-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$`)

// isFlag tells a flag from a value: it begins with a dash and is no number.
func isFlag(word string) bool {
	return len(word) > 1 && word[0] == '-' && !numberWord.MatchString(word)
}

func (p *flagParser) run(args []string) {
	for i := 0; i < len(args); {
		word := args[i]
		switch {
		case word == "--":
			p.problems.add("--", "arguments are not passed through", "", "leave it out")
			i++
		case word == "-vv":
			i += p.take(p.index.short["vv"], word, "", false, args[i+1:])
		case strings.HasPrefix(word, "--"):
			i += p.long(word, args[i+1:])
		case isFlag(word):
			i += p.cluster(word, args[i+1:])
		default:
			p.problems.add("profile", "takes no arguments without a flag", word, "put the flag that it belongs to in front of it")
			i++
		}
	}
}

// long deals with --name, --name=value. It returns how many words it used.
func (p *flagParser) long(word string, rest []string) int {
	as, inline, has := strings.Cut(word, "=")
	name := normalName(as[2:])
	if f := p.index.long[name]; f != nil {
		return p.take(f, as, inline, has, rest)
	}
	return p.refuse(name, as, rest)
}

// cluster deals with -f, -fvalue, -f=value and -vf value.
func (p *flagParser) cluster(word string, rest []string) int {
	letters := word[1:]
	for k := 0; k < len(letters); k++ {
		as := "-" + letters[k:k+1]
		f := p.index.short[letters[k:k+1]]
		if f == nil {
			if name := letters[k : k+1]; laterFlags()[name] != nil {
				return p.refuse(name, as, rest)
			}
			p.unknown = append(p.unknown, word)
			return 1 + values(rest)
		}
		tail := letters[k+1:]
		switch {
		case f.Value.arity == takesNone && !strings.HasPrefix(tail, "="):
			p.set(f, as, nil)
		case tail == "":
			return p.take(f, as, "", false, rest)
		default:
			return p.take(f, as, strings.TrimPrefix(tail, "="), true, rest)
		}
	}
	return 1
}

// refuse reports a flag of a later version, or keeps an unknown one for the report.
// The words behind it are passed over: they would be the flag's.
func (p *flagParser) refuse(name, as string, rest []string) int {
	feature := laterFlags()[name]
	if feature == nil {
		p.unknown = append(p.unknown, as)
		return 1 + values(rest)
	}
	if p.later == nil {
		p.later = map[string]bool{}
	}
	if !p.later[as] {
		hint := feature.hint
		if hint == "" {
			hint = "leave it out"
		}
		p.problems.add(as, "not supported by this version ("+feature.name+")", "", hint)
		p.later[as] = true
	}
	return 1 + values(rest)
}

// values counts the words up to the next flag.
func values(rest []string) int {
	n := 0
	for n < len(rest) && !isFlag(rest[n]) {
		n++
	}
	return n
}

// take gives a flag its words and returns how many words of the line it used, its
// own included.
func (p *flagParser) take(f *Flag, as, inline string, has bool, rest []string) int {
	var words []string
	used := 0
	if has {
		words = append(words, inline)
	}
	switch f.Value.arity {
	case takesOne, takesEach:
		if !has && len(rest) > 0 && !isFlag(rest[0]) {
			words, used = append(words, rest[0]), 1
		}
		if len(words) == 0 {
			p.problems.add(as, "needs a value", "", "write "+as+" "+f.Value.Metavar)
			p.spoil(f)
			return 1
		}
	case takesWords:
		used = values(rest)
		words = append(words, rest[:used]...)
	case takesHelp:
		if !has && len(rest) > 0 && !isFlag(rest[0]) {
			words, used = append(words, rest[0]), 1
		}
	}
	p.set(f, as, words)
	return 1 + used
}

// set parses the words into the record.
func (p *flagParser) set(f *Flag, as string, words []string) {
	before, again := p.given[f]
	// Of two values the second may be wrong in itself: that is the better message.
	if again && f.Value.arity == takesOne && len(f.Value.parse(&Flags{}, as, words)) == 0 {
		p.problems.add(as, "given twice", f.Value.Redact(before.words[0])+" with "+before.as+", "+f.Value.Redact(words[0])+" with "+as, "give it once")
		return
	}
	p.given[f] = occurrence{as, words}
	if len(f.Names) > 0 {
		if p.flags.typed == nil {
			p.flags.typed = map[string]string{}
		}
		p.flags.typed[f.Names[0]] = as
	}
	for _, x := range f.Value.parse(p.flags, as, words) {
		p.problems.add(as, x.reason, x.shown(f, words), x.hint)
		p.spoil(f)
	}
}

// spoil remembers that a flag has a problem.
func (p *flagParser) spoil(f *Flag) {
	if p.flags.faulty == nil {
		p.flags.faulty = map[string]bool{}
	}
	for _, n := range f.Names {
		p.flags.faulty[n] = true
	}
}

// shown is the value as a message may repeat it.
func (x fault) shown(f *Flag, words []string) string {
	if x.got == "" || f.Value.redact == nil {
		return x.got
	}
	if len(words) == 1 && words[0] == x.got {
		return f.Value.redact(x.got)
	}
	return x.got // the parser of the value took the secrets out
}

// reportUnknown adds one problem for each unknown flag, with the names it may be
// meant for.
func (p *flagParser) reportUnknown() {
	for _, as := range p.unknown {
		name, _, _ := strings.Cut(as, "=")
		hint := "`aiperf profile --help-all` lists all flags"
		if near := suggest(strings.TrimLeft(name, "-")); len(near) > 0 {
			hint = fmt.Sprintf("did you mean %s?", strings.Join(near, " or "))
		}
		p.problems.add(name, "unknown flag", "", hint)
	}
}
