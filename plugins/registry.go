package plugins

import (
	"fmt"
	"sort"
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

var builtin = sync.OnceValue(func() *Registry { return newRegistry(builtinManifest) })
