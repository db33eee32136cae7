package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig"
)

// limit is how long a guest may live.
const limit = 40 * time.Minute

// campaign runs the rows in their places and prints the table.
func campaign(ctx context.Context, o options, rows []row) error {
	depends, err := rig.Dependencies(ctx, o.deb)
	if err != nil {
		return err
	}
	img, err := rig.Open(ctx, os.Stderr, depends...)
	if err != nil {
		return err
	}
	var results []result
	for _, p := range []place{container, machine} {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.place == p }) {
			continue
		}
		told, err := visit(ctx, o, img, p)
		results = append(results, told...)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	var table bytes.Buffer
	failed := print(&table, results)
	os.Stdout.Write(table.Bytes())
	if err := os.WriteFile(o.report, table.Bytes(), 0o644); err != nil {
		return err
	}
	if failed > 0 || len(results) < len(rows) {
		return fmt.Errorf("%d of %d rows failed", failed+len(rows)-len(results), len(rows))
	}
	return nil
}

// visit starts a guest, installs the agent, and has the rows of this place run.
func visit(ctx context.Context, o options, img *rig.Image, p place) (results []result, err error) {
	boot := img.Boot
	if p == container {
		boot = img.Container
	}
	m, err := boot(ctx, limit)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if err := equip(ctx, o, m, p); err != nil {
		return nil, err
	}
	defer keepJournal(ctx, m, filepath.Join(filepath.Dir(o.report), "faults-"+string(p)+".txt"))
	return tell(ctx, m, append([]string{"faults", "-inside", string(p)}, o.inside()...))
}

// equip puts the package and the programs of the campaign into the guest.
func equip(ctx context.Context, o options, m *rig.Machine, p place) error {
	bin := filepath.Join(m.Share, "bin")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	root, err := rig.ModuleRoot()
	if err != nil {
		return err
	}
	for from, to := range map[string]string{
		self: filepath.Join(bin, "faults"), o.deb: bin, o.hooks: filepath.Join(bin, "agent-testhooks"),
		filepath.Join(root, "testdata", "jpeg"): m.Share, o.corpus: filepath.Join(m.Share, "corpus"),
	} {
		if from == "" {
			continue
		}
		if out, err := exec.CommandContext(ctx, "cp", "-r", from, to).CombinedOutput(); err != nil {
			return fmt.Errorf("copy %s: %w: %s", from, err, out)
		}
	}
	if p == machine {
		if err := rig.GoBuild(ctx, root, filepath.Join(bin, "uvcsim"), "./systemd/e2e/uvcsim"); err != nil {
			return err
		}
	}
	if _, err := m.Run(ctx, "dpkg", "-i", "/share/bin/"+filepath.Base(o.deb)); err != nil {
		return err
	}
	_, err = m.Shell(ctx, "systemctl stop agent && journalctl --sync")
	return err
}

// keepJournal leaves the guest's journal where the table is.
func keepJournal(ctx context.Context, m *rig.Machine, file string) {
	text, err := m.Run(context.WithoutCancel(ctx), "journalctl", "--no-pager", "-o", "short-monotonic")
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
}

// inside are the options as the program in the guest gets them.
func (o options) inside() []string {
	argv := []string{"-rows", o.rows, "-times", strconv.Itoa(o.times), "-short=" + strconv.FormatBool(o.short)}
	if o.corpus != "" {
		argv = append(argv, "-corpus", "/share/corpus")
	}
	return argv
}

// tell runs a command in the guest that writes results, and says how each row went.
func tell(ctx context.Context, m *rig.Machine, argv []string) (results []result, err error) {
	in, out := io.Pipe()
	var said bytes.Buffer
	process, err := m.Start(out, &said, argv...)
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		code, err := process.Wait(ctx)
		if err == nil && code != 0 {
			err = fmt.Errorf("exit code %d: %s", code, said.Bytes())
		}
		out.Close()
		ended <- err
	}()
	for told := json.NewDecoder(in); ; {
		var r result
		if err := told.Decode(&r); err != nil {
			return results, <-ended
		}
		fmt.Printf("faults: %s: %s after %.0f s\n", r.Fault, r.verdict(), r.Took.Seconds())
		results = append(results, r)
	}
}
