package config

import (
	"slices"
	"strings"
)

// unknown says that a key does not exist, and which one may be meant.
func unknown(what, have string, known []string) string {
	if near := nearest(have, known); near != "" {
		return "unknown " + what + ", did you mean " + near + "?"
	}
	if len(known) == 0 {
		return "unknown " + what
	}
	known = slices.Sorted(slices.Values(known))
	return "unknown " + what + ", known are " + strings.Join(known, ", ")
}

// nearest returns the known word that have most likely stands for, or "". A third of the word may be wrong, and at most three letters.
func nearest(have string, known []string) string {
	if len(have) > 100 {
		return ""
	}
	best, least := "", min(max(1, len(have)/3), 3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(have), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters that are wrong, missing, too many or swapped with their neighbour (optimal string alignment).
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
