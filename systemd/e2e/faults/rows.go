package main

import (
	"context"
	"slices"
	"time"
)

// rows is the campaign.
func rows(o options) []row {
	return slices.Concat(workerRows, agentRows, hostRows)
}

// deadline is the process-deadline of the config, unless it says another one.
const deadline = 200 * time.Millisecond

// struck makes an episode of something that we do, that the agent notices with
// an entry that matches, and that is then undone; by "" it undoes itself.
func struck(do string, noticed match, undo string) strike {
	return func(ctx context.Context, b *bench) (e episode, err error) {
		e.struck = monotonic()
		if _, err = b.sh(ctx, do); err != nil {
			return e, err
		}
		if noticed != nil {
			if e.noticed, err = b.since(ctx, e.struck, "word of: "+do, noticed); err != nil {
				return e, err
			}
		}
		if undo != "" {
			if _, err = b.sh(ctx, undo); err != nil {
				return e, err
			}
			e.mended = monotonic()
		}
		return b.recover(ctx, e)
	}
}
