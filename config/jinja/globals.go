package jinja

import (
	"fmt"
	"strings"
	"time"
)

// longestRange bounds range, as Jinja's sandbox does.
const longestRange = 100_000

// global is a name that every template has; nil when there is none.
func (e *evaluator) global(name string) any {
	switch name {
	case "range":
		return &function{name, makeRange}
	case "dict":
		return &function{name, func(e *evaluator, a values) any { return e.named("dict", a) }}
	case "namespace":
		return &function{name, func(e *evaluator, a values) any { return &namespace{e.named("namespace", a)} }}
	case "raise_exception":
		return &function{name, func(e *evaluator, a values) any {
			panic(&Error{Line: e.line, Reason: text(e.argument(name, a, "")), Raised: true})
		}}
	case "strftime_now":
		if e.o.Now == nil {
			return nil
		}
		return &function{name, func(e *evaluator, a values) any {
			return strftime(e.o.Now(), e.wantText(name, e.argument(name, a, absent{})))
		}}
	}
	return nil
}

// named makes a map of the arguments of dict and namespace.
func (e *evaluator) named(what string, a values) *Dict {
	d := NewDict()
	if len(a.list) > 1 {
		e.fail("%s takes one value without a name at most", what)
	}
	for _, v := range a.list {
		from, ok := v.(*Dict)
		if !ok {
			e.mixture(what, v)
		}
		for i, k := range from.keys {
			d.Set(k, from.values[i])
		}
	}
	for i, name := range a.names {
		d.Set(name, a.named[i])
	}
	e.weighed(d)
	return d
}

func makeRange(e *evaluator, a values) any {
	if len(a.names) > 0 || len(a.list) < 1 || len(a.list) > 3 {
		e.fail("range takes one to three integers")
	}
	from, to, step := int64(0), int64(0), int64(1)
	switch len(a.list) {
	case 1:
		to = e.wantInt("range", a.list[0])
	case 3:
		step = e.wantInt("range", a.list[2])
		fallthrough
	default:
		from, to = e.wantInt("range", a.list[0]), e.wantInt("range", a.list[1])
	}
	if step == 0 {
		e.fail("range cannot go in steps of 0")
	}
	out := List{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		if len(out) == longestRange {
			e.fail("range: more than %d numbers", longestRange)
		}
		out = append(out, i)
	}
	e.steps -= len(out)
	return out
}

// strftime writes a time as Python does in the C locale.
func strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon",
		'I': "03", 'p': "PM", 'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'e': "_2", 'R': "15:04",
		'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		verb := format[i]
		plain := verb == '-' && i+1 < len(format)
		if plain { // without leading zeros
			i++
			verb = format[i]
		}
		s := ""
		switch layout, ok := layouts[verb]; {
		case ok:
			s = t.Format(layout)
		case verb == 'j':
			s = fmt.Sprintf("%03d", t.YearDay())
		case verb == 'f':
			s = fmt.Sprintf("%06d", t.Nanosecond()/1000)
		case verb == 's':
			s = fmt.Sprint(t.Unix())
		case verb == '%':
			s = "%"
		default:
			s = "%" + string(verb)
		}
		if plain && len(s) > 1 {
			s = strings.TrimLeft(s[:len(s)-1], "0 ") + s[len(s)-1:]
		}
		b.WriteString(s)
	}
	return b.String()
}
