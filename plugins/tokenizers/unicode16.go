package tokenizers

import (
	"fmt"
	"sort"
	"strings"
)

// Characters of Unicode 16 that the standard library, which has Unicode 15, does not know
// yet. The reference library cuts texts by them.
type newer struct {
	from, to rune
	category string
}

var newerCharacters = []newer{
	{0x897, 0x897, "M"},
	{0x1b4e, 0x1b4f, "P"},
	{0x1b7f, 0x1b7f, "P"},
	{0x1c89, 0x1c89, "Lu"},
	{0x1c8a, 0x1c8a, "Ll"},
	{0x2427, 0x2429, "S"},
	{0x2ffc, 0x2fff, "S"},
	{0x31e4, 0x31e5, "S"},
	{0x31ef, 0x31ef, "S"},
	{0xa7cb, 0xa7cc, "Lu"},
	{0xa7cd, 0xa7cd, "Ll"},
	{0xa7da, 0xa7da, "Lu"},
	{0xa7db, 0xa7db, "Ll"},
	{0xa7dc, 0xa7dc, "Lu"},
	{0x105c0, 0x105f3, "Lo"},
	{0x10d40, 0x10d49, "N"},
	{0x10d4a, 0x10d4d, "Lo"},
	{0x10d4e, 0x10d4e, "Lm"},
	{0x10d4f, 0x10d4f, "Lo"},
	{0x10d50, 0x10d65, "Lu"},
	{0x10d69, 0x10d6d, "M"},
	{0x10d6e, 0x10d6e, "P"},
	{0x10d6f, 0x10d6f, "Lm"},
	{0x10d70, 0x10d85, "Ll"},
	{0x10d8e, 0x10d8f, "S"},
	{0x10ec2, 0x10ec4, "Lo"},
	{0x10efc, 0x10efc, "M"},
	{0x11380, 0x11389, "Lo"},
	{0x1138b, 0x1138b, "Lo"},
	{0x1138e, 0x1138e, "Lo"},
	{0x11390, 0x113b5, "Lo"},
	{0x113b7, 0x113b7, "Lo"},
	{0x113b8, 0x113c0, "M"},
	{0x113c2, 0x113c2, "M"},
	{0x113c5, 0x113c5, "M"},
	{0x113c7, 0x113ca, "M"},
	{0x113cc, 0x113d0, "M"},
	{0x113d1, 0x113d1, "Lo"},
	{0x113d2, 0x113d2, "M"},
	{0x113d3, 0x113d3, "Lo"},
	{0x113d4, 0x113d5, "P"},
	{0x113d7, 0x113d8, "P"},
	{0x113e1, 0x113e2, "M"},
	{0x116d0, 0x116e3, "N"},
	{0x11bc0, 0x11be0, "Lo"},
	{0x11be1, 0x11be1, "P"},
	{0x11bf0, 0x11bf9, "N"},
	{0x11f5a, 0x11f5a, "M"},
	{0x13460, 0x143fa, "Lo"},
	{0x16100, 0x1611d, "Lo"},
	{0x1611e, 0x1612f, "M"},
	{0x16130, 0x16139, "N"},
	{0x16d40, 0x16d42, "Lm"},
	{0x16d43, 0x16d6a, "Lo"},
	{0x16d6b, 0x16d6c, "Lm"},
	{0x16d6d, 0x16d6f, "P"},
	{0x16d70, 0x16d79, "N"},
	{0x18cff, 0x18cff, "Lo"},
	{0x1cc00, 0x1ccef, "S"},
	{0x1ccf0, 0x1ccf9, "N"},
	{0x1cd00, 0x1ceb3, "S"},
	{0x1e5d0, 0x1e5ed, "Lo"},
	{0x1e5ee, 0x1e5ef, "M"},
	{0x1e5f0, 0x1e5f0, "Lo"},
	{0x1e5f1, 0x1e5fa, "N"},
	{0x1e5ff, 0x1e5ff, "P"},
	{0x1f8b2, 0x1f8bb, "S"},
	{0x1f8c0, 0x1f8c1, "S"},
	{0x1fa89, 0x1fa89, "S"},
	{0x1fa8f, 0x1fa8f, "S"},
	{0x1fabe, 0x1fabe, "S"},
	{0x1fac6, 0x1fac6, "S"},
	{0x1fadc, 0x1fadc, "S"},
	{0x1fadf, 0x1fadf, "S"},
	{0x1fae9, 0x1fae9, "S"},
	{0x1fbcb, 0x1fbef, "S"},
	{0x2ebf0, 0x2ee5d, "Lo"},
}

// newerCategory is the category of a character that the standard library does not know,
// "" for all others. P, S, M and N stand for all of their kinds.
func newerCategory(r rune) string {
	i := sort.Search(len(newerCharacters), func(i int) bool { return newerCharacters[i].to >= r })
	if i < len(newerCharacters) && newerCharacters[i].from <= r {
		return newerCharacters[i].category
	}
	return ""
}

// withNewer adds the newer characters to the classes of an expression, such as \p{L}.
func withNewer(expression string) string {
	var b strings.Builder
	inside := false // brackets
	for i := 0; i < len(expression); i++ {
		rest := expression[i:]
		if class, after, ok := strings.Cut(rest, "}"); ok && strings.HasPrefix(class, `\p{`) {
			more := newerOf(class[3:])
			switch {
			case more == "":
				b.WriteString(class + "}")
			case inside:
				b.WriteString(class + "}" + more)
			default:
				b.WriteString("[" + class + "}" + more + "]")
			}
			i = len(expression) - len(after) - 1
			continue
		}
		switch expression[i] {
		case '\\':
			b.WriteByte('\\')
			if i++; i < len(expression) {
				b.WriteByte(expression[i])
			}
			continue
		case '[':
			inside = true
		case ']':
			inside = false
		}
		b.WriteByte(expression[i])
	}
	return b.String()
}

// newerOf spells the newer characters of a category for the inside of brackets.
func newerOf(category string) string {
	var b strings.Builder
	for _, n := range newerCharacters {
		if strings.HasPrefix(n.category, category) && category != "" {
			fmt.Fprintf(&b, "%c-%c", n.from, n.to)
		}
	}
	return b.String()
}
