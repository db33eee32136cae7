package main

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// What a machine runs out of.
var hostRows = []row{
	{fault: "journald frozen", place: container, times: 3, short: 1,
		strike: struck(both(shell("pkill -STOP -x systemd-journal"), kill(worker, unix.SIGKILL)), nil, shell("sleep 2; pkill -CONT -x systemd-journal")),
		bars:   bars{lost: 1}},
	{fault: "out of descriptors", place: container, times: 2, strike: outOfDescriptors, bars: bars{recoveredMax: 2 * time.Second, lost: outage}},
	{fault: "disk full", place: container, times: 5, short: 1, prepare: smallDisk,
		faulty: "{device: {pattern: bars}, mode: {size: 320x180, rate: 30}, queue: {capacity: 12}, outputs: {model: {size: 320x180}, archive: {encode: jpeg, every: 100ms, files: {dir: archive, keep: 16MiB}}}}",
		strike: diskFull, bars: bars{detectedMax: 5 * time.Second, recoveredMax: 10 * time.Second}},
	{fault: "broken JPEGs, a thousand frames each", place: container, times: 100, short: 3, prepare: spoiled,
		faulty: "{device: {replay: " + stillsDir + ", loop: true, pace: fastest}, queue: {policy: block}, outputs: {model: {size: 320x180}}}",
		strike: corpusRuns, bars: bars{lost: corpusFrames}},
}

// smallDisk gives the agent's state a disk of its own.
func smallDisk(ctx context.Context, b *bench) error {
	b.later(func() error { return shell("umount /var/lib/agent")(context.WithoutCancel(ctx), b) })
	return shell("mount -t tmpfs -o size=8m,mode=750,uid=edge-agent,gid=edge-agent agent /var/lib/agent")(ctx, b)
}

const filler = "/var/lib/agent/filler"

// fill takes all room on the disk. Of its own files the agent gives up the oldest
// for each new one, and would go on like that; so they are taken away as well.
func fill(ctx context.Context, b *bench) error {
	return shell("for i in 1 2 3 4 5; do rm -f /var/lib/agent/archive/*; dd if=/dev/zero bs=4k status=none 2>/dev/null >>"+filler+"; done; true")(ctx, b)
}

// diskFull is over when images are written again.
func diskFull(ctx context.Context, b *bench) (e episode, err error) {
	e, err = struck(fill, event("images cannot be written", "CAMERA", faultyCamera), shell("rm "+filler))(ctx, b)
	if err == nil {
		e.recovered, err = b.since(ctx, e.mended, "images on the disk", event("images are written again", "CAMERA", faultyCamera))
	}
	return e, err
}

// nofile sets how many descriptors the agent may have; only its user may.
func nofile(limits string) action {
	return shell("runuser -u edge-agent -- prlimit --pid $(systemctl show -P MainPID agent) --nofile=" + limits)
}

// outOfDescriptors leaves none for the next worker. The end of that is told, too,
// which takes its time; until then a second one would not be news.
func outOfDescriptors(ctx context.Context, b *bench) (episode, error) {
	none := struck(both(nofile("3:4096"), kill(worker, unix.SIGKILL)),
		event("frame dropped", "CAMERA", faultyCamera, "DROP_REASON", "crashed"), nofile("4096:4096"))
	e, err := none(ctx, b)
	if err == nil {
		_, err = b.since(ctx, e.recovered, "the end of it", event("frames no longer dropped", "CAMERA", faultyCamera, "DROP_REASON", "crashed"))
	}
	return e, err
}
