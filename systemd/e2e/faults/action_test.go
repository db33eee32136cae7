package main

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestProcessIsFoundByItsCommandLine(t *testing.T) {
	cmd := exec.Command("sleep", "86399.5")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := kill("sleep 86399.5", unix.SIGTERM)(t.Context(), nil); err != nil {
		t.Error(err)
		cmd.Process.Kill()
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: terminated" {
		t.Errorf("it ended with %v", err)
	}
	if err := kill("sleep 86399.5", unix.SIGTERM)(t.Context(), nil); err == nil {
		t.Error("nobody was signalled, and no error")
	}
}
