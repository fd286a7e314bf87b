package stats

import (
	"cmp"
	"slices"
)

// Cluster is what one cluster (a participant, a peer, a group) brought: x
// events of n. Clusters with n = 0 are left out of every count.
type Cluster struct {
	X, N int
}

// ClusteredRate is a proportion whose trials come in clusters: a Rate whose
// limits allow for the correlation within them.
type ClusteredRate struct {
	Rate
	// ICC is the intracluster correlation, as estimated: it may be below 0.
	ICC Value `json:"icc"`
	// DesignEffect divides x and n before the interval; at least 1.
	DesignEffect Value `json:"design_effect"`
	// Clusters counts those with n of at least 1.
	Clusters int `json:"clusters"`
	// BMS, WMS and N0 are the parts of the ICC: mean squares between and
	// within clusters, and the size that stands for all.
	BMS Value `json:"-"`
	WMS Value `json:"-"`
	N0  Value `json:"-"`
}

// EffectiveN is the number of independent trials that would tell as much:
// n / design effect.
func (c ClusteredRate) EffectiveN() Value {
	deff, ok := c.DesignEffect.Get()
	if !ok {
		return Undefined(c.DesignEffect.Reason())
	}
	return Defined(float64(c.N) / deff)
}

// NewClusteredRate returns Σx of Σn with a Wilson interval on x and n divided by
// the design effect. With k clusters of sizes n_j, events x_j, N = Σn_j, X = Σx_j:
//
//	BMS = (Σ x_j²/n_j - X²/N)/(k-1)      WMS = (X - Σ x_j²/n_j)/Σ(n_j-1)
//	n₀  = (N² - Σ n_j²)/((k-1)N)         ICC = (BMS-WMS)/(BMS+(n₀-1)WMS)
//	design effect = Σ n_j(1 + (n_j-1)·ICC)/N, with ICC below 0 taken as 0
//
// Sources: Fleiss, Statistical Methods for Rates and Proportions, 1981, for the
// analysis of variance estimate; Kish, Survey Sampling, 1965, for the design
// effect. Edge cases: nobody, all undefined; one cluster, value without limits
// ([ReasonOneCluster]); all clusters of size 1, no ICC and design effect 1; no
// variation (X is 0 or N), no ICC and N²/Σn_j² as effective n.
func NewClusteredRate(clusters []Cluster) ClusteredRate {
	s, ok := sumClusters(clusters)
	if !ok {
		return undefinedClusters(UndefinedRate(ReasonInvalid), 0, ReasonInvalid)
	}
	if s.k == 0 {
		return undefinedClusters(UndefinedRate(ReasonNoParticipants), 0, ReasonNoParticipants)
	}
	rate := Rate{X: s.x, N: s.n, Value: Defined(float64(s.x) / float64(s.n))}
	if s.k == 1 {
		rate.Lower, rate.Upper = bothUndefined(ReasonOneCluster)
		rate.Reason = ReasonOneCluster
		return undefinedClusters(rate, 1, ReasonOneCluster)
	}
	out := s.correlate()
	deff := out.DesignEffect.number
	rate.Lower, rate.Upper = Wilson(float64(s.x)/deff, float64(s.n)/deff)
	out.Rate, out.Clusters = rate, s.k
	return out
}

func undefinedClusters(rate Rate, k int, r Reason) ClusteredRate {
	u := Undefined(r)
	return ClusteredRate{Rate: rate, Clusters: k, ICC: u, DesignEffect: u, BMS: u, WMS: u, N0: u}
}

// clusterSums are the sums that the estimate needs: exact but for squares,
// which is Σ x²/n.
type clusterSums struct {
	k, x, n, nn int
	squares     float64
}

// sumClusters adds the clusters in order of size, so that their order in the
// input does not matter; false for an impossible cluster.
func sumClusters(clusters []Cluster) (clusterSums, bool) {
	sorted := slices.Clone(clusters)
	slices.SortFunc(sorted, func(a, b Cluster) int {
		return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(a.X, b.X))
	})
	var s clusterSums
	for _, c := range sorted {
		if c.N < 0 || c.X < 0 || c.X > c.N {
			return s, false
		}
		if c.N == 0 {
			continue
		}
		s.k++
		s.x += c.X
		s.n += c.N
		s.nn += c.N * c.N
		s.squares += float64(c.X) * float64(c.X) / float64(c.N)
	}
	return s, true
}

// correlate returns ICC and design effect for two or more clusters.
func (s clusterSums) correlate() ClusteredRate {
	k, x, n, nn := float64(s.k), float64(s.x), float64(s.n), float64(s.nn)
	n0 := (n*n - nn) / ((k - 1) * n)
	out := ClusteredRate{N0: Defined(n0), BMS: Defined((s.squares - x*x/n) / (k - 1))}
	switch {
	case s.k == s.n:
		out.WMS, out.ICC = bothUndefined(ReasonClustersOfOne)
		out.DesignEffect = Defined(1)
		return out
	case s.x == 0 || s.x == s.n:
		out.BMS, out.WMS = Defined(0), Defined(0)
		out.ICC = Undefined(ReasonNoVariation)
		out.DesignEffect = Defined(nn / n)
		return out
	}
	bms, wms := out.BMS.number, (x-s.squares)/(n-k)
	icc := (bms - wms) / (bms + (n0-1)*wms)
	out.WMS, out.ICC = Defined(wms), Defined(icc)
	out.DesignEffect = Defined((n + (nn-n)*max(0, icc)) / n)
	return out
}
