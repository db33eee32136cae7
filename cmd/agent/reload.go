package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent"
	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/agent/status/show"
)

// reloadPatience is a little longer than the agent takes at the most.
const reloadPatience = agent.ReloadLimit + 2*time.Second

type reloadCmd struct {
	asking
	JSON bool `help:"Print what came of it as JSON."`
}

// Run has the running agent read its config again, and returns when that is in force
// or refused.
func (c *reloadCmd) Run() error {
	ctx := interrupted()
	var done status.Reload
	err := c.client().Change(ctx, reloadPatience, "/api/v1/reload", nil, &done)
	refusal, ok := errors.AsType[*control.Refusal](err)
	refused := ok && refusal.Status == http.StatusUnprocessableEntity
	if err != nil && !refused {
		return unanswered(err)
	}
	if refused {
		done = status.Reload{Time: time.Now(), Changes: []status.Change{}, Faults: strings.Split(refusal.Text, "\n"), Warnings: []string{}}
	}
	if err := c.show(&done); err != nil {
		return err
	}
	if refused {
		return exitError{exitBadConfig, errLogged}
	}
	return nil
}

// show prints faults as `agent check` does.
func (c *reloadCmd) show(done *status.Reload) error {
	if c.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(done)
	}
	for _, w := range done.Warnings {
		fmt.Fprintln(os.Stderr, "warning: "+show.Clean(w))
	}
	for _, f := range done.Faults {
		fmt.Fprintln(os.Stderr, show.Clean(f))
	}
	for _, change := range done.Changes {
		fmt.Println(show.Clean(change.String()))
	}
	switch {
	case !done.Taken:
		fmt.Fprintln(os.Stderr, "agent: the new config is refused; the one before stays in force")
	case len(done.Changes) == 0:
		fmt.Println("nothing differs")
	}
	return nil
}
