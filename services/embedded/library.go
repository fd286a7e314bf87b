package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// LibraryVariable is the environment variable that names libchdb.so.
const LibraryVariable = "THROUGHLINE_LIBCHDB"

const (
	libraryFile   = "libchdb.so"
	libraryFolder = "deploy/embedded/node_modules/@chdb/lib-linux-x64-gnu"
)

// ErrNoLibrary is wrapped by the error of [FindLibrary].
var ErrNoLibrary = errors.New("ClickHouse engine library not found")

// FindLibrary returns the path of libchdb.so. It looks, in this order, at explicit (a file, or a folder that holds
// it), the environment variable THROUGHLINE_LIBCHDB, the data folder, ../deploy/embedded beside the executable,
// and deploy/embedded in the working directory and its parents. A place that was named and does not hold it is an
// error, not a reason to look further. The error says how to get the library.
func FindLibrary(explicit, dataDir string) (string, error) {
	if explicit != "" {
		return namedLibrary("--libchdb", explicit)
	}
	if named := os.Getenv(LibraryVariable); named != "" {
		return namedLibrary(LibraryVariable, named)
	}
	for _, path := range libraryPlaces(dataDir) {
		if isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: get it with `make libchdb` (or `npm ci --prefix deploy/embedded`), or name the file with --libchdb or %s",
		ErrNoLibrary, LibraryVariable)
}

func namedLibrary(by, path string) (string, error) {
	for _, candidate := range []string{path, filepath.Join(path, libraryFile)} {
		if isFile(candidate) {
			return filepath.Abs(candidate)
		}
	}
	return "", fmt.Errorf("%w: %s names %s, which is not there; get it with `make libchdb`", ErrNoLibrary, by, path)
}

func libraryPlaces(dataDir string) []string {
	var places []string
	if dataDir != "" {
		places = append(places, filepath.Join(dataDir, libraryFile))
	}
	if executable, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(executable); err == nil {
			executable = real
		}
		places = append(places, filepath.Join(filepath.Dir(executable), "..", libraryFolder, libraryFile))
	}
	if dir, err := os.Getwd(); err == nil {
		for ; ; dir = filepath.Dir(dir) {
			places = append(places, filepath.Join(dir, libraryFolder, libraryFile))
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return places
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
