package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

var dictMethods, listMethods, stringMethods = map[string]func(*evaluator, *Dict, values) any{}, map[string]func(*evaluator, []any, values) any{}, map[string]func(*evaluator, string, values) any{}

func init() {
	dictMethods = map[string]func(*evaluator, *Dict, values) any{
		"items": func(_ *evaluator, d *Dict, _ values) any { return d.items() },
		"keys":  func(_ *evaluator, d *Dict, _ values) any { return append(List{}, d.keys...) },
		"values": func(_ *evaluator, d *Dict, _ values) any {
			return append(List{}, d.values...)
		},
		"get": func(e *evaluator, d *Dict, a values) any {
			key, otherwise := any(absent{}), any(nil)
			e.read("get", a, []string{"key", "default"}, &key, &otherwise)
			if v, ok := d.Get(key); ok {
				return v
			}
			return otherwise
		},
		"copy": func(_ *evaluator, d *Dict, _ values) any { return d },
	}
	listMethods = map[string]func(*evaluator, []any, values) any{
		"index": func(e *evaluator, l []any, a values) any {
			for i, v := range l {
				if equal(v, e.argument("index", a, absent{})) {
					return int64(i)
				}
			}
			e.fail("index: there is no such item")
			return nil
		},
		"count": func(e *evaluator, l []any, a values) any {
			n := int64(0)
			for _, v := range l {
				if equal(v, e.argument("count", a, absent{})) {
					n++
				}
			}
			return n
		},
		"copy": func(_ *evaluator, l []any, _ values) any { return List(l) },
	}
	plain := func(f func(string) string) func(*evaluator, string, values) any {
		return func(e *evaluator, s string, _ values) any { e.made(len(s)); return f(s) }
	}
	every := func(is func(rune) bool) func(*evaluator, string, values) any {
		return func(_ *evaluator, s string, _ values) any {
			return s != "" && strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0
		}
	}
	affix := func(is func(s, with string) bool) func(*evaluator, string, values) any {
		return func(e *evaluator, s string, a values) any {
			with := e.argument("startswith and endswith", a, absent{})
			if list, ok := with.(Tuple); ok {
				for _, w := range list {
					if is(s, e.wantText("startswith and endswith", w)) {
						return true
					}
				}
				return false
			}
			return is(s, e.wantText("startswith and endswith", with))
		}
	}
	stripped := func(f func(string, func(rune) bool) string) func(*evaluator, string, values) any {
		return func(e *evaluator, s string, a values) any {
			chars := e.argument("strip", a, nil)
			if chars == nil {
				return f(s, space)
			}
			set := e.wantText("strip", chars)
			return f(s, func(r rune) bool { return strings.ContainsRune(set, r) })
		}
	}
	find := func(index func(s, sub string) int, must bool) func(*evaluator, string, values) any {
		return func(e *evaluator, s string, a values) any {
			i := index(s, e.wantText("find", e.argument("find", a, absent{})))
			if i < 0 {
				if must {
					e.fail("index: there is no such text")
				}
				return int64(-1)
			}
			return int64(utf8.RuneCountInString(s[:i]))
		}
	}
	parted := func(cut func(s, by string) (before, after string, found bool), right bool) func(*evaluator, string, values) any {
		return func(e *evaluator, s string, a values) any {
			by := e.wantText("partition", e.argument("partition", a, absent{}))
			before, after, found := cut(s, by)
			switch {
			case found:
				return Tuple{before, by, after}
			case right:
				return Tuple{"", "", s}
			}
			return Tuple{s, "", ""}
		}
	}
	stringMethods = map[string]func(*evaluator, string, values) any{
		"upper": plain(strings.ToUpper), "lower": plain(strings.ToLower), "title": plain(title), "capitalize": plain(capitalize),
		"strip": stripped(strings.TrimFunc), "lstrip": stripped(strings.TrimLeftFunc), "rstrip": stripped(strings.TrimRightFunc),
		"startswith": affix(strings.HasPrefix), "endswith": affix(strings.HasSuffix),
		"isdigit": every(unicode.IsDigit), "isalpha": every(unicode.IsLetter), "isspace": every(space),
		"isalnum": every(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }),
		"isupper": func(_ *evaluator, s string, _ values) any { return cased(s, unicode.IsLower) },
		"islower": func(_ *evaluator, s string, _ values) any { return cased(s, unicode.IsUpper) },
		"find":    find(strings.Index, false), "rfind": find(strings.LastIndex, false), "index": find(strings.Index, true), "rindex": find(strings.LastIndex, true),
		"partition": parted(strings.Cut, false), "rpartition": parted(cutLast, true),
		"count": func(e *evaluator, s string, a values) any {
			sub := e.wantText("count", e.argument("count", a, absent{}))
			return int64(strings.Count(s, sub))
		},
		"replace": func(e *evaluator, s string, a values) any { return filterReplace(e, s, a) },
		"join":    func(e *evaluator, s string, a values) any { return e.joinTexts(s, e.argument("join", a, absent{})) },
		"split":   func(e *evaluator, s string, a values) any { return e.split(s, a, false) },
		"rsplit":  func(e *evaluator, s string, a values) any { return e.split(s, a, true) },
		"splitlines": func(e *evaluator, s string, a values) any {
			keep := any(false)
			e.read("splitlines", a, []string{"keepends"}, &keep)
			return splitLines(s, truth(keep))
		},
		"removeprefix": func(e *evaluator, s string, a values) any {
			return strings.TrimPrefix(s, e.wantText("removeprefix", e.argument("removeprefix", a, absent{})))
		},
		"removesuffix": func(e *evaluator, s string, a values) any {
			return strings.TrimSuffix(s, e.wantText("removesuffix", e.argument("removesuffix", a, absent{})))
		},
		"format": func(e *evaluator, s string, a values) any { return e.braces(s, a) },
		"zfill":  func(e *evaluator, s string, a values) any { return e.padded(s, a, "0", false) },
		"rjust":  func(e *evaluator, s string, a values) any { return e.padded(s, a, " ", false) },
		"ljust":  func(e *evaluator, s string, a values) any { return e.padded(s, a, " ", true) },
	}
}

func cutLast(s, by string) (before, after string, found bool) {
	i := strings.LastIndex(s, by)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(by):], true
}

func (e *evaluator) joinTexts(by string, v any) string {
	list := e.list(v)
	parts := make([]string, len(list))
	for i, item := range list {
		parts[i] = e.wantText("join", item)
	}
	return e.strung(parts, by)
}

func texts(parts []string) List {
	out := make(List, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out
}

// split cuts a text at a separator, or at blanks, most times from one end.
func (e *evaluator) split(s string, a values, right bool) List {
	by, most := any(nil), any(int64(-1))
	e.read("split", a, []string{"sep", "maxsplit"}, &by, &most)
	e.made(len(s))
	n := int(e.wantInt("split", most))
	if by == nil {
		return texts(fields(s, n, right))
	}
	sep := e.wantText("split", by)
	if sep == "" {
		e.fail("split: the separator is empty")
	}
	parts := strings.Split(s, sep)
	if n >= 0 && len(parts) > n+1 {
		if right {
			cut := len(parts) - n
			parts = append([]string{strings.Join(parts[:cut], sep)}, parts[cut:]...)
		} else {
			parts = append(parts[:n:n], strings.Join(parts[n:], sep))
		}
	}
	return texts(parts)
}

// fields cuts at blanks, most times.
func fields(s string, most int, right bool) (parts []string) {
	if most < 0 {
		return strings.FieldsFunc(s, space)
	}
	trim := strings.TrimLeftFunc
	if right {
		trim = strings.TrimRightFunc
	}
	for s = trim(s, space); s != ""; {
		i := strings.IndexFunc(s, space)
		if right {
			i = strings.LastIndexFunc(s, space)
		}
		if i < 0 || len(parts) == most {
			parts = append(parts, s)
			break
		}
		if right {
			_, n := utf8.DecodeRuneInString(s[i:])
			parts, s = append(parts, s[i+n:]), strings.TrimRightFunc(s[:i], space)
		} else {
			parts, s = append(parts, s[:i]), strings.TrimLeftFunc(s[i:], space)
		}
	}
	if right {
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	return parts
}

func splitLines(s string, keep bool) List {
	out := List{}
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return strings.ContainsRune("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029", r) })
		if i < 0 {
			return append(out, s)
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			n = 2
		}
		line := s[:i]
		if keep {
			line = s[:i+n]
		}
		out, s = append(out, line), s[i+n:]
	}
	return out
}

func (e *evaluator) padded(s string, a values, fill string, behind bool) string {
	width, with := any(absent{}), any(fill)
	e.read("padding", a, []string{"width", "fillchar"}, &width, &with)
	n := e.wantInt("padding", width) - int64(utf8.RuneCountInString(s))
	if n <= 0 {
		return s
	}
	e.repeat(1, n)
	pad := strings.Repeat(e.wantText("padding", with), int(n))
	switch {
	case behind:
		return s + pad
	case fill == "0" && s != "" && (s[0] == '-' || s[0] == '+'):
		return s[:1] + pad + s[1:]
	}
	return pad + s
}
