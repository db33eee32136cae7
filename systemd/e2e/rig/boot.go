package rig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig/wire"
)

// Boot gives a clean machine, restored from a state that was saved at the end
// of a boot; the first call on a host makes that state. After limit the machine
// is killed, whatever becomes of this process.
func (img *Image) Boot(ctx context.Context, limit time.Duration) (*Machine, error) {
	a := img.chooseAccel(ctx)
	state := img.path("state-" + a.stateKey(ctx))
	if err := img.ensureState(ctx, a, state); err != nil {
		return nil, fmt.Errorf("save the state of a booted guest: %w", err)
	}
	m, err := img.start(ctx, a, filepath.Join(state, "disk.qcow2"), "qcow2", filepath.Join(state, "memory"), limit)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := m.wake(ctx); err != nil {
		err = m.cause(err)
		m.Close()
		return nil, fmt.Errorf("restore the guest: %w", err)
	}
	return m, nil
}

// ensureState boots once from power-on and saves the machine in the folder state.
func (img *Image) ensureState(ctx context.Context, a accel, state string) error {
	gate, err := lock(img.path("state.lock"))
	if err != nil {
		return err
	}
	defer gate.Close()
	if _, err := os.Stat(state); err == nil {
		return nil
	}
	start := time.Now()
	m, err := img.start(ctx, a, img.path("disk.raw"), "raw", "", 5*time.Minute)
	if err != nil {
		return err
	}
	defer m.Close()
	q, err := newQMP(m.qmp)
	if err != nil {
		return m.cause(err)
	}
	if err := m.ask(ctx, wire.Request{Settle: true}); err != nil {
		return m.cause(err)
	}
	if err := m.checkClock(ctx); err != nil {
		return err
	}
	tmp := state + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return err
	}
	if err := q.save(filepath.Join(tmp, "memory")); err != nil {
		return m.cause(err)
	}
	if err := q.do("quit", nil); err != nil {
		return err
	}
	err = <-m.ended
	m.ended <- err // for Close
	if err := os.Rename(filepath.Join(m.dir, "disk.qcow2"), filepath.Join(tmp, "disk.qcow2")); err != nil {
		return err
	}
	fmt.Fprintf(img.log, "rig: %s guest booted and saved in %.0f s\n", m.Kind, time.Since(start).Seconds())
	return os.Rename(tmp, state)
}

// checkClock compares the guest's second with the host's: every deadline and
// every frame rate in a test hangs on it.
func (m *Machine) checkClock(ctx context.Context) error {
	uptime := func() (float64, error) {
		out, err := m.Run(ctx, "cat", "/proc/uptime")
		if err != nil {
			return 0, err
		}
		first, _, _ := strings.Cut(out, " ")
		return strconv.ParseFloat(first, 64)
	}
	before, err := uptime()
	if err != nil {
		return err
	}
	start := time.Now()
	if _, err := m.Run(ctx, "sleep", "3"); err != nil {
		return err
	}
	after, err := uptime()
	if err != nil {
		return err
	}
	if ratio := (after - before) / time.Since(start).Seconds(); ratio < 0.8 || ratio > 1.25 {
		return fmt.Errorf("the guest's clock runs at %.2f times the host's", ratio)
	}
	return nil
}
