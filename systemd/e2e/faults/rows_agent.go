package main

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// What happens to the agent as a whole. systemd notices, and starts the next one.
var agentRows = []row{
	{fault: "agent: kill -9", place: container, times: 10, short: 2,
		strike: restarted(kill(daemon, unix.SIGKILL), manager("Main process exited")),
		bars:   bars{recoveredMax: time.Second, whole: true}},
	{fault: "agent: SIGSTOP", place: container, times: 2,
		strike: restarted(kill(daemon, unix.SIGSTOP), manager("Watchdog timeout")),
		bars:   bars{detectedMax: 11 * time.Second, recoveredMax: time.Second, whole: true}},
	{fault: "agent: a stage that hangs in C++", place: container, times: 2, short: 1,
		agent: "isolation: none", hooks: []string{"AGENT_TEST_HANG_SEQUENCE=90/90"},
		strike: restarted(nil, event("a stage is stuck")),
		bars:   bars{recoveredMax: time.Second, whole: true}},
}

// daemon is how the agent's command line begins.
const daemon = "/usr/bin/agent run"

// restarted makes an episode of something that systemd ends by starting the
// agent anew: recovery counts from there.
func restarted(do action, noticed match) strike {
	return func(ctx context.Context, b *bench) (e episode, err error) {
		e.struck = monotonic()
		if do != nil {
			if err = do(ctx, b); err != nil {
				return e, err
			}
		}
		if e.noticed, err = b.since(ctx, e.struck, "word of the fault", noticed); err != nil {
			return e, err
		}
		if e.mended, err = b.since(ctx, e.noticed, "a restart", manager("Scheduled restart job")); err != nil {
			return e, err
		}
		return b.recover(ctx, e)
	}
}
