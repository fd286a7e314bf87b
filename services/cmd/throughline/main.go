// Command throughline is the whole of Throughline: every service, and every command of the people who run them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata"
)

// version is set by the linker.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{out: os.Stdout, err: os.Stderr}))
}

// run carries out one command line and returns the exit code: 0 done, 1 failed or rows refused, 2 usage.
func run(ctx context.Context, args []string, io streams) int {
	cmd := newRoot(io)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case isUsage(err):
		fmt.Fprintf(io.err, "throughline: %v\nsee: %s --help\n", err, commandPath(cmd, args))
		return 2
	case isQuiet(err):
		return 1
	}
	fmt.Fprintf(io.err, "throughline: %v\n", err)
	return 1
}
