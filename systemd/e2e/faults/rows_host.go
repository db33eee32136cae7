package main

import (
	"context"
	"time"
)

// What a machine runs out of.
var hostRows = []row{
	{fault: "journald frozen", place: container, times: 3, short: 1, strike: struck(
		"pkill -STOP -x systemd-journal && "+workerSignal("KILL")+" && sleep 2 && pkill -CONT -x systemd-journal", nil, ""),
		bars: bars{lost: 1}},
	{fault: "out of descriptors", place: container, times: 2, strike: outOfDescriptors, bars: bars{recoveredMax: 2 * time.Second}},
}

// nofile sets how many descriptors the agent may have; only its user may.
func nofile(limits string) string {
	return "runuser -u edge-agent -- prlimit --pid $(systemctl show -P MainPID agent) --nofile=" + limits
}

// outOfDescriptors leaves none for the next worker. The end of that is told, too,
// which takes its time; until then a second one would not be news.
func outOfDescriptors(ctx context.Context, b *bench) (episode, error) {
	none := struck(nofile("3:4096")+" && "+workerSignal("KILL"),
		event("frame dropped", "CAMERA", faultyCamera, "DROP_REASON", "crashed"), nofile("4096:4096"))
	e, err := none(ctx, b)
	if err == nil {
		_, err = b.since(ctx, e.recovered, "the end of it", event("frames no longer dropped", "CAMERA", faultyCamera))
	}
	return e, err
}
