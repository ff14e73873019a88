package jinja

import (
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type filterFunc = func(e *evaluator, v any, a values) any

// filterOf has every filter by its name.
var filterOf map[string]filterFunc

func init() {
	filterOf = map[string]filterFunc{
		"abs": filterAbs, "attr": filterAttr, "capitalize": onText(capitalize), "default": filterDefault, "d": filterDefault, "dictsort": filterDictsort,
		"escape": onText(escapeHTML), "e": onText(escapeHTML), "first": filterFirst, "float": filterFloat, "format": filterFormat, "indent": filterIndent,
		"int": filterInt, "items": filterItems, "join": filterJoin, "last": filterLast, "length": filterLength, "count": filterLength,
		"list": func(e *evaluator, v any, _ values) any { return List(slices.Clone(e.list(v))) }, "lower": onText(strings.ToLower),
		"map": filterMap, "max": extreme(1), "min": extreme(-1), "reject": selecting(false, false), "rejectattr": selecting(false, true),
		"replace": filterReplace, "reverse": filterReverse, "round": filterRound, "safe": onText(func(s string) string { return s }),
		"select": selecting(true, false), "selectattr": selecting(true, true), "sort": filterSort, "string": onText(func(s string) string { return s }),
		"sum": filterSum, "title": onText(title), "tojson": filterToJSON, "trim": filterTrim, "unique": filterUnique, "upper": onText(strings.ToUpper),
		"wordcount": func(_ *evaluator, v any, _ values) any { return int64(len(strings.Fields(text(v)))) },
	}
}

// onText is a filter that turns a text into another.
func onText(f func(string) string) filterFunc {
	return func(e *evaluator, v any, _ values) any {
		s := f(text(v))
		e.made(len(s))
		return s
	}
}

func capitalize(s string) string {
	for i, r := range s {
		return string(unicode.ToTitle(r)) + strings.ToLower(s[i+utf8.RuneLen(r):])
	}
	return s
}

// title capitalises every word.
func title(s string) string {
	var b strings.Builder
	inside := false
	for _, r := range s {
		switch {
		case !inside:
			b.WriteRune(unicode.ToTitle(r))
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		inside = !strings.ContainsRune("-([{<", r) && !unicode.IsSpace(r)
	}
	return b.String()
}

func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;").Replace(s)
}

func filterAbs(e *evaluator, v any, _ values) any {
	f, i, whole, ok := number(v)
	switch {
	case !ok:
		e.mixture("abs", v)
	case whole:
		return max(i, -i)
	}
	return math.Abs(f)
}

func filterAttr(e *evaluator, v any, a values) any {
	return e.attr(v, e.wantText("attr", e.argument("attr", a, absent{})))
}

func filterDefault(e *evaluator, v any, a values) any {
	otherwise, falsy := any(""), any(false)
	e.read("default", a, []string{"default_value", "boolean"}, &otherwise, &falsy)
	if _, missing := v.(undefined); missing || truth(falsy) && !truth(v) {
		return otherwise
	}
	return v
}

func filterDictsort(e *evaluator, v any, a values) any {
	sensitive, by, reverse := any(false), any("key"), any(false)
	e.read("dictsort", a, []string{"case_sensitive", "by", "reverse"}, &sensitive, &by, &reverse)
	d, ok := v.(*Dict)
	if !ok {
		e.mixture("dictsort", v)
	}
	at := 0
	if by == "value" {
		at = 1
	}
	return e.sorted(d.items(), func(v any) any { return folded(v.(Tuple)[at], truth(sensitive)) }, truth(reverse))
}

// folded is a text without its case, unless that counts.
func folded(v any, sensitive bool) any {
	if s, ok := v.(string); ok && !sensitive {
		return strings.ToLower(s)
	}
	return v
}

func (e *evaluator) sorted(list []any, key func(any) any, reverse bool) List {
	e.steps -= len(list)
	out := slices.Clone(list)
	keys := make(map[int]any, len(out))
	index := make([]int, len(out))
	for i, v := range out {
		keys[i], index[i] = key(v), i
	}
	sort.SliceStable(index, func(i, j int) bool {
		a, b := keys[index[i]], keys[index[j]]
		if reverse {
			a, b = b, a
		}
		n, ok := order(a, b)
		if !ok {
			e.mixture("sort", a, b)
		}
		return n < 0
	})
	for i, at := range index {
		out[i] = list[at]
	}
	return out
}

func filterFirst(e *evaluator, v any, _ values) any {
	if list := e.list(v); len(list) > 0 {
		return list[0]
	}
	return undefined{"there is no first item"}
}

func filterLast(e *evaluator, v any, _ values) any {
	if list := e.list(v); len(list) > 0 {
		return list[len(list)-1]
	}
	return undefined{"there is no last item"}
}

func filterFloat(e *evaluator, v any, a values) any {
	otherwise := e.argument("float", a, 0.0)
	if f, _, _, ok := number(v); ok {
		return f
	}
	if s, ok := v.(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
			return f
		}
	}
	return otherwise
}

func filterInt(e *evaluator, v any, a values) any {
	otherwise, base := any(int64(0)), any(int64(10))
	e.read("int", a, []string{"default", "base"}, &otherwise, &base)
	if f, i, whole, ok := number(v); ok {
		if whole {
			return i
		}
		if math.Abs(f) < 1<<63 {
			return int64(f)
		}
		return otherwise
	}
	s, ok := v.(string)
	if !ok {
		return otherwise
	}
	s = strings.ReplaceAll(strings.TrimSpace(s), "_", "")
	b := int(e.wantInt("int", base))
	if b != 0 && (b < 2 || b > 36) {
		e.fail("int: a base of %d", b)
	}
	for prefix, of := range map[string]int{"0x": 16, "0o": 8, "0b": 2} {
		if b == of {
			s = strings.TrimPrefix(strings.ToLower(s), prefix)
		}
	}
	if i, err := strconv.ParseInt(s, b, 64); err == nil {
		return i
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1<<63 {
		return int64(f)
	}
	return otherwise
}

func filterFormat(e *evaluator, v any, a values) any { return e.percent(text(v), Tuple(a.list)) }

func filterIndent(e *evaluator, v any, a values) any {
	width, first, blank := any(int64(4)), any(false), any(false)
	e.read("indent", a, []string{"width", "first", "blank"}, &width, &first, &blank)
	pad, ok := width.(string)
	if !ok {
		n := e.wantInt("indent", width)
		e.repeat(1, n)
		pad = strings.Repeat(" ", int(max(0, n)))
	}
	lines := strings.Split(text(v), "\n")
	for i, line := range lines {
		if (i > 0 || truth(first)) && (line != "" || truth(blank)) {
			e.made(len(pad))
			lines[i] = pad + line
		}
	}
	return strings.Join(lines, "\n")
}

func filterItems(e *evaluator, v any, _ values) any {
	switch v := v.(type) {
	case undefined:
		return List{}
	case *Dict:
		return v.items()
	}
	e.mixture("items", v)
	return nil
}

func filterJoin(e *evaluator, v any, a values) any {
	by, field := any(""), any(nil)
	e.read("join", a, []string{"d", "attribute"}, &by, &field)
	list := e.list(v)
	parts := make([]string, len(list))
	for i, item := range list {
		if field != nil {
			item = e.path(item, field)
		}
		parts[i] = text(item)
	}
	return e.strung(parts, text(by))
}

// strung joins texts, when there is room for them.
func (e *evaluator) strung(parts []string, by string) string {
	size := len(by) * len(parts)
	for _, p := range parts {
		size += len(p)
	}
	e.made(size)
	return strings.Join(parts, by)
}

// path follows the name of an attribute, which may have dots.
func (e *evaluator) path(v, field any) any {
	name, ok := field.(string)
	if !ok {
		return e.index(v, field)
	}
	for _, part := range strings.Split(name, ".") {
		key := any(part)
		if i, err := strconv.ParseInt(part, 10, 64); err == nil {
			key = i
		}
		v = e.index(v, key)
	}
	return v
}

func filterLength(e *evaluator, v any, _ values) any {
	switch v := v.(type) {
	case string:
		return int64(utf8.RuneCountInString(v))
	case *Dict:
		return int64(v.Len())
	case undefined:
		return int64(0)
	}
	list, ok := items(v)
	if !ok {
		e.mixture("length", v)
	}
	return int64(len(list))
}

func filterMap(e *evaluator, v any, a values) any {
	out := List{}
	if len(a.list) == 0 {
		field, otherwise := any(absent{}), any(absent{})
		e.read("map", a, []string{"attribute", "default"}, &field, &otherwise)
		if field == (absent{}) {
			e.fail("map wants a filter or an attribute")
		}
		for _, item := range e.list(v) {
			e.step()
			got := e.path(item, field)
			if _, missing := got.(undefined); missing && otherwise != (absent{}) {
				got = otherwise
			}
			out = append(out, got)
		}
		return out
	}
	name := e.wantText("map", a.list[0])
	f := filterOf[name]
	if f == nil {
		e.fail("unknown filter %q", name)
	}
	a.list = a.list[1:]
	for _, item := range e.list(v) {
		e.step()
		out = append(out, f(e, item, a))
	}
	return out
}

// extreme is max and min.
func extreme(way int) filterFunc {
	return func(e *evaluator, v any, a values) any {
		sensitive, field := any(false), any(nil)
		e.read("max and min", a, []string{"case_sensitive", "attribute"}, &sensitive, &field)
		var best, key any = undefined{"there is no item"}, nil
		for i, item := range e.list(v) {
			k := item
			if field != nil {
				k = e.path(item, field)
			}
			k = folded(k, truth(sensitive))
			if i == 0 {
				best, key = item, k
				continue
			}
			n, ok := order(k, key)
			if !ok {
				e.mixture("max and min", k, key)
			}
			if n*way > 0 {
				best, key = item, k
			}
		}
		return best
	}
}

// selecting keeps the items that pass a test, or those that do not.
func selecting(keep, byField bool) filterFunc {
	return func(e *evaluator, v any, a values) any {
		field := any(nil)
		if byField {
			if len(a.list) == 0 {
				e.fail("selectattr and rejectattr want the name of an attribute")
			}
			field, a.list = a.list[0], a.list[1:]
		}
		check := func(v any) bool { return truth(v) }
		if len(a.list) > 0 {
			name := e.wantText("select", a.list[0])
			t := testOf[name]
			if t == nil {
				e.fail("unknown test %q", name)
			}
			rest := values{list: a.list[1:]}
			check = func(v any) bool { return t(e, v, rest) }
		}
		out := List{}
		for _, item := range e.list(v) {
			e.step()
			of := item
			if byField {
				of = e.path(item, field)
			}
			if check(of) == keep {
				out = append(out, item)
			}
		}
		return out
	}
}

func filterReplace(e *evaluator, v any, a values) any {
	from, to, count := any(absent{}), any(absent{}), any(nil)
	e.read("replace", a, []string{"old", "new", "count"}, &from, &to, &count)
	if from == (absent{}) || to == (absent{}) {
		e.fail("replace wants what to replace and what by")
	}
	n := -1
	if count != nil {
		n = int(e.wantInt("replace", count))
	}
	return e.replaced(text(v), text(from), text(to), n)
}

func (e *evaluator) replaced(s, from, to string, n int) string {
	e.made(len(s) + (strings.Count(s, from)+1)*len(to))
	return strings.Replace(s, from, to, n)
}

func filterReverse(e *evaluator, v any, _ values) any {
	list := slices.Clone(e.list(v))
	slices.Reverse(list)
	if _, ok := v.(string); ok {
		var b strings.Builder
		for _, c := range list {
			b.WriteString(c.(string))
		}
		return b.String()
	}
	return List(list)
}

func filterRound(e *evaluator, v any, a values) any {
	precision, method := any(int64(0)), any("common")
	e.read("round", a, []string{"precision", "method"}, &precision, &method)
	f, _, _, ok := number(v)
	if !ok {
		e.mixture("round", v)
	}
	if _, i, whole, _ := number(v); whole && method == "common" {
		return i
	}
	n := e.wantInt("round", precision)
	if n < -300 || n > 300 {
		return f
	}
	scale := math.Pow(10, float64(n))
	switch method {
	case "common":
		if n >= 0 && n < 300 { // exact: the decimal text is what is rounded, half to even
			if r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(n), 64), 64); err == nil {
				return r
			}
		}
		return math.RoundToEven(f*scale) / scale
	case "ceil":
		return math.Ceil(f*scale) / scale
	case "floor":
		return math.Floor(f*scale) / scale
	}
	e.fail("round: the method is common, ceil or floor")
	return nil
}

func filterSort(e *evaluator, v any, a values) any {
	reverse, sensitive, field := any(false), any(false), any(nil)
	e.read("sort", a, []string{"reverse", "case_sensitive", "attribute"}, &reverse, &sensitive, &field)
	return e.sorted(e.list(v), func(v any) any {
		if field != nil {
			v = e.path(v, field)
		}
		return folded(v, truth(sensitive))
	}, truth(reverse))
}

func filterSum(e *evaluator, v any, a values) any {
	field, total := any(nil), any(int64(0))
	e.read("sum", a, []string{"attribute", "start"}, &field, &total)
	for _, item := range e.list(v) {
		if field != nil {
			item = e.path(item, field)
		}
		total = e.arithmetic("+", total, item)
	}
	return total
}

func filterToJSON(e *evaluator, v any, a values) any {
	ascii, indent, separators, sorted := any(false), any(nil), any(nil), any(false)
	s := jsonStyle{item: ", ", key: ": "}
	if e.o.PlainJSON {
		e.read("tojson", a, []string{"ensure_ascii", "indent", "separators", "sort_keys"}, &ascii, &indent, &separators, &sorted)
		s.ascii, s.sorted = truth(ascii), truth(sorted)
	} else {
		e.read("tojson", a, []string{"indent"}, &indent)
		s.ascii, s.html, s.sorted = true, true, true
	}
	switch in := indent.(type) {
	case nil:
	case string:
		s.lines, s.indent, s.item = true, in, ","
	default:
		n := e.wantInt("tojson", in)
		s.lines, s.indent, s.item = true, strings.Repeat(" ", int(min(max(0, n), 64))), ","
	}
	if separators != nil {
		both, ok := items(separators)
		if !ok || len(both) != 2 {
			e.fail("tojson: separators are two texts")
		}
		s.item, s.key = e.wantText("tojson", both[0]), e.wantText("tojson", both[1])
	}
	var b strings.Builder
	e.writeJSON(&b, v, &s, 0)
	e.made(b.Len())
	return b.String()
}

// sortedKeys are the places of a map's entries in the order of writing.
func sortedKeys(d *Dict, sorted bool) []int {
	at := make([]int, d.Len())
	for i := range at {
		at[i] = i
	}
	if sorted {
		sort.SliceStable(at, func(i, j int) bool { return text(d.keys[at[i]]) < text(d.keys[at[j]]) })
	}
	return at
}

func filterTrim(e *evaluator, v any, a values) any {
	chars := e.argument("trim", a, nil)
	if chars == nil {
		return strings.TrimFunc(text(v), space)
	}
	return strings.Trim(text(v), text(chars))
}

func filterUnique(e *evaluator, v any, a values) any {
	sensitive, field := any(false), any(nil)
	e.read("unique", a, []string{"case_sensitive", "attribute"}, &sensitive, &field)
	seen, out := NewDict(), List{}
	for _, item := range e.list(v) {
		key := item
		if field != nil {
			key = e.path(item, field)
		}
		key = folded(key, truth(sensitive))
		if _, known := seen.Get(key); known {
			continue
		}
		if !seen.Set(key, true) {
			e.mixture("unique", key)
		}
		out = append(out, item)
	}
	return out
}
