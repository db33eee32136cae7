package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// In an emulated machine everything takes ten times as long, and a busy host
// takes whole seconds away: small pictures, few of them, and room in the queue
// for those seconds.
const slowly = "queue: {capacity: 28}, recovery: {process-deadline: 2s}, outputs: {model: {size: 320x180}}}"

const (
	vivid = "{device: {path: /dev/video0}, mode: {format: YUYV, size: 320x180, rate: 10}, controls: {timestamp_source: 1}, " + slowly
	// vividHealthy is another camera of the same driver.
	vividHealthy = "{device: {path: /dev/video1}, mode: {size: 320x180, rate: 5}, controls: {timestamp_source: 1}, " + slowly
	slowPattern  = "{device: {pattern: bars}, mode: {size: 320x180, rate: 5}, " + slowly
)

// What a driver can do to the agent: vivid errs on request.
var vividRows = []row{
	{fault: "vivid: buffer error", place: machine, times: 20, faulty: vivid, healthy: vividHealthy, prepare: numbered,
		strike: flagged, bars: bars{lost: 1}, check: drops("error-flag")},
	{fault: "vivid: dropped buffers", place: machine, times: 5, faulty: vivid, healthy: vividHealthy, prepare: numbered,
		strike: struck(both(set("percentage_of_dropped_buffers", 40), shell("sleep 2")), nil, set("percentage_of_dropped_buffers", 0)), bars: bars{lost: outage}},
	{fault: "vivid: fatal streaming error", place: machine, times: 5, afresh: true, faulty: vivid, healthy: vividHealthy, prepare: numbered,
		strike: struck(inject("inject_fatal_streaming_error"), lost, nil), bars: reopened},
	{fault: "vivid: QBUF error", place: machine, times: 5, faulty: vivid, healthy: vividHealthy, prepare: numbered,
		// The next read queues the buffer again.
		strike: struck(inject("inject_vidioc_qbuf_error"), nil, nil)},
	{fault: "vivid: STREAMON error", place: machine, times: 5, afresh: true, faulty: vivid, healthy: vividHealthy, prepare: numbered,
		strike: struck(both(inject("inject_vidioc_streamon_error"), inject("inject_fatal_streaming_error")), lost, nil), bars: reopened},
	{fault: "vivid: REQBUFS error", place: machine, times: 5, afresh: true, faulty: vivid, healthy: vividHealthy, prepare: numbered,
		strike: struck(both(inject("inject_vidioc_reqbufs_error"), inject("inject_fatal_streaming_error")), lost, nil), bars: reopened},
	{fault: "vivid: errors in a row", place: machine, times: 8, faulty: vivid, healthy: vividHealthy, prepare: numbered,
		strike: struck(inject("inject_fatal_streaming_error"), lost, nil), bars: bars{recoveredMax: 10 * time.Second, lost: outage}},
	{fault: "vivid: disconnect", place: machine, times: 5, faulty: vivid, healthy: slowPattern, prepare: numbered,
		strike: struck(inject("disconnect"), lost, both(driver("unbind"), rebind)), bars: back},
	{fault: "driver unbound and bound", place: machine, times: 5, faulty: vivid, healthy: slowPattern, prepare: numbered,
		strike: struck(driver("unbind"), lost, rebind), bars: back},
	{fault: "module removed and loaded", place: machine, times: 5, faulty: vivid, healthy: slowPattern, prepare: numbered,
		strike: struck(driver("unbind"), lost, both(released, shell("rmmod vivid; modprobe vivid"))), bars: back},
	{fault: "camera busy", place: machine, times: 5, faulty: vivid, healthy: slowPattern, prepare: numbered, strike: busy, bars: back},
	{fault: "clock steps", place: machine, times: 8, faulty: slowPattern, healthy: slowPattern, strike: clockSteps},
}

var (
	// A camera that was opened anew.
	reopened = bars{recoveredMedian: time.Second, lost: outage}
	// One that was away, from when it is there again.
	back = bars{recoveredMax: time.Second, lost: outage}
)

func inject(control string) action { return set(control, 1) }

// released waits until the agent has closed the camera: as long as anybody has a
// node open, its number is not free.
func released(ctx context.Context, b *bench) error {
	return shell("pid=$(systemctl show -P MainPID agent); while ls -l /proc/$pid/fd | grep -q /dev/video; do sleep 0.01; done")(ctx, b)
}

func rebind(ctx context.Context, b *bench) error {
	return both(released, driver("bind"))(ctx, b)
}

// numbered gives vivid's cameras their first numbers, whatever was before.
func numbered(ctx context.Context, b *bench) error {
	return both(driver("unbind"), driver("bind"))(ctx, b)
}

// driver unbinds both cameras of vivid, or binds them.
func driver(verb string) action {
	return func(context.Context, *bench) error {
		return os.WriteFile("/sys/bus/platform/drivers/vivid/"+verb, []byte("vivid.0"), 0)
	}
}

// drops wants as many drops under that name as strikes.
func drops(name string) func(int, map[string]account) error {
	return func(times int, accounts map[string]account) error {
		if n := accounts[faultyCamera].dropped[name]; n != uint64(times) {
			return fmt.Errorf("%d faults, %d drops as %s", times, n, name)
		}
		return nil
	}
}

func flagged(ctx context.Context, b *bench) (episode, error) {
	return b.gap(ctx, inject("inject_v4l2_buf_flag_error"))
}

// busy has another program stream when the agent starts.
func busy(ctx context.Context, b *bench) (e episode, err error) {
	const other = "v4l2-ctl -d /dev/video0 --stream-mmap --stream-count=0"
	taken := both(systemctl("stop"), shell("(setsid "+other+" >/dev/null 2>&1 & ) && sleep 1 && pgrep -f '^"+other+"'"))
	if err = taken(ctx, b); err != nil {
		return e, err
	}
	return struck(systemctl("start"), lost, shell("pkill -f '^"+other+"'"))(ctx, b)
}

// clockSteps sets the clock on the wall forth and back.
func clockSteps(ctx context.Context, b *bench) (episode, error) {
	steps := []string{"1 hour", "-1 hour", "10 years", "-10 years", "1 second", "-1 second"}
	b.strikes++
	return struck(shell("date -s '"+steps[b.strikes%len(steps)]+"'"), nil, nil)(ctx, b)
}
