package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/reader"
)

// follow notes the journal of the service, from boot on, until stopped is called.
func (r *record) follow(ctx context.Context) (stopped func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "journalctl", "--follow", "--no-tail", "--boot", "--unit=agent", "--output=json", "--all")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("follow the journal: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.readJournal(out)
	}()
	return func() {
		cancel()
		<-done
		_ = cmd.Wait() // it was killed
	}, nil
}

// readJournal notes entries, one JSON object a line, until the end.
func (r *record) readJournal(in io.Reader) {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if e, ok := parseEntry(line); ok {
			r.note(func() { r.entries = append(r.entries, e) })
		}
		if err != nil {
			return
		}
	}
}

func parseEntry(line []byte) (entry, bool) {
	var members map[string]any
	if json.Unmarshal(line, &members) != nil {
		return entry{}, false
	}
	e := entry{fields: map[string]string{}}
	for name, value := range members {
		e.fields[name] = fmt.Sprint(value)
	}
	us, err := strconv.ParseInt(e.fields["__MONOTONIC_TIMESTAMP"], 10, 64)
	e.at = time.Duration(us) * time.Microsecond
	return e, err == nil
}

// consumers notes the frames of the cameras until stopped is called.
func (r *record) consumers(ctx context.Context, cameras ...string) (stopped func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	for _, camera := range cameras {
		group.Go(func() { r.consume(ctx, camera) })
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// consume is one consumer, who tries again soon when the agent goes away.
func (r *record) consume(ctx context.Context, camera string) {
	d := reader.Dialer{MinBackoff: 5 * time.Millisecond, MaxBackoff: 10 * time.Millisecond}
	var frames *reader.Reader
	for frames == nil {
		var err error
		if frames, err = d.Dial("/run/agent/" + camera + "/model.sock"); err == nil {
			break
		}
		select {
		case <-time.After(d.MinBackoff): // the agent is about to start
		case <-ctx.Done():
			return
		}
	}
	defer frames.Close()
	for {
		f, err := frames.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return
		}
		if err != nil {
			continue
		}
		seen := frame{f.Sequence, f.Published, f.Skipped}
		r.note(func() { r.frames[camera] = append(r.frames[camera], seen) })
	}
}
