package stats

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Tier is a class of engagement.
type Tier string

// The tiers, best first.
const (
	TierHigh        Tier = "high"
	TierMedium      Tier = "medium"
	TierLow         Tier = "low"
	TierNotReported Tier = "not_reported"
)

// Tiers lists the tiers, best first.
func Tiers() []Tier {
	return []Tier{TierHigh, TierMedium, TierLow, TierNotReported}
}

// ClassifyTier classes x of n in whole numbers: high if 4x ≥ 3n, medium if
// 2x ≥ n, else low; n = 0 (or less) is not reported. The review's classes (75 %
// or more, 74 to 50 %, 49 % or less) leave gaps, which this closes.
func ClassifyTier(x, n int) Tier {
	switch {
	case n <= 0:
		return TierNotReported
	case 4*x >= 3*n:
		return TierHigh
	case 2*x >= n:
		return TierMedium
	default:
		return TierLow
	}
}

// Share is a declared share of periods as an exact decimal, above 0 and at
// most 1: 0.8 of 5 is 4, with no rounding on the way. The zero Share is not
// valid and is met by nobody.
type Share struct {
	numerator, denominator int64
}

// shareDecimals bounds a share so that its products stay within an int64.
const shareDecimals = 9

// ParseShare reads a decimal such as "1", "1.0" or "0.75", of at most nine
// places, above 0 and at most 1.
func ParseShare(s string) (Share, error) {
	r, ok := new(big.Rat).SetString(s)
	if !ok || len(s) > 32 || strings.ContainsFunc(s, notDecimal) {
		return Share{}, fmt.Errorf("parse share %.32q: not a decimal such as 0.75", s)
	}
	if r.Sign() <= 0 || r.Cmp(big.NewRat(1, 1)) > 0 {
		return Share{}, fmt.Errorf("parse share %q: must be above 0 and at most 1", s)
	}
	scaled := new(big.Rat).Mul(r, big.NewRat(1e9, 1))
	if !scaled.IsInt() {
		return Share{}, fmt.Errorf("parse share %q: more than %d decimal places", s, shareDecimals)
	}
	return Share{r.Num().Int64(), r.Denom().Int64()}, nil
}

func notDecimal(r rune) bool {
	return r != '.' && (r < '0' || r > '9')
}

// ShareOf returns the shortest decimal that reads back as f: 0.8 is 8/10 and
// not the binary fraction beside it. Errors are those of [ParseShare].
func ShareOf(f float64) (Share, error) {
	return ParseShare(strconv.FormatFloat(f, 'f', -1, 64))
}

// WholeShare is 1: every period.
func WholeShare() Share {
	return Share{1, 1}
}

// Met reports whether x ≥ share · n, exactly. n = 0 is never met.
func (s Share) Met(x, n int) bool {
	if n <= 0 || s.denominator == 0 {
		return false
	}
	return int64(x)*s.denominator >= s.numerator*int64(n)
}

// Float returns the share as a float64.
func (s Share) Float() float64 {
	if s.denominator == 0 {
		return 0
	}
	return float64(s.numerator) / float64(s.denominator)
}

// String returns the shortest decimal.
func (s Share) String() string {
	return strconv.FormatFloat(s.Float(), 'f', -1, 64)
}

// CountThroughout returns, of the participants (x engaged of n evaluable
// periods) with n ≥ 1, how many met the share, and how many there are. The
// tier of "throughout" is ClassifyTier of the two.
func CountThroughout(participants []Cluster, share Share) (x, n int) {
	for _, p := range participants {
		if p.N <= 0 {
			continue
		}
		n++
		if share.Met(p.X, p.N) {
			x++
		}
	}
	return x, n
}

// CountTiers returns how many participants are of each tier; all four tiers
// are in the map.
func CountTiers(participants []Cluster) map[Tier]int {
	counts := map[Tier]int{TierHigh: 0, TierMedium: 0, TierLow: 0, TierNotReported: 0}
	for _, p := range participants {
		counts[ClassifyTier(p.X, p.N)]++
	}
	return counts
}
