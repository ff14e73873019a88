package config

import "strings"

// CommandLine is a line that a shell re-runs as the one that was typed, without the
// secrets: `aiperf profile` and the arguments, values in single quotes unless they
// are numbers.
func CommandLine(args []string) string {
	ix := flagIndex()
	parts := []string{"aiperf", "profile"}
	var f *Flag // the flag that the next words belong to
	for _, word := range args {
		if !isFlag(word) {
			parts = append(parts, quoted(redactWord(f, word)))
			continue
		}
		as, inline, has := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "--"):
			f = ix.long[normalName(as[2:])]
		case word == "-vv":
			f = ix.short["vv"]
		default:
			as, inline, has, f = splitCluster(ix, word)
		}
		switch {
		case !has:
			parts = append(parts, plainFlag(as))
		case strings.HasPrefix(as, "--"):
			parts = append(parts, plainFlag(as)+"="+quoted(redactWord(f, inline)))
		default:
			parts = append(parts, plainFlag(as), quoted(redactWord(f, inline)))
		}
	}
	return strings.Join(parts, " ")
}

// splitCluster takes -Hvalue and -vHvalue apart: the letters up to the first flag
// that takes a value, and the value.
func splitCluster(ix index, word string) (as, inline string, has bool, f *Flag) {
	for k := 1; k < len(word); k++ {
		f = ix.short[word[k:k+1]]
		if f == nil {
			return word, "", false, nil
		}
		if tail := word[k+1:]; f.Value.arity != takesNone && tail != "" {
			return word[:k+1], strings.TrimPrefix(tail, "="), true, f
		}
	}
	return word, "", false, f
}

// redactWord is a value as it may be written down. What belongs to no known flag may
// be anything.
func redactWord(f *Flag, word string) string {
	if f == nil {
		return NewRedactor().Text(RedactURL(word))
	}
	return f.Value.Redact(word)
}

// plainFlag is a flag as it was typed, quoted when it is none that a shell leaves alone.
func plainFlag(as string) string {
	for _, r := range as {
		if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return quoted(as)
		}
	}
	return as
}

// quoted puts a value into single quotes; numbers stay bare.
func quoted(s string) string {
	if s != "" && strings.Trim(s, "0123456789.-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
