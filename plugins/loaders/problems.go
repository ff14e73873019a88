package loaders

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

// mostProblems bounds what is told of one file.
const mostProblems = 20

// Problem is something wrong in a file: `<file>:<line>: <path>: <reason>`.
type Problem struct {
	File   string
	Line   int    // from 1; 0: the file has no lines, or the whole of it is meant
	Path   string // dotted, inside the row; "" = the row itself
	Reason string
}

func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	return b.String() + ": " + p.Reason
}

// Problems are all that were found, up to a bound.
type Problems struct {
	List []Problem
	More int // that are not listed
}

func (p *Problems) Error() string {
	lines := make([]string, 0, len(p.List)+1)
	for _, one := range p.List {
		lines = append(lines, one.Error())
	}
	if p.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", p.More))
	}
	return strings.Join(lines, "\n")
}

// findings collect problems and remarks of rows that are read at the same time.
type findings struct {
	mu      sync.Mutex
	list    []Problem
	count   int
	ignored map[string]int // keys without a meaning
}

func (f *findings) add(p Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	f.list = append(f.list, p)
	if len(f.list) > 4*mostProblems { // the first ones of the file are told, whoever found them first
		f.sort()
		f.list = f.list[:mostProblems]
	}
}

func (f *findings) sort() {
	sort.SliceStable(f.list, func(i, j int) bool {
		a, b := f.list[i], f.list[j]
		if a.File != b.File {
			return a.File < b.File
		}
		return a.Line < b.Line
	})
}

func (f *findings) err() error {
	if f.count == 0 {
		return nil
	}
	f.sort()
	list := f.list[:min(len(f.list), mostProblems)]
	return &Problems{List: list, More: f.count - len(list)}
}

func (f *findings) merge(ignored map[string]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ignored == nil {
		f.ignored = map[string]int{}
	}
	for key, n := range ignored {
		f.ignored[key] += n
	}
}

// warnings tell of keys that were passed over.
func (f *findings) warnings(source string) []string {
	if len(f.ignored) == 0 {
		return nil
	}
	keys := make([]string, 0, len(f.ignored))
	for key := range f.ignored {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	more := ""
	if len(keys) > 10 {
		keys, more = keys[:10], " and others"
	}
	for i, key := range keys {
		keys[i] = fmt.Sprintf("%s (%d rows)", key, f.ignored[key])
	}
	return []string{source + ": keys without a meaning in this format are ignored: " + strings.Join(keys, ", ") + more}
}
