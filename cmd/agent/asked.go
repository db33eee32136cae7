package main

import (
	"context"
	"errors"
	"net/http"
	"os/signal"
	"syscall"

	"github.com/edge-agent/agent/agent/control"
)

// Exit codes of commands that ask the running agent; 77 is that of sysexits.h.
const (
	exitNoAnswer   = 2
	exitNotAllowed = 77
)

// asking is where the running agent is found, for commands that ask it.
type asking struct {
	RuntimeDir string `help:"Where the running agent has its sockets." env:"EDGE_AGENT_RUN,RUNTIME_DIRECTORY" default:"/run/agent" placeholder:"DIR"`
}

func (a *asking) client() *control.Client { return control.NewClient(a.RuntimeDir) }

// interrupted ends when somebody wants the command to. The signals stay caught until
// the process ends: timeout(1) sends each of them twice, to the process and to its
// group, and the second one killed a command that was about to exit with 0.
func interrupted() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	return ctx
}

// unanswered gives the error of an answer that did not come its exit code.
func unanswered(err error) error {
	refusal, refused := errors.AsType[*control.Refusal](err)
	switch {
	case errors.Is(err, control.ErrNotRunning), errors.Is(err, control.ErrSilent):
		return exitError{exitNoAnswer, err}
	case errors.Is(err, control.ErrForbidden), refused && refusal.Status == http.StatusForbidden:
		return exitError{exitNotAllowed, err}
	}
	return err
}
