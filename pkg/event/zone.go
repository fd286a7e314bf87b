package event

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Zone returns the IANA time zone of a name. It is an error if the name is not of a zone, or is one of this machine
// rather than of a place. Answers are remembered, so that it is cheap for every event; they need the zone data of the
// system or of the time/tzdata package.
func Zone(name string) (*time.Location, error) {
	if known, ok := zones.lookup(name); ok {
		if known == nil {
			return nil, errZone
		}
		return known, nil
	}
	if !validZoneName(name) {
		return nil, errZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		zone, err = nil, errZone
	}
	zones.remember(name, zone)
	return zone, err
}

var errZone = fmt.Errorf("find time zone: %s", FormatZone.advice())

// zones remembers what [time.LoadLocation] answered: it opens files, and events name the same few zones.
var zones zoneMemo

// zoneMemo is a bounded memory of zones; nil stands for a name that has none.
type zoneMemo struct {
	known atomic.Pointer[map[string]*time.Location]
	write sync.Mutex
}

// maxZones is above the number of IANA names, so that unknown names, which fill at most half, never crowd them out.
const maxZones = 2048

func (m *zoneMemo) lookup(name string) (zone *time.Location, ok bool) {
	if known := m.known.Load(); known != nil {
		zone, ok = (*known)[name]
	}
	return zone, ok
}

func (m *zoneMemo) remember(name string, zone *time.Location) {
	m.write.Lock()
	defer m.write.Unlock()
	old := map[string]*time.Location{}
	if known := m.known.Load(); known != nil {
		old = *known
	}
	if len(old) >= maxZones || zone == nil && len(old) >= maxZones/2 {
		return
	}
	next := make(map[string]*time.Location, len(old)+1)
	maps.Copy(next, old)
	next[strings.Clone(name)] = zone
	m.known.Store(&next)
}

// validZoneName reports whether name can be one of the IANA list: up to three parts of letters, digits, _, + and -. The
// files that zone folders hold besides are left out, as they differ between machines.
func validZoneName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	parts := 0
	for part := range strings.SplitSeq(name, "/") {
		if parts++; parts > 3 || !validZonePart(part) {
			return false
		}
		if parts == 1 && notAZone(part) {
			return false
		}
	}
	return isLetter(name[0])
}

func validZonePart(part string) bool {
	for i := range len(part) {
		if c := part[i]; !isLetter(c) && !isDigit(c) && c != '_' && c != '+' && c != '-' {
			return false
		}
	}
	return part != "" && part[0] != '+' && part[0] != '-'
}

func notAZone(first string) bool {
	switch first {
	case "Local", "localtime", "posixrules", "posix", "right", "Factory":
		return true
	}
	return false
}
