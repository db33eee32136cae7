package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// The two cameras of every row.
const (
	faultyCamera  = "faulty"
	healthyCamera = "healthy"
)

// pattern is a camera that nothing can happen to but what happens to its
// process and its worker.
const pattern = "{device: {pattern: bars}, mode: {size: 320x180, rate: 30}, outputs: {model: {size: 320x180}}}"

// healthyPattern is one whose queue has room for half a second: a busy host, such
// as one that runs other tests, takes a tenth of it away now and then.
const healthyPattern = "{device: {pattern: bars}, mode: {size: 320x180, rate: 30}, queue: {capacity: 12}, outputs: {model: {size: 320x180}}}"

// patience is how long anything that is bound to happen may take.
const patience = 90 * time.Second

// A bench is the agent as a service of this machine, for one row.
type bench struct {
	record       *record
	row          row
	began        time.Duration
	struck, over time.Duration         // between which frames count as lost
	cursor       time.Duration         // the last entry that was waited for
	strikes      int                   // of those rows in which they differ
	usb          map[string]*usbCamera // by serial number
	undo         []func() error
}

// later has something undone at the end of the row.
func (b *bench) later(undo func() error) { b.undo = append(b.undo, undo) }

// live runs the agent with the row's config around what happens to it.
func (b *bench) live(ctx context.Context, happens func() error) (err error) {
	defer func() {
		for _, undo := range slices.Backward(b.undo) {
			err = errors.Join(err, undo())
		}
	}()
	if b.row.prepare != nil {
		if err := b.row.prepare(ctx, b); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	if err := b.configure(ctx); err != nil {
		return err
	}
	stopped := b.record.consumers(ctx, faultyCamera, healthyCamera)
	defer stopped()
	b.cursor = b.began
	if err = b.bring(ctx, "start"); err == nil {
		b.struck = monotonic()
		err = happens()
		b.over = monotonic()
	}
	return errors.Join(err, b.stop(ctx))
}

// systemctl does something to the service.
func systemctl(verb string) action { return shell("systemctl " + verb + " agent") }

// configure writes the config, and chooses the binary and what its hooks do.
func (b *bench) configure(ctx context.Context) error {
	yaml := fmt.Sprintf("%s\ncameras:\n  %s: %s\n  %s: %s\n", b.row.agent,
		faultyCamera, cmp.Or(b.row.faulty, pattern), healthyCamera, cmp.Or(b.row.healthy, healthyPattern))
	if err := os.WriteFile("/etc/agent/agent.yaml", []byte(yaml), 0o644); err != nil {
		return err
	}
	if len(b.row.hooks) == 0 {
		return nil
	}
	variables := strings.Join(append(b.row.hooks, "AGENT_TEST_CAMERA="+faultyCamera), " ")
	b.later(func() error {
		return shell("umount /usr/bin/agent && systemctl unset-environment $(systemctl show-environment | sed -n 's/\\(AGENT_TEST_[A-Z_]*\\)=.*/\\1/p')")(context.WithoutCancel(ctx), b)
	})
	return shell("mount --bind /share/bin/agent-testhooks /usr/bin/agent && systemctl set-environment "+variables)(ctx, b)
}

// bring starts or restarts the agent, and returns when both cameras publish.
func (b *bench) bring(ctx context.Context, verb string) error {
	if err := systemctl(verb)(ctx, b); err != nil {
		return err
	}
	now := monotonic()
	for _, camera := range []string{faultyCamera, healthyCamera} {
		if _, err := b.record.frame(ctx, camera, 5, patience, now); err != nil {
			return err
		}
	}
	return nil
}

// stop returns when the journal has the accounts.
func (b *bench) stop(ctx context.Context) error {
	asked := monotonic()
	if err := both(systemctl("stop"), shell("journalctl --sync"))(ctx, b); err != nil {
		return err
	}
	_, err := b.record.entry(ctx, "the agent's last word", patience, asked, event("agent stopped"))
	return err
}

// next waits for the next entry that matches, of those that were not waited
// for before.
func (b *bench) next(ctx context.Context, what string, m match) (entry, error) {
	e, err := b.record.entry(ctx, what, patience, b.cursor+1, m)
	b.cursor = e.at
	return e, err
}

// since waits for an entry that came after the fault.
func (b *bench) since(ctx context.Context, struck time.Duration, what string, m match) (time.Duration, error) {
	e, err := b.record.entry(ctx, what, patience, struck, m)
	return e.at, err
}

// recover waits for the first frame of the faulty camera after the fault was
// noticed and mended, and then for steadier times.
func (b *bench) recover(ctx context.Context, e episode) (episode, error) {
	f, err := b.record.frame(ctx, faultyCamera, 1, patience, max(e.struck, e.noticed, e.mended))
	if err != nil {
		return e, err
	}
	e.recovered = f.published
	_, err = b.record.frame(ctx, faultyCamera, 5, patience, e.recovered)
	return e, err
}

// gap makes an episode of something that costs frames and no more: it is over
// with the frame behind the gap. The journal tells of the first of many.
func (b *bench) gap(ctx context.Context, do action) (e episode, err error) {
	e.struck = monotonic()
	if err = do(ctx, b); err != nil {
		return e, err
	}
	behind, err := b.record.gap(ctx, faultyCamera, patience, e.struck)
	if err != nil {
		return e, err
	}
	e.recovered = behind.published
	if told := b.record.all(e.struck, event("frame dropped", "CAMERA", faultyCamera)); len(told) > 0 {
		e.noticed = told[0].at
	}
	return e, nil
}
