// Vm runs a command in a fresh guest of the end-to-end rig:
//
//	go run ./systemd/e2e/vm [-limit 5m] [-with PACKAGE,...] [-put FILE,...] [-container] COMMAND [ARG...]
//
// With -container the guest is a systemd-nspawn container: no cameras, full speed.
// Standard input, output and the exit code are the command's. Files of -put are
// in /share/bin, which is first in the PATH.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig"
)

func main() {
	limit := flag.Duration("limit", 5*time.Minute, "kill the machine after this time")
	with := flag.String("with", "", "Debian packages to have installed, separated by commas")
	container := flag.Bool("container", false, "use systemd-nspawn")
	put := flag.String("put", "", "files to have in the guest's PATH, separated by commas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := inGuest(ctx, *limit, *container, list(*with), list(*put), flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		code = 125
	}
	os.Exit(code)
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

func inGuest(ctx context.Context, limit time.Duration, container bool, packages, files, argv []string) (int, error) {
	if len(argv) == 0 {
		argv = []string{"bash", "-i"}
	}
	img, err := rig.Open(ctx, os.Stderr, packages...)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	boot := img.Boot
	if container {
		boot = img.Container
	}
	m, err := boot(ctx, limit)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	fmt.Fprintf(os.Stderr, "vm: %s guest after %.1f s\n", m.Kind, time.Since(start).Seconds())
	for _, f := range files {
		if err := exec.CommandContext(ctx, "cp", f, filepath.Join(m.Share, "bin")).Run(); err != nil {
			return 0, fmt.Errorf("put %s: %w", f, err)
		}
	}
	p, err := m.Start(os.Stdout, os.Stderr, argv...)
	if err != nil {
		return 0, err
	}
	go func() {
		io.Copy(p, os.Stdin)
		p.CloseInput()
	}()
	return p.Wait(ctx)
}
