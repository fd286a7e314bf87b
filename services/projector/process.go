package projector

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// process names a process of a machine so that it can be told whether it is gone, even if another has got its number.
type process struct {
	Host  string `json:"host"`
	PID   int    `json:"pid"`
	Start string `json:"start"` // when it began, as the kernel counts; empty where that cannot be read
	Boot  string `json:"boot"`  // of the machine; empty where that cannot be read
}

func thisProcess() process {
	host, _ := os.Hostname() // an empty name is that of no machine
	pid := os.Getpid()
	return process{Host: host, PID: pid, Start: startOf(pid), Boot: bootID()}
}

// gone reports whether the process surely does not run any more. Of another machine that is never sure.
func (p process) gone() bool {
	self := thisProcess()
	switch {
	case p.PID <= 0 || p.Host == "" || p.Host != self.Host:
		return false
	case p.Boot != self.Boot:
		return p.Boot != "" && self.Boot != ""
	case errors.Is(syscall.Kill(p.PID, 0), syscall.ESRCH):
		return true
	}
	start := startOf(p.PID)
	return p.Start != "" && start != "" && start != p.Start
}

// startOf reads the 22nd field of /proc/PID/stat. The second, a name in brackets, may hold blanks.
func startOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
