package document

// Nearest returns the word that was probably meant: at most two edits away and a third of the length; empty if none.
func Nearest(given string, words []string) string {
	best, distance := "", 3
	if len(given) > 64 {
		return ""
	}
	for _, word := range words {
		if d := edits(given, word); d < distance && d*3 <= max(len(word), 3) {
			best, distance = word, d
		}
	}
	return best
}

// edits returns the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
