package plugins

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
)

// constructors holds what implementations registered under their class names. It
// is filled by init functions and read-only once main runs.
var constructors = map[key]any{}

type key struct{ category, class string }

// Register makes a constructor known under the class name that the manifest uses.
// It is called from the init of the implementation's file. The constructor's type
// is fixed by the category's package. A second registration of one class is a
// programmer's mistake and panics.
func Register(category, class string, constructor any) {
	k := key{category, class}
	if _, taken := constructors[k]; taken {
		panic(fmt.Sprintf("plugin class %s of category %s is registered twice", class, category))
	}
	constructors[k] = constructor
}

// Registered lists the class names registered for a category, sorted.
func Registered(category string) []string {
	var classes []string
	for k := range constructors {
		if k.category == category {
			classes = append(classes, k.class)
		}
	}
	sort.Strings(classes)
	return classes
}

// Constructor returns the constructor of the entry called name (or of the full
// class path), as type T. Nothing of the plugin runs here.
func Constructor[T any](r *Registry, category, name string) (T, error) {
	var none T
	entry, err := r.Find(category, name)
	if err != nil {
		return none, err
	}
	c, ok := constructors[key{category, entry.Class}]
	if !ok {
		return none, fmt.Errorf("%s:%s: class %s is not part of this program", category, entry.Name, entry.Class)
	}
	typed, ok := c.(T)
	if !ok {
		return none, fmt.Errorf("%s:%s: class %s has constructor type %T, want %T", category, entry.Name, entry.Class, c, none)
	}
	return typed, nil
}

// Registry is the merged view of all manifests. It is read-only after Load and safe
// for concurrent use.
type Registry struct {
	categories []Category
	byCategory map[string][]Entry // every entry, winners first per name
	packages   []Package
}

// Package is one manifest with its number of entries.
type Package struct {
	Name, Version, Description string
	Entries                    int
	Builtin                    bool
}

// Builtin is the registry of the program's own manifest.
var Builtin = sync.OnceValue(func() *Registry {
	r, _ := merge([]*Manifest{builtinManifest()})
	return r
})

// Load merges user manifests over the built-in one. Warnings name what was
// shadowed without a priority deciding it.
func Load(paths []string) (*Registry, []string, error) {
	if len(paths) == 0 {
		return Builtin(), nil, nil
	}
	own := builtinManifest()
	known := map[string]Category{}
	for _, c := range own.Categories {
		known[c.Name] = c
	}
	manifests := []*Manifest{own}
	var warnings []string
	var errs []error
	for _, path := range paths {
		m, w, err := ReadManifest(path, known)
		warnings = append(warnings, w...)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		manifests = append(manifests, m)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, warnings, err
	}
	r, w := merge(manifests)
	return r, append(warnings, w...), nil
}

// merge decides conflicts on (category, name): higher priority, then external over
// built-in, then first come, with a warning.
func merge(manifests []*Manifest) (*Registry, []string) {
	r := &Registry{categories: manifests[0].Categories, byCategory: map[string][]Entry{}}
	var warnings []string
	for i, m := range manifests {
		r.packages = append(r.packages, Package{Name: m.Package, Version: m.Version, Description: m.Description, Entries: len(m.Entries), Builtin: i == 0})
		for _, e := range m.Entries {
			e.Builtin = i == 0
			list := r.byCategory[e.Category]
			at := len(list)
			for k, other := range list {
				if Normal(other.Name) != Normal(e.Name) {
					continue
				}
				if e.Priority > other.Priority || e.Priority == other.Priority && other.Builtin && !e.Builtin {
					at = k
				} else if e.Priority == other.Priority && other.Builtin == e.Builtin {
					warnings = append(warnings, fmt.Sprintf("%s:%d: %s:%s is already registered by %s; the first one is used", e.File, e.Line, e.Category, e.Name, other.Package))
				}
				break
			}
			list = append(list, Entry{})
			copy(list[at+1:], list[at:])
			list[at] = e
			r.byCategory[e.Category] = list
		}
	}
	return r, warnings
}

// Find returns the entry that a name (or a full class path) leads to. The error
// lists what there is.
func (r *Registry) Find(category, name string) (Entry, error) {
	list, known := r.byCategory[category]
	if !known && !r.has(category) {
		return Entry{}, fmt.Errorf("unknown plugin category '%s'; there are: %s", category, strings.Join(r.CategoryNames(), ", "))
	}
	for _, e := range list {
		if Normal(e.Name) == Normal(name) {
			return e, nil
		}
	}
	for _, e := range list {
		if e.Class == name {
			return e, nil
		}
	}
	return Entry{}, fmt.Errorf("Type '%s' not found for category '%s'. Available: %s", name, category, strings.Join(r.Names(category), ", "))
}

// Has tells whether a category has an entry of a name.
func (r *Registry) Has(category, name string) bool {
	for _, e := range r.byCategory[category] {
		if Normal(e.Name) == Normal(name) {
			return true
		}
	}
	return false
}

func (r *Registry) has(category string) bool {
	for _, c := range r.categories {
		if c.Name == category {
			return true
		}
	}
	return false
}

// Names lists the names of a category, sorted, each once.
func (r *Registry) Names(category string) []string {
	seen := map[string]bool{}
	var names []string
	for _, e := range r.byCategory[category] {
		if !seen[Normal(e.Name)] {
			seen[Normal(e.Name)] = true
			names = append(names, e.Name)
		}
	}
	sort.Strings(names)
	return names
}

// Entries lists the entries of a category in manifest order, winners only.
func (r *Registry) Entries(category string) []Entry {
	seen := map[string]bool{}
	var out []Entry
	for _, e := range r.byCategory[category] {
		if !seen[Normal(e.Name)] {
			seen[Normal(e.Name)] = true
			out = append(out, e)
		}
	}
	return out
}

// Categories lists the categories in manifest order.
func (r *Registry) Categories() []Category { return r.categories }

// CategoryNames lists the names of the categories that are shown to users, sorted.
func (r *Registry) CategoryNames() []string {
	var names []string
	for _, c := range r.categories {
		if !c.Internal {
			names = append(names, c.Name)
		}
	}
	sort.Strings(names)
	return names
}

// Packages lists the manifests.
func (r *Registry) Packages() []Package { return r.packages }

// Check is one line of a validation.
type Check struct {
	Subject string // category:name, or what was looked at
	Err     error  // nil = good
}

// Validate holds every entry against what is registered, and the other way round.
func Validate(r *Registry) []Check {
	var checks []Check
	used := map[key]bool{}
	for _, c := range r.categories {
		for _, e := range r.byCategory[c.Name] {
			check := Check{Subject: c.Name + ":" + e.Name}
			k := key{c.Name, e.Class}
			used[k] = true
			if _, ok := constructors[k]; !ok {
				check.Err = fmt.Errorf("%s:%d: class %s is not part of this program", e.File, e.Line, e.Class)
			}
			if err := checkMetadata(c.Name, e.Metadata); err != nil {
				check.Err = errors.Join(check.Err, fmt.Errorf("%s:%d: metadata: %w", e.File, e.Line, err))
			}
			checks = append(checks, check)
		}
	}
	var orphans []string
	for k := range constructors {
		if !used[k] {
			orphans = append(orphans, k.category+":"+k.class)
		}
	}
	sort.Strings(orphans)
	for _, o := range orphans {
		checks = append(checks, Check{Subject: o, Err: errors.New("the class is registered, but no manifest entry leads to it")})
	}
	return checks
}
