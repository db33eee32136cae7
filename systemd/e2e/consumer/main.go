// Consumer is what a user of the agent would write: it reads frames of a ring
// with the public reader. It checks them, too, and prints one JSON summary.
//
//	consumer [-frames N] [-within D] [-once] [-bars rgb|gray] [-numbered] SOCKET
//
// The exit code is 0 when as many frames came in time as were asked for; what
// was wrong with them is for the caller to judge.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/reader"
)

func main() {
	frames := flag.Int("frames", 300, "how many frames to read")
	within := flag.Duration("within", time.Minute, "how long to wait for them, and for the socket")
	once := flag.Bool("once", false, "end, without fault, when the agent hangs up")
	bars := flag.String("bars", "", `"rgb" or "gray": compare with the colour bars`)
	numbered := flag.Bool("numbered", false, "the picture carries its number in 16 blocks")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *within)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	s := Summary{expected: barColours(*bars), numbered: *numbered}
	err := s.read(ctx, reader.Dialer{NoReconnect: *once}, flag.Arg(0), *frames)
	if *once && errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil {
		s.Error = err.Error()
	}
	s.finish()
	if json.NewEncoder(os.Stdout).Encode(s) != nil || err != nil {
		os.Exit(1)
	}
}

// read takes n frames of the ring at path.
func (s *Summary) read(ctx context.Context, d reader.Dialer, path string, n int) error {
	r, err := dial(ctx, d, path)
	if err != nil {
		return err
	}
	defer r.Close()
	for s.Frames < n {
		f, err := r.Next(ctx)
		if err != nil {
			return fmt.Errorf("after %d of %d frames: %w", s.Frames, n, err)
		}
		if err := s.take(f); err != nil {
			return err
		}
	}
	return nil
}

// dial waits for the socket as well: the camera may not be there yet.
func dial(ctx context.Context, d reader.Dialer, path string) (*reader.Reader, error) {
	for pause := time.NewTicker(50 * time.Millisecond); ; {
		r, err := d.Dial(path)
		if err == nil {
			return r, nil
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}
