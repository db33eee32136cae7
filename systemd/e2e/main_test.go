//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig"
)

// What all tests share, made once.
var (
	image *rig.Image
	deb   = os.Getenv("E2E_DEB")       // the package
	hooks = os.Getenv("E2E_TESTHOOKS") // the binary with test hooks
	bin   string                       // folder of programs for the guest
	logs  string                       // where each test leaves its journal
	table []row
)

// A row is one scenario of the report.
type row struct {
	scenario, verdict string
	took              time.Duration
	figures           []string
}

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err := prepare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	stop() // from here on a signal ends the process, and the machines with it
	code := m.Run()
	report(os.Stdout)
	if f, err := os.Create(filepath.Join(logs, "report.txt")); err == nil {
		report(f)
		f.Close()
	}
	os.Exit(code)
}

func prepare(ctx context.Context) error {
	root, err := rig.ModuleRoot()
	if err != nil {
		return err
	}
	if deb == "" {
		return fmt.Errorf("E2E_DEB must name the package under test (make e2e does)")
	}
	bin, logs = filepath.Join(root, ".cache", "e2e", "bin"), filepath.Join(root, ".cache", "e2e", "logs")
	if err := os.RemoveAll(logs); err != nil {
		return err
	}
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"uvcsim", "consumer"} {
		if err := rig.GoBuild(ctx, root, filepath.Join(bin, name), "./systemd/e2e/"+name); err != nil {
			return err
		}
	}
	depends, err := rig.Dependencies(ctx, deb)
	if err != nil {
		return err
	}
	// With what a new user needs who reads frames in Python.
	image, err = rig.Open(ctx, os.Stderr, append(depends, "python3-numpy")...)
	return err
}

func report(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nSCENARIO\tVERDICT\tTIME\tFIGURES")
	for _, r := range table {
		fmt.Fprintf(t, "%s\t%s\t%.1f s\t%s\n", r.scenario, r.verdict, r.took.Seconds(), strings.Join(r.figures, ", "))
	}
	t.Flush()
}
