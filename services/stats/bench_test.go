package stats_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

// benchTrial makes a trial of three arms and four strata over half a year.
func benchTrial(n int) []stats.Observation {
	random := rand.New(rand.NewPCG(1, 2))
	obs := make([]stats.Observation, n)
	for i := range obs {
		obs[i] = stats.Observation{Time: float64(random.IntN(168)), Event: random.IntN(3) > 0, Arm: i % 3, Stratum: random.IntN(4)}
	}
	return obs
}

func benchClusters(n int) []stats.Cluster {
	random := rand.New(rand.NewPCG(3, 4))
	clusters := make([]stats.Cluster, n)
	for i := range clusters {
		clusters[i] = stats.Cluster{X: random.IntN(13), N: 12}
	}
	return clusters
}

// BenchmarkAnalysis is all of a trial: curves by arm with medians, means and
// follow-up, all tests, Cox both ways, competing causes, clustered participation.
func BenchmarkAnalysis(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		obs, clusters := benchTrial(n), benchClusters(n)
		b.Run(fmt.Sprintf("participants=%d", n), func(b *testing.B) {
			for b.Loop() {
				everything(obs, 3)
				for _, group := range stats.ByArm(obs, 3) {
					curve := stats.KaplanMeier(group, stats.LogLog)
					curve.Median()
					curve.RestrictedMean(100)
				}
				stats.NewClusteredRate(clusters)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/participant")
		})
	}
}

func BenchmarkKaplanMeier(b *testing.B) {
	obs := benchTrial(10_000)
	for b.Loop() {
		stats.KaplanMeier(obs, stats.LogLog)
	}
}

func BenchmarkLogRank(b *testing.B) {
	obs := benchTrial(10_000)
	for b.Loop() {
		stats.NewLogRank(obs, stats.LogRankOptions{Arms: 3, Stratified: true})
	}
}

func BenchmarkCox(b *testing.B) {
	obs := benchTrial(10_000)
	for b.Loop() {
		stats.Cox(obs, stats.CoxOptions{Arms: 3})
	}
}

func BenchmarkAalenJohansen(b *testing.B) {
	ends := endings(benchTrial(10_000))
	for b.Loop() {
		stats.AalenJohansen(ends, 2)
	}
}

func BenchmarkClusteredRate(b *testing.B) {
	clusters := benchClusters(10_000)
	for b.Loop() {
		stats.NewClusteredRate(clusters)
	}
}
