package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const lockFile = "lock"

// InUseError is returned when another process holds a data folder.
type InUseError struct {
	Dir string
	PID int // 0 if not known
}

// Error names the folder and the process.
func (e *InUseError) Error() string {
	holder := "another process"
	if e.PID > 0 {
		holder = "process " + strconv.Itoa(e.PID)
	}
	return fmt.Sprintf("data folder %s is in use by %s: stop it, talk to it with --server, or choose another folder with --data", e.Dir, holder)
}

// Lock is the exclusive right to a data folder. The kernel frees it when the process ends, however it ends.
type Lock struct{ file *os.File }

// AcquireLock takes the lock of a data folder, which must exist, without waiting. If another process (or another
// call in this one) holds it, the error is an [*InUseError].
func AcquireLock(dir string) (*Lock, error) {
	path := filepath.Join(dir, lockFile)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	if err := tryLock(file); err != nil {
		defer file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &InUseError{Dir: dir, PID: readPID(file)}
		}
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	if err := writePID(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	return &Lock{file: file}, nil
}

// tryLock tries for as long as a passing look by [Locked] could be in the way.
func tryLock(file *os.File) (err error) {
	for range 5 {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// Locked says whether some process holds the lock of a data folder, and which one (0 if not known).
func Locked(dir string) (pid int, held bool) {
	file, err := os.Open(filepath.Join(dir, lockFile))
	if err != nil {
		return 0, false
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return 0, false
	}
	return readPID(file), true
}

// Release gives the folder up. A second call does nothing.
func (l *Lock) Release() {
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func readPID(file *os.File) int {
	b := make([]byte, 32)
	n, _ := file.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return 0
	}
	return pid
}
