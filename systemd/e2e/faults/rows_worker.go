package main

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// What native code does to its worker. Test hooks make it so on every 30th
// frame, a second apart.
var workerRows = []row{
	{fault: "worker: SIGSEGV on a frame", place: container, times: 30, short: 5, hooks: []string{"AGENT_TEST_CRASH_SEQUENCE=30/30"}, strike: workerGoes, bars: crash},
	{fault: "worker: abort on a frame", place: container, times: 30, short: 2, hooks: []string{"AGENT_TEST_ABORT_SEQUENCE=30/30"}, strike: workerGoes, bars: crash},
	{fault: "worker: hang on a frame", place: container, times: 20, short: 3, hooks: []string{"AGENT_TEST_HANG_SEQUENCE=30/30"}, strike: workerGoes, bars: hang},
	{fault: "worker: endless loop on a frame", place: container, times: 20, short: 2, hooks: []string{"AGENT_TEST_LOOP_SEQUENCE=30/30"}, strike: workerGoes, bars: loop},
	{fault: "worker: 1 GB on a frame", place: container, times: 20, short: 2, hooks: []string{"AGENT_TEST_MEMORY_SEQUENCE=30/30"}, strike: workerGoes, bars: crash},
	{fault: "worker: kill -9", place: container, times: 20, short: 2,
		strike: struck(kill(worker, unix.SIGKILL), workerReplaced, nil), bars: bars{recoveredMedian: 100 * time.Millisecond, lost: 1}},
	{fault: "worker: SIGSTOP", place: container, times: 20, short: 2,
		strike: workerStops, bars: hang},
	{fault: "worker: wrong answers", place: container, times: 1, hooks: []string{"AGENT_TEST_WRONG_SEQUENCE=30"}, strike: workerLies,
		bars: bars{detectedMax: 61 * time.Second, recoveredMax: time.Second, lost: 1}},
	{fault: "worker: crashes in a row", place: container, times: 1000, short: 20, hooks: []string{"AGENT_TEST_CRASH_SEQUENCE=30/1"}, strike: workerDies, bars: bars{lost: outage}},
}

var (
	workerReplaced = event("worker replaced", "CAMERA", faultyCamera)

	crash = bars{recoveredMedian: 100 * time.Millisecond, lost: 2}
	// A hang costs the frames that come meanwhile: seven at 30 a second.
	hang = bars{recoveredMax: deadline + 100*time.Millisecond, lost: 8}
	// One that computes has its deadline by the CPU time that it gets.
	loop = bars{recoveredMedian: deadline + 100*time.Millisecond, lost: 10}
)

// worker is the command line of the faulty camera's.
const worker = "agent worker " + faultyCamera

// workerStops stops the worker, which then hangs on its next frame.
func workerStops(ctx context.Context, b *bench) (episode, error) {
	if err := kill(worker, unix.SIGSTOP)(ctx, b); err != nil {
		return episode{}, err
	}
	return workerGoes(ctx, b)
}

// workerDies is over when the agent says that a worker had to go: it says how
// long that worker had had the frame, which is when it began.
func workerDies(ctx context.Context, b *bench) (e episode, err error) {
	told, err := b.next(ctx, "a worker that is replaced", workerReplaced)
	e.noticed = told.at
	e.struck = told.at - time.Duration(told.number("DURATION_US"))*time.Microsecond
	return e, err
}

// workerGoes waits for the next frame as well.
func workerGoes(ctx context.Context, b *bench) (episode, error) {
	e, err := workerDies(ctx, b)
	if err != nil {
		return e, err
	}
	return b.recover(ctx, e)
}

// workerLies waits until known frames find out that one bit in each image is
// wrong, which it is from the 30th frame on, and that the next worker passes.
func workerLies(ctx context.Context, b *bench) (e episode, err error) {
	first, err := b.record.sequence(ctx, faultyCamera, patience, b.cursor, func(n uint64) bool { return n%1024 == 30 })
	if err != nil {
		return e, err
	}
	e.struck = first.published
	failed, err := b.next(ctx, "a known frame that fails", event("worker fails on a known frame", "CAMERA", faultyCamera))
	if err != nil {
		return e, err
	}
	e.noticed = failed.at
	e.mended = e.noticed
	e.recovered, err = b.since(ctx, e.noticed, "a known frame that passes", event("worker passes known frames again", "CAMERA", faultyCamera))
	return e, err
}
