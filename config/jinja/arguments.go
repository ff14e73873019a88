package jinja

import "slices"

// read lays the arguments of a call into params, by position and by name; what is not
// given stays as it is there.
func (e *evaluator) read(what string, a values, names []string, params ...*any) {
	if len(a.list) > len(params) {
		e.fail("%s takes %d argument(s) at most, got %d", what, len(params), len(a.list))
	}
	for i, v := range a.list {
		*params[i] = v
	}
	for i, name := range a.names {
		at := slices.Index(names, name)
		if at < 0 {
			e.fail("%s takes no argument %q", what, name)
		}
		*params[at] = a.named[i]
	}
}

// absent marks an argument that must be given.
type absent struct{}

// argument reads the only argument.
func (e *evaluator) argument(what string, a values, otherwise any) any {
	v := otherwise
	e.read(what, a, []string{""}, &v)
	if _, ok := v.(absent); ok {
		e.fail("%s wants an argument", what)
	}
	return v
}

func (e *evaluator) wantText(what string, v any) string {
	s, ok := v.(string)
	if !ok {
		e.mixture(what, v)
	}
	return s
}

func (e *evaluator) wantInt(what string, v any) int64 {
	_, i, whole, ok := number(v)
	if !ok || !whole {
		e.mixture(what, v)
	}
	return i
}
