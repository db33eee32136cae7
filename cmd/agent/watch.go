package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/agent/status/show"
)

const watchPeriod = time.Second

// watching is what was seen of the agent so far.
type watching struct {
	*statusCmd
	text      []byte // of the newest status
	newest    *status.Status
	answered  time.Time // when that came
	began     time.Time
	restarted bool  // another process than the first answers by now
	failed    error // why there is no answer now
}

// watch shows the status each second until somebody has seen enough: on a terminal
// in place, else a line for each.
func (c *statusCmd) watch(ctx context.Context) error {
	w := &watching{statusCmd: c, began: time.Now()}
	if _, _, ok := terminalSize(os.Stdout); ok && !c.JSON && os.Getenv("TERM") != "dumb" {
		return w.onScreen(ctx)
	}
	// Without this, Go ends the process by the signal.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	for {
		if err := w.ask(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		if err := w.printLine(); err != nil {
			return quietly(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchPeriod):
		}
	}
}

// quietly: whoever reads has seen enough.
func quietly(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// ask looks at the agent once. It fails where to ask again would be of no use.
func (w *watching) ask(ctx context.Context) error {
	text, s, err := w.client().Status(ctx)
	if w.failed = err; err != nil {
		if errors.Is(err, control.ErrForbidden) {
			return err
		}
		return nil
	}
	w.restarted = w.restarted || w.newest != nil && !w.newest.Started.Equal(s.Started)
	w.text, w.newest, w.answered = text, s, time.Now()
	return nil
}

// printLine is for programs, and for what is no terminal.
func (w *watching) printLine() error {
	if !w.JSON {
		line := time.Now().Format(time.DateTime) + " "
		switch {
		case w.failed != nil:
			line += "no answer: " + w.failed.Error()
		case w.Camera != "":
			var all strings.Builder
			if err := w.printTo(&all, show.Options{}); err != nil {
				return err
			}
			first, _, _ := strings.Cut(all.String(), "\n")
			line += first
		default:
			line += show.Lead(w.newest, show.Options{})
		}
		_, err := fmt.Println(show.Clean(line))
		return err
	}
	if w.failed != nil {
		fmt.Fprintln(os.Stderr, "agent: "+w.failed.Error())
		return nil
	}
	text, err := w.text, error(nil)
	if w.Camera != "" {
		if text, err = cameraJSON(text, w.Camera); err != nil {
			return err
		}
	}
	var one bytes.Buffer
	if err := json.Compact(&one, text); err != nil {
		return err
	}
	_, err = fmt.Println(harmless(one.Bytes()))
	return err
}

// onScreen draws in place, anew when the terminal has another size.
func (w *watching) onScreen(ctx context.Context) error {
	s := &screen{in: os.Stdin, out: os.Stdout}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGWINCH, syscall.SIGTSTP)
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	quit, due := s.quitting(), time.NewTimer(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-quit:
			return nil
		case got := <-signals:
			if got == syscall.SIGTSTP {
				pause(s)
			}
		case <-due.C:
			due.Reset(watchPeriod)
			if err := w.ask(ctx); err != nil || ctx.Err() != nil {
				return err
			}
		}
		if err := w.draw(s); err != nil {
			return err
		}
	}
}

// pause stops the process as Ctrl-Z does, with the terminal as it was. The signal is
// sent to this thread: with one that another thread takes, this one would go on for a
// moment, and take the terminal again.
func pause(s *screen) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s.leave()
	_ = syscall.Tgkill(os.Getpid(), syscall.Gettid(), syscall.SIGSTOP) // until SIGCONT
	_ = s.enter()                                                      // a terminal that is gone is noticed by the next picture
}

func (w *watching) draw(s *screen) error {
	width, height, _ := terminalSize(s.out)
	var picture strings.Builder
	if w.failed != nil {
		fmt.Fprintln(&picture, clipped(w.silence(), width))
		fmt.Fprintln(&picture, clipped(w.failed.Error(), width))
	}
	if w.restarted {
		fmt.Fprintln(&picture, clipped("The agent was restarted at "+status.Clock(w.newest.Started, time.Now()), width))
	}
	if w.newest != nil {
		o := show.Options{Width: width, Height: max(height-strings.Count(picture.String(), "\n"), 2), Color: colours() && w.failed == nil, Version: version}
		if err := w.printTo(&picture, o); err != nil {
			return err
		}
	}
	return s.show(picture.String(), height)
}

func (w *watching) printTo(b *strings.Builder, o show.Options) error {
	if w.Camera != "" {
		return show.Camera(b, w.newest, w.Camera, o)
	}
	return show.Print(b, w.newest, o)
}

// clipped is a text that a terminal does nothing but show, on one line.
func clipped(text string, width int) string {
	runes := []rune(show.Clean(text))
	return string(runes[:min(len(runes), width)])
}

// silence says for how long nobody has answered.
func (w *watching) silence() string {
	if w.newest == nil {
		return fmt.Sprintf("No answer from the agent for %v", time.Since(w.began).Round(time.Second))
	}
	return fmt.Sprintf("No answer from the agent for %v, what is below is old", time.Since(w.answered).Round(time.Second))
}
