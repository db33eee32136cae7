package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An action does something to the agent, or undoes it.
type action func(ctx context.Context, b *bench) error

// shell is a line of bash.
func shell(line string) action {
	return func(ctx context.Context, _ *bench) error {
		out, err := exec.CommandContext(ctx, "bash", "-c", line).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, bytes.TrimSpace(out))
		}
		return nil
	}
}

// both is one action after the other.
func both(first, second action) action {
	return func(ctx context.Context, b *bench) error {
		if err := first(ctx, b); err != nil {
			return err
		}
		return second(ctx, b)
	}
}

// kill signals the process whose command line begins with these words.
func kill(command string, s unix.Signal) action {
	return func(context.Context, *bench) error {
		lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			return err
		}
		for _, path := range lines {
			argv, _ := os.ReadFile(path) // it may have ended meanwhile
			if !strings.HasPrefix(strings.ReplaceAll(string(argv), "\x00", " "), command) {
				continue
			}
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				return err
			}
			return unix.Kill(pid, s)
		}
		return fmt.Errorf("no process %q", command)
	}
}
