package records

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"aiperf/messages"
)

// Bounds of the error summary.
const (
	maxErrorGroups  = 1000 // while the run goes on; what comes later is counted as other
	maxErrorEntries = 100  // in the summary, the last of them "other" when there are more
)

// errorKey is what makes two errors the same: code and type, and the message without
// the parts that differ from request to request.
type errorKey struct {
	code    int64
	hasCode bool
	typ     string
	message string
}

// errorGroups counts equal errors; one of each is kept as a sample. The entry with
// the zero key holds what found no place.
type errorGroups map[errorKey]*messages.ErrorCount

// add counts one error.
func (g errorGroups) add(e *messages.ErrorDetails) { g.merge(e, 1) }

func (g errorGroups) merge(e *messages.ErrorDetails, n int64) {
	k := errorKey{typ: e.Type, message: maskVariable(e.Message)}
	if e.Code != nil {
		k.code, k.hasCode = *e.Code, true
	}
	if c := g[k]; c != nil {
		c.Count += n
		return
	}
	if len(g) < maxErrorGroups {
		g[k] = &messages.ErrorCount{Details: *e, Count: n}
		return
	}
	g.other().Count += n
}

func (g errorGroups) other() *messages.ErrorCount {
	c := g[errorKey{}]
	if c == nil {
		c = &messages.ErrorCount{Details: *messages.NewError("", "other")}
		g[errorKey{}] = c
	}
	return c
}

// mergeAll adds another set of groups.
func (g errorGroups) mergeAll(o errorGroups) {
	for k, c := range o {
		if k == (errorKey{}) {
			g.other().Count += c.Count
			continue
		}
		g.merge(&c.Details, c.Count)
	}
}

// summary lists the groups: count descending, then code, type, message; the rest of a
// long list is one entry.
func (g errorGroups) summary() []messages.ErrorCount {
	out := make([]messages.ErrorCount, 0, len(g))
	var rest int64
	for k, c := range g {
		if k == (errorKey{}) {
			rest += c.Count
			continue
		}
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b messages.ErrorCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), compareCodes(a.Details.Code, b.Details.Code),
			cmp.Compare(a.Details.Type, b.Details.Type), cmp.Compare(a.Details.Message, b.Details.Message))
	})
	most := maxErrorEntries
	if rest > 0 || len(out) > most {
		most--
	}
	for len(out) > most {
		rest += out[len(out)-1].Count
		out = out[:len(out)-1]
	}
	if rest > 0 {
		out = append(out, messages.ErrorCount{Details: *messages.NewError("", "other"), Count: rest})
	}
	return out
}

func compareCodes(a, b *int64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}

var (
	uuidPattern  = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)
	digitPattern = regexp.MustCompile(`[0-9]+`)
)

// maskVariable takes ids and numbers out of a message.
func maskVariable(s string) string {
	if !strings.ContainsAny(s, "0123456789-") {
		return s // Fast path: nothing to mask.
	}
	return digitPattern.ReplaceAllLiteralString(uuidPattern.ReplaceAllLiteralString(s, "<uuid>"), "#")
}
