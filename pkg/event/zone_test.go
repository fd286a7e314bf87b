package event_test

import (
	"fmt"
	"sync"
	"testing"
	_ "time/tzdata"

	"github.com/throughline-trials/throughline/pkg/event"
)

func TestZone(t *testing.T) {
	for _, name := range []string{"UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati", "America/Argentina/Ushuaia", "Etc/GMT+5", "America/Port-au-Prince", "GMT"} {
		for range 2 {
			zone, err := event.Zone(name)
			if err != nil || zone.String() != name {
				t.Errorf("Zone(%q) = %v, %v", name, zone, err)
			}
		}
	}
	for _, name := range []string{
		"", "Local", "localtime", "posixrules", "posix/Europe/Berlin", "right/Europe/Berlin", "Factory", "Europe/Atlantis", "Europe", "EUROPE",
		"../etc/passwd", "/etc/localtime", "Europe/../Europe/Berlin", "./UTC", "Europe//Berlin", "Europe/Berlin/", `Europe\Berlin`, "C:/UTC",
		"Europe/Berlin\x00", "zone.tab", "tzdata.zi", "+05:00", "-5", "A/B/C/D", "Europe/Berlin ", " UTC", "Zürich",
	} {
		for range 2 {
			if zone, err := event.Zone(name); err == nil {
				t.Errorf("Zone(%q) = %v", name, zone)
			}
		}
	}
}

// TestZoneManyUnknown names more zones than are remembered, from many goroutines; known ones are found all the same.
func TestZoneManyUnknown(t *testing.T) {
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 500 {
				if _, err := event.Zone(fmt.Sprintf("Nowhere/Town%d_%d", worker, i)); err == nil {
					t.Error("found a zone that is not there")
				}
			}
		})
	}
	wg.Wait()
	if _, err := event.Zone("Australia/Lord_Howe"); err != nil {
		t.Error(err)
	}
}
