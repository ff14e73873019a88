package jinja

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// evaluator renders one template once. It panics with *Error.
type evaluator struct {
	o     *Options
	out   *strings.Builder
	scope *scope
	line  int
	steps int
	depth int
	total int // bytes made, written or not
}

// scope is a level of names.
type scope struct {
	vars  map[string]any
	outer *scope
}

func (s *scope) find(name string) (any, bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (e *evaluator) fail(format string, args ...any) {
	panic(&Error{Line: e.line, Reason: fmt.Sprintf(format, args...)})
}

// step counts work.
func (e *evaluator) step() {
	if e.steps--; e.steps < 0 {
		e.fail("takes more than %d steps", e.o.Steps)
	}
}

// made counts bytes of texts and items of lists.
func (e *evaluator) made(n int) {
	if e.total += n; e.total > e.o.Output || n < 0 {
		e.fail("makes more than %d bytes of text", e.o.Output)
	}
}

// weighed counts the work that a value makes when it is written or compared: one that
// holds another many times over is small to keep and endless to walk through.
func (e *evaluator) weighed(v any) any {
	e.step()
	switch v := v.(type) {
	case List:
		for _, item := range v {
			e.weighed(item)
		}
	case Tuple:
		for _, item := range v {
			e.weighed(item)
		}
	case *Dict:
		for _, item := range v.values {
			e.weighed(item)
		}
	}
	return v
}

func (e *evaluator) write(s string) {
	e.made(len(s))
	e.out.WriteString(s)
}

// signal is how a body ends.
type signal uint8

const (
	atEnd signal = iota
	atBreak
	atContinue
)

func (e *evaluator) run(body []stmt) signal {
	for _, s := range body {
		e.step()
		if sig := e.one(s); sig != atEnd {
			return sig
		}
	}
	return atEnd
}

func (e *evaluator) one(s stmt) signal {
	switch s := s.(type) {
	case textStmt:
		e.write(s.text)
	case printStmt:
		e.line = s.line
		v := e.eval(s.x)
		if u, ok := v.(undefined); ok && e.o.Strict {
			e.missing(u)
		}
		e.write(text(v))
	case ifStmt:
		for i, cond := range s.conds {
			if truth(e.eval(cond)) {
				return e.run(s.then[i])
			}
		}
		if len(s.then) > len(s.conds) {
			return e.run(s.then[len(s.conds)])
		}
	case forStmt:
		e.loop(&s)
	case setStmt:
		e.line = s.line
		e.assign(s.targets, e.eval(s.x))
	case setBlock:
		v := any(e.captured(s.body, map[string]any{}))
		e.line = s.line
		e.assign([]target{s.to}, e.through(s.filters, v))
	case macroStmt:
		e.scope.vars[s.name] = e.macro(&s, e.scope)
	case callBlock:
		e.line = s.line
		f := e.eval(s.call.f)
		args := e.arguments(&s.call.args)
		args.names, args.named = append(args.names, "caller"), append(args.named, e.macro(&s.macro, e.scope))
		e.write(text(e.call(f, args)))
	case filterBlock:
		v := any(e.captured(s.body, map[string]any{}))
		e.line = s.line
		e.write(text(e.through(s.filters, v)))
	case scopeStmt:
		if !s.scoped {
			return e.run(s.body)
		}
		vars := map[string]any{}
		for i, name := range s.names {
			vars[name] = e.eval(s.values[i])
		}
		return e.inside(vars, s.body)
	case breakStmt:
		return atBreak
	case continueStmt:
		return atContinue
	}
	return atEnd
}

// inside runs a body on a level of its own.
func (e *evaluator) inside(vars map[string]any, body []stmt) signal {
	outer := e.scope
	e.scope = &scope{vars, outer}
	sig := e.run(body)
	e.scope = outer
	return sig
}

// captured is what a body writes.
func (e *evaluator) captured(body []stmt, vars map[string]any) string {
	out := e.out
	e.out = &strings.Builder{}
	e.inside(vars, body)
	s := e.out.String()
	e.out = out
	return s
}

func (e *evaluator) through(filters []filter, v any) any {
	for _, f := range filters {
		v = e.apply(&f, v)
	}
	return v
}

func (e *evaluator) assign(targets []target, v any) {
	if len(targets) == 0 {
		return
	}
	if len(targets) == 1 {
		e.set(targets[0], v)
		return
	}
	list := e.list(v)
	if len(list) != len(targets) {
		e.fail("%d values for %d names", len(list), len(targets))
	}
	for i, t := range targets {
		e.set(t, list[i])
	}
}

func (e *evaluator) set(t target, v any) {
	if t.field == "" {
		e.scope.vars[t.name] = v
		return
	}
	to, _ := e.scope.find(t.name)
	n, ok := to.(*namespace)
	if !ok {
		e.fail("only the fields of a namespace can be set; %s is none", t.name)
	}
	n.vars.Set(t.field, v)
}

// loopState is what a loop tells its body.
type loopState struct {
	list  []any
	at    int
	depth int
	last  any // what changed() saw
	seen  bool
}

func (l *loopState) field(name string) (any, bool) {
	n, i := int64(len(l.list)), int64(l.at)
	switch name {
	case "index":
		return i + 1, true
	case "index0":
		return i, true
	case "revindex":
		return n - i, true
	case "revindex0":
		return n - i - 1, true
	case "first":
		return i == 0, true
	case "last":
		return i == n-1, true
	case "length":
		return n, true
	case "depth":
		return int64(l.depth), true
	case "depth0":
		return int64(l.depth - 1), true
	case "previtem":
		if i == 0 {
			return undefined{"there is no previous item"}, true
		}
		return l.list[i-1], true
	case "nextitem":
		if i == n-1 {
			return undefined{"there is no next item"}, true
		}
		return l.list[i+1], true
	case "cycle":
		return &function{"cycle", func(e *evaluator, a values) any {
			if len(a.list) == 0 {
				e.fail("cycle wants values")
			}
			return a.list[l.at%len(a.list)]
		}}, true
	case "changed":
		return &function{"changed", func(_ *evaluator, a values) any {
			now := Tuple(a.list)
			changed := !l.seen || !equal(l.last, now)
			l.last, l.seen = now, true
			return changed
		}}, true
	}
	return nil, false
}

func (e *evaluator) loop(s *forStmt) {
	e.line = s.line
	list := e.list(e.eval(s.over))
	outer := e.scope
	defer func() { e.scope = outer }()
	bind := func(vars map[string]any, v any) {
		if len(s.names) == 1 {
			vars[s.names[0]] = v
			return
		}
		parts := e.list(v)
		if len(parts) != len(s.names) {
			e.line = s.line
			e.fail("%d values for %d names", len(parts), len(s.names))
		}
		for i, name := range s.names {
			vars[name] = parts[i]
		}
	}
	if s.cond != nil {
		var kept []any
		for _, v := range list {
			e.step()
			vars := map[string]any{}
			bind(vars, v)
			e.scope = &scope{vars, outer}
			if truth(e.eval(s.cond)) {
				kept = append(kept, v)
			}
		}
		list, e.scope = kept, outer
	}
	l := &loopState{list: list, depth: 1}
	for i, v := range list {
		e.step()
		l.at = i
		vars := map[string]any{"loop": l}
		bind(vars, v)
		e.scope = &scope{vars, outer}
		if e.run(s.body) == atBreak {
			break
		}
	}
	e.scope = outer
	if len(list) == 0 {
		e.inside(map[string]any{}, s.otherwise)
	}
}

// macro makes a function of a body.
func (e *evaluator) macro(m *macroStmt, defined *scope) *function {
	return &function{m.name, func(e *evaluator, a values) any {
		if e.depth++; e.depth > mostNested {
			e.fail("macros call each other more than %d levels deep", mostNested)
		}
		if len(a.list) > len(m.params) {
			e.fail("macro %q takes not more than %d argument(s)", m.name, len(m.params))
		}
		outer, line, out := e.scope, e.line, e.out
		vars := map[string]any{}
		e.scope, e.out = &scope{vars, defined}, &strings.Builder{}
		given := map[string]any{}
		for i, name := range a.names {
			given[name] = a.named[i]
		}
		for i, name := range m.params {
			switch d := i - (len(m.params) - len(m.defaults)); {
			case i < len(a.list):
				vars[name] = a.list[i]
			case has(given, name):
				vars[name] = given[name]
			case d >= 0:
				vars[name] = e.eval(m.defaults[d])
			default:
				vars[name] = undefined{"parameter " + name + " was not provided"}
			}
			delete(given, name)
		}
		if caller, ok := given["caller"]; ok {
			vars["caller"] = caller
			delete(given, "caller")
		}
		if len(given) > 0 {
			e.fail("macro %q takes no argument %q", m.name, slices.Sorted(maps.Keys(given))[0])
		}
		e.run(m.body)
		s := e.out.String()
		e.scope, e.line, e.out = outer, line, out
		e.depth--
		return s
	}}
}

func has(m map[string]any, name string) bool { _, ok := m[name]; return ok }

func (e *evaluator) missing(u undefined) {
	reason := u.name
	if !strings.Contains(reason, " ") {
		reason = fmt.Sprintf("%q is undefined", u.name)
	}
	panic(&Error{Line: e.line, Reason: reason, Undefined: u.name})
}

// list is what a loop runs over.
func (e *evaluator) list(v any) []any {
	switch v := v.(type) {
	case List:
		return v
	case Tuple:
		return v
	case *Dict:
		return v.keys
	case string:
		e.made(len(v))
		l := make([]any, 0, len(v))
		for _, r := range v {
			l = append(l, string(r))
		}
		return l
	case undefined:
		if e.o.Strict {
			e.missing(v)
		}
		return nil
	}
	e.fail("a value of type %s has no items", typeName(v))
	return nil
}

func (e *evaluator) eval(x expr) any {
	switch x := x.(type) {
	case literal:
		return x.value
	case nameRef:
		return e.name(x.name)
	case listExpr:
		return e.weighed(List(e.all(x.items)))
	case tupExpr:
		return e.weighed(Tuple(e.all(x.items)))
	case dictExpr:
		d := NewDict()
		for i, k := range x.keys {
			key := e.eval(k)
			if !d.Set(key, e.eval(x.values[i])) {
				e.fail("a value of type %s cannot be a key", typeName(key))
			}
		}
		return e.weighed(d)
	case unary:
		e.line = x.line
		return e.unary(x)
	case binary:
		return e.binary(&x)
	case compareExpr:
		return e.compare(&x)
	case inline:
		if truth(e.eval(x.cond)) {
			return e.eval(x.then)
		}
		if x.otherwise == nil {
			return undefined{"the inline if has no else"}
		}
		return e.eval(x.otherwise)
	case attr:
		v := e.eval(x.x)
		e.line = x.line
		return e.attr(v, x.name)
	case index:
		v, key := e.eval(x.x), e.eval(x.key)
		e.line = x.line
		return e.index(v, key)
	case slice:
		return e.slice(&x)
	case call:
		f, args := e.eval(x.f), e.arguments(&x.args)
		e.line = x.line
		return e.call(f, args)
	case filter:
		v := e.eval(x.x)
		e.line = x.line
		return e.apply(&x, v)
	case test:
		v, args := e.eval(x.x), e.arguments(&x.args)
		e.line = x.line
		return testOf[x.name](e, v, args)
	}
	e.fail("%T is no expression", x)
	return nil
}

func (e *evaluator) name(name string) any {
	if v, ok := e.scope.find(name); ok {
		return v
	}
	if f := e.global(name); f != nil {
		return f
	}
	return undefined{name}
}

func (e *evaluator) all(list []expr) []any {
	out := make([]any, len(list))
	for i, x := range list {
		e.step()
		out[i] = e.eval(x)
	}
	return out
}

func (e *evaluator) arguments(a *arguments) values {
	return values{e.all(a.list), slices.Clone(a.names), e.all(a.named)}
}

func (e *evaluator) call(f any, a values) any {
	e.step()
	switch f := f.(type) {
	case *function:
		return f.call(e, a)
	case undefined:
		e.missing(f)
	}
	e.fail("a value of type %s cannot be called", typeName(f))
	return nil
}

func (e *evaluator) apply(f *filter, v any) any {
	e.step()
	args := e.arguments(&f.args)
	if u, ok := v.(undefined); ok && e.o.Strict && f.name != "default" && f.name != "d" {
		e.missing(u)
	}
	return filterOf[f.name](e, v, args)
}

// attr is x.name: what the type offers, else an entry.
func (e *evaluator) attr(v any, name string) any {
	switch v := v.(type) {
	case undefined:
		e.missing(v)
	case *Dict:
		if m := dictMethods[name]; m != nil {
			return bound(name, v, m)
		}
		if item, ok := v.Get(name); ok {
			return item
		}
		return undefined{"a dict has no attribute '" + name + "'"}
	case *namespace:
		if item, ok := v.vars.Get(name); ok {
			return item
		}
	case *loopState:
		if item, ok := v.field(name); ok {
			return item
		}
	case string:
		if m := stringMethods[name]; m != nil {
			return bound(name, v, m)
		}
	case List:
		if m := listMethods[name]; m != nil {
			return bound(name, []any(v), m)
		}
	case Tuple:
		if m := listMethods[name]; m != nil {
			return bound(name, []any(v), m)
		}
	}
	if changes[name] {
		e.fail("%s would change a value, which a template may not", name)
	}
	return undefined{fmt.Sprintf("a value of type %s has no attribute '%s'", typeName(v), name)}
}

// changes are methods that values of Python have and templates may not use.
var changes = map[string]bool{
	"append": true, "extend": true, "insert": true, "remove": true, "reverse": true, "sort": true, "clear": true,
	"update": true, "setdefault": true, "popitem": true, "pop": true,
}

// bound makes a method of a value callable.
func bound[T any](name string, v T, m func(*evaluator, T, values) any) *function {
	return &function{name, func(e *evaluator, a values) any { return m(e, v, a) }}
}

// index is x[key]: an entry, else what the type offers.
func (e *evaluator) index(v, key any) any {
	switch v := v.(type) {
	case undefined:
		e.missing(v)
	case *Dict:
		if item, ok := v.Get(key); ok {
			return item
		}
	default:
		if i, ok := key.(int64); ok {
			return e.position(v, i)
		}
	}
	if name, ok := key.(string); ok {
		return e.attr(v, name)
	}
	return undefined{fmt.Sprintf("a value of type %s has no element %s", typeName(v), repr(key))}
}

func (e *evaluator) position(v any, i int64) any {
	list, ok := items(v)
	if s, isText := v.(string); isText {
		n := int64(utf8.RuneCountInString(s))
		if i < 0 {
			i += n
		}
		if i >= 0 && i < n {
			e.steps -= int(i)
			return string([]rune(s)[i])
		}
		return undefined{"there is no such character"}
	}
	if i < 0 {
		i += int64(len(list))
	}
	if !ok || i < 0 || i >= int64(len(list)) {
		return undefined{fmt.Sprintf("a value of type %s has no element %d", typeName(v), i)}
	}
	return list[i]
}

// slice is x[from:to:step].
func (e *evaluator) slice(x *slice) any {
	v := e.eval(x.x)
	bound := func(x expr, otherwise int64) int64 {
		if x == nil {
			return otherwise
		}
		switch n := e.eval(x).(type) {
		case nil:
			return otherwise
		case int64:
			return n
		default:
			e.fail("slices want integers, got %s", typeName(n))
			return 0
		}
	}
	step := bound(x.step, 1)
	e.line = x.line
	if step == 0 {
		e.fail("a slice cannot go in steps of 0")
	}
	list, ok := items(v)
	s, isText := v.(string)
	if isText {
		list, ok = e.list(s), true
	}
	if u, is := v.(undefined); is {
		e.missing(u)
	}
	if !ok {
		e.fail("a value of type %s has no slices", typeName(v))
	}
	n := int64(len(list))
	low, high := int64(0), n
	if step < 0 {
		low, high = -1, n-1
	}
	clamp := func(i int64) int64 {
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	first, last := low, high
	if step < 0 {
		first, last = high, low
	}
	if x.from != nil {
		if f := bound(x.from, first); f != first {
			first = clamp(f)
		}
	}
	if x.to != nil {
		if t := bound(x.to, last); t != last {
			last = clamp(t)
		}
	}
	out := List{}
	for i := first; step > 0 && i < last || step < 0 && i > last; i += step {
		out = append(out, list[i])
	}
	switch v.(type) {
	case string:
		var b strings.Builder
		for _, c := range out {
			b.WriteString(c.(string))
		}
		return b.String()
	case Tuple:
		return Tuple(out)
	}
	return out
}
