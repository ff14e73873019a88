package jinja

import (
	"fmt"
	"strconv"
	"strings"
)

// percent is Python's % on a text: %s, %r, %d, %i, %x, %f, %e, %g and %%, with flags,
// width and precision.
func (e *evaluator) percent(format string, v any) string {
	args, isTuple := v.(Tuple)
	if !isTuple {
		args = Tuple{v}
	}
	var b strings.Builder
	used := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		spec := i + 1
		for spec < len(format) && strings.IndexByte("+-# 0123456789.", format[spec]) >= 0 {
			spec++
		}
		if spec == len(format) {
			e.fail("an incomplete %% in a format")
		}
		if format[spec] == '%' {
			b.WriteByte('%')
			i = spec
			continue
		}
		if used == len(args) {
			e.fail("not enough values for a format")
		}
		s := e.formatted(format[i+1:spec], format[spec], args[used])
		e.made(len(s))
		b.WriteString(s)
		used++
		i = spec
	}
	if used < len(args) && isTuple {
		e.fail("more values than a format has places for")
	}
	return b.String()
}

func (e *evaluator) formatted(flags string, verb byte, v any) string {
	for _, part := range strings.FieldsFunc(flags, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(part) > 3 {
			e.fail("a format wider than 999")
		}
	}
	f, i, whole, ok := number(v)
	switch verb {
	case 's':
		return fmt.Sprintf("%"+flags+"s", text(v))
	case 'r':
		return fmt.Sprintf("%"+flags+"s", repr(v))
	case 'd', 'i', 'u', 'x', 'X', 'o':
		if !ok {
			e.mixture("%"+string(verb), v)
		}
		if !whole {
			i = int64(f)
		}
		if verb == 'i' || verb == 'u' {
			verb = 'd'
		}
		return fmt.Sprintf("%"+flags+string(verb), i)
	case 'f', 'F', 'e', 'E', 'g', 'G':
		if !ok {
			e.mixture("%"+string(verb), v)
		}
		if (verb == 'g' || verb == 'G') && !strings.Contains(flags, ".") {
			flags += ".6"
		}
		return fmt.Sprintf("%"+flags+string(verb), f)
	}
	e.fail("%%%c is not supported", verb)
	return ""
}

// braces is Python's format: {}, {0}, {name}, with [+][0][width][.precision][d|f|e|s|,].
func (e *evaluator) braces(format string, a values) string {
	var b strings.Builder
	next := 0
	for i := 0; i < len(format); i++ {
		switch c := format[i]; {
		case (c == '{' || c == '}') && i+1 < len(format) && format[i+1] == c:
			b.WriteByte(c)
			i++
		case c == '{':
			end := strings.IndexByte(format[i:], '}')
			if end < 0 {
				e.fail("a { without its } in a format")
			}
			field, spec, _ := strings.Cut(format[i+1:i+end], ":")
			if field == "" {
				field = strconv.Itoa(next)
				next++
			}
			s := e.styled(spec, e.field(a, field))
			e.made(len(s))
			b.WriteString(s)
			i += end
		case c == '}':
			e.fail("a } without its { in a format")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (e *evaluator) field(a values, name string) any {
	if n, err := strconv.Atoi(name); err == nil {
		if n >= len(a.list) {
			e.fail("a format asks for value %d of %d", n, len(a.list))
		}
		return a.list[n]
	}
	for i, known := range a.names {
		if known == name {
			return a.named[i]
		}
	}
	e.fail("a format asks for %q, which is not given", name)
	return nil
}

func (e *evaluator) styled(spec string, v any) string {
	if spec == "" {
		return text(v)
	}
	verb := spec[len(spec)-1]
	if verb >= '0' && verb <= '9' {
		verb = 's'
		if _, _, whole, ok := number(v); ok && whole {
			verb = 'd'
		} else if ok {
			verb = 'g'
		}
	} else {
		spec = spec[:len(spec)-1]
	}
	if strings.Trim(spec, "+-0123456789. ") != "" {
		e.fail("a format of %q is not supported", spec)
	}
	return e.formatted(spec, verb, v)
}
