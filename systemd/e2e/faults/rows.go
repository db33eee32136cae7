package main

import (
	"context"
	"slices"
	"time"
)

// rows is the campaign.
func rows(o options) []row {
	return slices.Concat(workerRows, agentRows, hostRows, vividRows, usbRows)
}

// deadline is the process-deadline of the config, unless it says another one.
const deadline = 200 * time.Millisecond

// struck makes an episode of something that is done, that the agent notices with
// an entry that matches, and that is then undone. Without a match nobody is
// asked to notice; without an undo it passes by itself.
func struck(do action, noticed match, undo action) strike {
	return func(ctx context.Context, b *bench) (e episode, err error) {
		e.struck = monotonic()
		if err = do(ctx, b); err != nil {
			return e, err
		}
		if noticed != nil {
			if e.noticed, err = b.since(ctx, e.struck, "word of the fault", noticed); err != nil {
				return e, err
			}
		}
		if undo != nil {
			if err = undo(ctx, b); err != nil {
				return e, err
			}
			e.mended = monotonic()
		}
		return b.recover(ctx, e)
	}
}

// lost is what the agent says when a camera is away.
var lost = event("camera not available, trying again", "CAMERA", faultyCamera)
