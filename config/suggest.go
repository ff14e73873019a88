package config

import (
	"sort"
	"strings"
)

// farthest is the edit distance up to which a name counts as a misspelling; of a
// short name it is a quarter of the letters, or it would be another word.
const farthest = 3

func misspelled(distance, letters int) bool {
	return distance <= min(farthest, max(1, letters/4))
}

// suggest lists the flags that an unknown name may be meant for: the nearest
// spelling, or flags that share words with it; at most three.
func suggest(unknown string) []string {
	all := map[string]bool{}
	for _, f := range Table() {
		for _, n := range f.Names {
			all[n] = true
		}
	}
	var out []string
	for _, n := range nearest(normalName(strings.ToLower(unknown)), all, "-") {
		out = append(out, "--"+n)
	}
	return out
}

// Suggest is the name that an unknown one may be meant for, or "".
func Suggest(unknown string, names []string) string {
	all := map[string]bool{}
	for _, n := range names {
		all[n] = true
	}
	if near := nearest(unknown, all, "-"); len(near) > 0 {
		return near[0]
	}
	return ""
}

// nearest ranks names by edit distance, then by how much of their words they share
// with the wanted one. sep separates the words of a name.
func nearest(wanted string, names map[string]bool, sep string) []string {
	type candidate struct {
		name     string
		distance int
		shared   float64
	}
	var close, related []candidate
	for name := range names {
		c := candidate{name, distance(wanted, name), sharedWords(wanted, name, sep)}
		switch {
		case misspelled(c.distance, max(len(wanted), len(name))):
			close = append(close, c)
		case c.shared > 0:
			related = append(related, c)
		}
	}
	sort.Slice(close, func(i, j int) bool {
		a, b := close[i], close[j]
		return a.distance < b.distance || a.distance == b.distance && a.name < b.name
	})
	sort.Slice(related, func(i, j int) bool {
		a, b := related[i], related[j]
		return a.shared > b.shared || a.shared == b.shared && a.name < b.name
	})
	if len(close) > 0 {
		return []string{close[0].name}
	}
	var out []string
	for _, c := range related {
		if len(out) < 3 && c.shared == related[0].shared {
			out = append(out, c.name)
		}
	}
	return out
}

// sharedWords is the share of all words that two names have in common. Short words
// say too little.
func sharedWords(a, b, sep string) float64 {
	wordsA, wordsB := strings.Split(a, sep), strings.Split(b, sep)
	in := map[string]bool{}
	for _, w := range wordsA {
		if len(w) >= 4 {
			in[w] = true
		}
	}
	n := 0
	for _, w := range wordsB {
		if in[w] {
			n++
		}
	}
	return float64(n) / float64(len(wordsA)+len(wordsB))
}

// distance is the number of inserted, removed, replaced or swapped letters between
// two words.
func distance(a, b string) int {
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}
