// Package nearest finds what a misspelt name was meant to be. It is for the
// settings and the command-line tool.
package nearest

// To returns the one of the known names that is the fewest edits away (the
// Levenshtein distance, by bytes), or "" if it takes more than most.
func To(name string, known []string, most int) string {
	best, fewest := "", most+1
	for _, k := range known {
		if n := edits(name, k); n < fewest {
			best, fewest = k, n
		}
	}
	return best
}

func edits(a, b string) int {
	row := make([]int, len(b)+1) // from what of a has been read, to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
