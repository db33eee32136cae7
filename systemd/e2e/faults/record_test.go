package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

const journal = `{"__MONOTONIC_TIMESTAMP":"1000","EVENT":"agent started","_PID":"7"}
not a line of JSON
{"__MONOTONIC_TIMESTAMP":"5000","EVENT":"accounting","CAMERA":"faulty","CAPTURED":"10","KERNEL_LOST":"2","PUBLISHED":"6","DROPPED_EVICTED":"3","DROPPED_SHUTDOWN":"1"}
{"__MONOTONIC_TIMESTAMP":"6000","EVENT":"accounting","CAMERA":"healthy","CAPTURED":"10","PUBLISHED":"9","DROPPED_NOT_DUE":"1"}
{"MESSAGE":[1,2,3]}
{"__MONOTONIC_TIMESTAMP":"7000","MESSAGE":"agent.service: Main process exited, code=killed","_PID":"1"}`

func recorded(frames ...frame) *bench {
	r := newRecord()
	r.readJournal(strings.NewReader(journal))
	r.frames[faultyCamera] = frames
	return &bench{record: r}
}

func TestJournalGivesTheAccounts(t *testing.T) {
	b := recorded(frame{published: time.Millisecond}, frame{published: 2 * time.Millisecond, sequence: 8, skipped: 2},
		frame{published: 9 * time.Millisecond, sequence: 1024}) // of the agent that started in between
	b.record.entries = append(b.record.entries, entry{at: 8 * time.Millisecond, fields: map[string]string{"_PID": "1", "MESSAGE": "Starting agent.service"}})
	b.over = time.Hour
	var r result
	if err := r.settle(b); err != nil {
		t.Fatal(err)
	}
	if r.Lost != 5 || r.OtherLost != 0 || r.Off != 0 || r.Killed != 0 || r.Accounts != 2 {
		t.Errorf("%+v", r)
	}
	if _, err := b.record.entry(t.Context(), "", time.Second, 0, manager("Main process exited")); err != nil {
		t.Error(err)
	}
	if _, err := b.record.entry(t.Context(), "the past", time.Nanosecond, 7*time.Millisecond, event("accounting")); err == nil {
		t.Error("an entry from before was found")
	}
}

func TestConsumerContradictsTheAccount(t *testing.T) {
	for why, f := range map[string]frame{
		"7 frames, where 6 were published": {published: 2, skipped: 5, sequence: 6},
		"7 frames missed, where 6 went":    {published: 2, sequence: 8},
	} {
		if err := new(result).settle(recorded(frame{published: 1}, f)); err == nil {
			t.Errorf("%s, and no error", why)
		}
	}
}

func TestSequenceNeverGoesBack(t *testing.T) {
	for want, second := range []uint64{8, 7, 3} {
		b := recorded(frame{sequence: 7, published: 1}, frame{sequence: second, published: 2})
		if n := b.record.backwards(faultyCamera, 0); n != min(want, 1) {
			t.Errorf("7, %d: went back %d times", second, n)
		}
	}
}

func TestFrameIsAwaited(t *testing.T) {
	b := recorded()
	got := make(chan frame)
	go func() {
		f, _ := b.record.frame(context.Background(), faultyCamera, 2, time.Minute, 3)
		got <- f
	}()
	for i := range 6 {
		b.record.note(func() {
			b.record.frames[faultyCamera] = append(b.record.frames[faultyCamera], frame{sequence: uint64(i), published: time.Duration(i)})
		})
	}
	if f := <-got; f.sequence != 5 {
		t.Errorf("the second frame published after 3 ns is %d, want 5", f.sequence)
	}
}
