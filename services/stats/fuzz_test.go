package stats_test

import (
	"encoding/json"
	"testing"

	"github.com/throughline-trials/throughline/services/stats"
)

// FuzzEverything reads observations from bytes, three each, and asks for every
// figure: none panics, and none is NaN or infinite.
func FuzzEverything(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 1, 1}, 2)
	f.Add([]byte{3, 1, 0, 3, 0, 1, 9, 1, 2, 9, 1, 4}, 3)
	f.Add([]byte{}, 0)
	f.Add([]byte{255, 1, 9}, 1)
	f.Fuzz(func(t *testing.T, data []byte, arms int) {
		if arms < 0 || arms > 6 || len(data) > 900 {
			return
		}
		var obs []stats.Observation
		for ; len(data) >= 3; data = data[3:] {
			obs = append(obs, stats.Observation{
				Time: float64(int8(data[0])), Event: data[1]&1 == 1, Arm: int(int8(data[2])) % 7, Stratum: int(data[1]>>1)%4 - 1,
			})
		}
		if _, err := json.Marshal(everything(obs, arms)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzShare holds that a share that reads is in (0, 1] and reads back as itself.
func FuzzShare(f *testing.F) {
	for _, text := range []string{"1.0", "0.75", "0.333333333", "1e9", "-0", "..", "0.00000000001"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		share, err := stats.ParseShare(text)
		if err != nil {
			return
		}
		if v := share.Float(); v <= 0 || v > 1 {
			t.Fatalf("%q is %v", text, v)
		}
		if back, err := stats.ParseShare(share.String()); err != nil || back != share {
			t.Fatalf("%q is %v and reads back as %v, %v", text, share, back, err)
		}
		if !share.Met(1, 1) || share.Met(0, 1) {
			t.Fatalf("%q is met by none, or not by all", text)
		}
	})
}
