package embedded

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
)

// Memory is what the process and the ClickHouse engine in it use, in bytes.
type Memory struct {
	Resident int64 // of the whole process
	Engine   int64 // allocated by ClickHouse, by its own account
}

// Memory measures. It runs a short statement.
func (e *Engines) Memory(ctx context.Context) (Memory, error) {
	resident, err := residentMemory()
	if err != nil {
		return Memory{}, fmt.Errorf("measure memory: %w", err)
	}
	session, err := e.engine.Session(ctx, chdb.Setup{})
	if err != nil {
		return Memory{}, fmt.Errorf("measure memory: %w", err)
	}
	defer session.Release()
	result, err := session.Query("SELECT value FROM system.metrics WHERE name = 'MemoryTracking'", "TSV")
	if err != nil {
		return Memory{}, fmt.Errorf("measure memory: %w", err)
	}
	defer result.Close()
	engine, err := strconv.ParseInt(strings.TrimSpace(string(result.Bytes())), 10, 64)
	if err != nil {
		return Memory{}, fmt.Errorf("measure memory: %w", err)
	}
	return Memory{Resident: resident, Engine: engine}, nil
}

// residentMemory reads the second field of /proc/self/statm, in pages.
func residentMemory() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/self/statm: want at least 2 fields")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
