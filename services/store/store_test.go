package store_test

import (
	"testing"

	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
	"github.com/throughline-trials/throughline/services/store"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// open makes a store with empty tables in a database of the test's own.
func open(t testing.TB) *store.Store {
	t.Helper()
	name, _ := embeddedtest.Database(t)
	s, err := store.Open(t.Context(), store.Options{
		ClickHouse: embeddedtest.Engines(t).ClickHouseOptions(""), Database: name, Migrate: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
