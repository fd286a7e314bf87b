package study_test

import "testing"

func TestGoldenSummary(t *testing.T) {
	golden(t, "testdata/golden/hope.summary.txt", read(t, "hope.yaml").Summary())
	golden(t, "testdata/golden/minimal.summary.txt", read(t, "minimal.yaml").Summary())
}

func TestGoldenCanonical(t *testing.T) {
	golden(t, "testdata/golden/hope.json", string(read(t, "hope.yaml").JSON())+"\n")
	golden(t, "testdata/golden/minimal.json", string(read(t, "minimal.yaml").JSON())+"\n")
}
