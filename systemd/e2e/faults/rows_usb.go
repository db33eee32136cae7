package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	usbMode = ", mode: {format: MJPG, size: 320x180, rate: 10}, quality: {frozen-after: 1s}, " + slowly
	usb     = "{device: {serial: CAM1}" + usbMode
	usbPort = "{device: {serial: CAM2}" + usbMode
)

// What cables, hubs and cheap cameras do: a UVC camera of the rig, by the
// kernel's own driver.
var usbRows = []row{
	{fault: "usb: pulled and plugged", place: machine, times: 200, faulty: usb, healthy: vividHealthy, prepare: plugged("CAM1"),
		strike: replug, bars: back},
	{fault: "usb: another number", place: machine, times: 5, faulty: usb, healthy: vividHealthy, prepare: plugged("CAM1"),
		strike: renumber, bars: back},
	{fault: "usb: stalled", place: machine, times: 5, faulty: usb, healthy: vividHealthy, prepare: plugged("CAM1"),
		strike: struck(say("stall"), lost, say("go")), bars: bars{detectedMax: 2500 * time.Millisecond, recoveredMax: 2 * time.Second, lost: outage}},
	{fault: "usb: frozen", place: machine, times: 5, faulty: usb, healthy: vividHealthy, prepare: plugged("CAM1"),
		strike: frozen, bars: bars{detectedMax: 1500 * time.Millisecond}},
	{fault: "usb: truncated frames", place: machine, times: 20, faulty: usb, healthy: vividHealthy, prepare: plugged("CAM1"),
		strike: damage("truncate 1"), bars: bars{lost: 1}},
	{fault: "usb: corrupt frames", place: machine, times: 20, faulty: usb, healthy: vividHealthy, prepare: plugged("CAM1"),
		strike: damage("corrupt 1"), bars: bars{lost: 1}, check: drops("corrupt")},
	{fault: "usb: slow", place: machine, times: 3, faulty: usb, healthy: vividHealthy, prepare: plugged("CAM1"), strike: slow},
	{fault: "usb: two swapped between ports", place: machine, times: 3, faulty: usb, healthy: usbPort, prepare: plugged("CAM1", "CAM2"),
		strike: swap, bars: bars{recoveredMax: time.Second, lost: outage, whole: true}},
	{fault: "usb: agent killed", place: machine, times: 3, faulty: usb, healthy: vividHealthy, prepare: plugged("CAM1"),
		strike: restarted(kill(daemon, unix.SIGKILL), manager("Main process exited")), bars: bars{lost: outage, whole: true}},
}

// plugged has the cameras there before the agent starts.
func plugged(serials ...string) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		b.usb = map[string]*usbCamera{}
		b.later(func() error {
			for _, c := range b.usb {
				c.pull()
			}
			return nil
		})
		for i, serial := range serials {
			if _, err := b.plug(ctx, serial, i); err != nil {
				return err
			}
		}
		return nil
	}
}

// replug pulls the camera and plugs it in again.
func replug(ctx context.Context, b *bench) (e episode, err error) {
	e.struck = monotonic()
	b.usb["CAM1"].pull()
	if e.noticed, err = b.since(ctx, e.struck, "word of the pull", lost); err != nil {
		return e, err
	}
	if e.mended, err = b.plug(ctx, "CAM1", 0); err != nil {
		return e, err
	}
	return b.recover(ctx, e)
}

// renumber has another camera take the number while the camera is away, and the
// next time lets go of it.
func renumber(ctx context.Context, b *bench) (e episode, err error) {
	before := b.usb["CAM1"].node
	e.struck = monotonic()
	b.usb["CAM1"].pull()
	if e.noticed, err = b.since(ctx, e.struck, "word of the pull", lost); err != nil {
		return e, err
	}
	if other := b.usb["OTHER"]; other != nil {
		other.pull()
		delete(b.usb, "OTHER")
	} else if _, err = b.plug(ctx, "OTHER", 1); err != nil {
		return e, err
	}
	if e.mended, err = b.plug(ctx, "CAM1", 0); err != nil {
		return e, err
	}
	if b.usb["CAM1"].node == before {
		return e, fmt.Errorf("the camera is %s again", before)
	}
	return b.recover(ctx, e)
}

// swap plugs each of two cameras where the other one was. Which of them is
// which shows in whose frames are damaged then.
func swap(ctx context.Context, b *bench) (e episode, err error) {
	e.struck = monotonic()
	b.usb["CAM1"].pull()
	b.usb["CAM2"].pull()
	if e.noticed, err = b.since(ctx, e.struck, "word of the pull", lost); err != nil {
		return e, err
	}
	b.strikes++
	if _, err = b.plug(ctx, "CAM2", (b.strikes+1)%2); err != nil {
		return e, err
	}
	if e.mended, err = b.plug(ctx, "CAM1", b.strikes%2); err != nil {
		return e, err
	}
	if e, err = b.recover(ctx, e); err != nil {
		return e, err
	}
	if _, err = b.record.frame(ctx, healthyCamera, 3, patience, e.mended); err != nil {
		return e, err
	}
	asked := monotonic()
	if err = b.usb["CAM1"].say("truncate 1"); err != nil {
		return e, err
	}
	if _, err = b.record.gap(ctx, faultyCamera, patience, asked); err != nil {
		return e, fmt.Errorf("which camera is which: %w", err)
	}
	return e, nil
}

// say gives the camera a command.
func say(command string) action {
	return func(_ context.Context, b *bench) error { return b.usb["CAM1"].say(command) }
}

// frozen is over when the agent says that it is.
func frozen(ctx context.Context, b *bench) (e episode, err error) {
	e, err = struck(say("freeze"), event("picture is bad", "CAMERA", faultyCamera, "VERDICT", "frozen"), say("thaw"))(ctx, b)
	if err == nil {
		e.recovered, err = b.since(ctx, e.mended, "a picture that is good", event("picture is no longer bad", "CAMERA", faultyCamera, "VERDICT", "frozen"))
	}
	return e, err
}

// damage has the camera damage one frame.
func damage(command string) strike {
	return func(ctx context.Context, b *bench) (episode, error) {
		return b.gap(ctx, say(command))
	}
}

// slow has frames come at a quarter of the rate for a while: none is lost.
func slow(ctx context.Context, b *bench) (episode, error) {
	some := func(ctx context.Context, b *bench) error {
		_, err := b.record.frame(ctx, faultyCamera, 10, patience, monotonic())
		return err
	}
	return struck(both(say("slow 4"), some), nil, say("slow 1"))(ctx, b)
}
