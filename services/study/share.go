package study

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Share is an exact decimal above 0 and at most 1, in billionths.
type Share int64

// Whole is the share 1.
const Whole Share = 1_000_000_000

var sharePattern = regexp.MustCompile(`^[01](\.[0-9]{1,9}0*)?$`)

// ParseShare reads a decimal such as 0.75; up to nine decimals count.
func ParseShare(text string) (Share, error) {
	if len(text) > 64 || !sharePattern.MatchString(text) {
		return 0, fmt.Errorf("read share: must be a decimal above 0 and at most 1 with up to 9 decimals, such as 0.75")
	}
	whole, decimals, _ := strings.Cut(text, ".")
	decimals = (decimals + "000000000")[:9]
	n, err := strconv.ParseInt(whole+decimals, 10, 64)
	if err != nil || n <= 0 || Share(n) > Whole {
		return 0, fmt.Errorf("read share: must be above 0 and at most 1")
	}
	return Share(n), nil
}

// Reached reports whether x is at least the share of n, exactly. x and n must be below 9 billion.
func (s Share) Reached(x, n int) bool { return int64(x)*int64(Whole) >= int64(n)*int64(s) }

// String returns the shortest decimal.
func (s Share) String() string {
	text := fmt.Sprintf("%d.%09d", s/Whole, s%Whole)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// MarshalJSON writes the share as a number.
func (s Share) MarshalJSON() ([]byte, error) { return []byte(s.String()), nil }
