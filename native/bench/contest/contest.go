// Package contest is what the contenders of the benchmark that are written in
// Go share: the job, the frames, and the conversation with the program that
// measures. peers/contender.h has the same for those in C++.
//
// What enters: arguments and lines that name frames. What leaves: the CPU time
// that they took, and what came of them. It never measures by the clock on the
// wall.
package contest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Job is what a contender is started for.
type Job struct {
	Way           string
	Format        string // YUYV, NV12, MJPG
	Width, Height int
	Output        string
	File          string // with the frames
}

// Parse reads a contender's arguments: WAY FORMAT WIDTH HEIGHT OUTPUT FRAMES.
func Parse(arguments []string) (Job, error) {
	if len(arguments) != 6 {
		return Job{}, fmt.Errorf("arguments are %q, want WAY FORMAT WIDTH HEIGHT OUTPUT FRAMES", arguments)
	}
	j := Job{Way: arguments[0], Format: arguments[1], Output: arguments[4], File: arguments[5]}
	var err error
	if j.Width, err = strconv.Atoi(arguments[2]); err != nil {
		return j, fmt.Errorf("width: %w", err)
	}
	if j.Height, err = strconv.Atoi(arguments[3]); err != nil {
		return j, fmt.Errorf("height: %w", err)
	}
	return j, nil
}

// Arguments are what Parse reads.
func (j Job) Arguments() []string {
	return []string{j.Way, j.Format, strconv.Itoa(j.Width), strconv.Itoa(j.Height), j.Output, j.File}
}

// A Contender preprocesses frames.
type Contender interface {
	Process(frame []byte) error
	// Output is what came of the last frame, until the next one.
	Output() []byte
}

// Serve answers each line of in with one of out, until in ends:
//
//	run N          preprocesses the next N frames; the answer is the CPU time of
//	               the process for them, user and system, in nanoseconds
//	frame I FILE   preprocesses frame I and writes what came of it; 0
func Serve(c Contender, frames Frames, in io.Reader, out io.Writer) error {
	next := 0
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 {
			return fmt.Errorf("%q is no question", lines.Text())
		}
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return err
		}
		var took time.Duration
		if words[0] == "frame" && len(words) == 3 {
			err = write(c, frames.At(n), words[2])
		} else {
			took, err = run(c, frames, next, n)
			next += n
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(out, took.Nanoseconds())
	}
	return lines.Err()
}

func write(c Contender, frame []byte, name string) error {
	if err := c.Process(frame); err != nil {
		return err
	}
	return os.WriteFile(name, c.Output(), 0o600)
}

func run(c Contender, frames Frames, first, n int) (time.Duration, error) {
	before, err := cpuTime()
	if err != nil {
		return 0, err
	}
	for i := range n {
		if err := c.Process(frames.At(first + i)); err != nil {
			return 0, err
		}
	}
	after, err := cpuTime()
	return after - before, err
}

// cpuTime is what the process has used, user and system, in all its threads.
func cpuTime() (time.Duration, error) {
	var use syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()), err
}
