// Command agent captures frames from cameras and hands them, preprocessed, to
// local consumers. See `agent --help`.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-agent/agent/agent/config"
)

// What the exit codes mean, see sysexits.h for 64 and 78.
const (
	exitFailure   = 1
	exitUsage     = 64
	exitBadConfig = 78
)

// exitError is an error that asks for an exit code of its own.
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

type cli struct {
	Run      runCmd      `cmd:"" help:"Run the daemon: capture, preprocess and publish until told to stop."`
	Check    checkCmd    `cmd:"" help:"Check a config and say everything that is wrong with it."`
	Devices  devicesCmd  `cmd:"" help:"List the cameras with their identities, modes and controls."`
	Process  processCmd  `cmd:"" help:"Send files through the preprocessor of a camera, as the daemon would."`
	Bench    benchCmd    `cmd:"" help:"Measure what each camera and output costs on this device, and how many it holds."`
	Status   statusCmd   `cmd:"" help:"Show how the running agent is: cameras, rates, losses, what is wrong and since when."`
	Snapshot snapshotCmd `cmd:"" help:"Take the next image of a camera of the running agent."`
	Reload   reloadCmd   `cmd:"" help:"Have the running agent take its config again: what differs changes, and nothing else."`
	LogLevel logLevelCmd `cmd:"" help:"Show how much the running agent logs, or have it log more or less for a while."`
	Worker   workerCmd   `cmd:"" hidden:"" help:"Preprocess for the daemon, which starts this itself."`
	Ended    endedCmd    `cmd:"" hidden:"" help:"Log how the service ended, which systemd starts this for."`
	Version  versionCmd  `cmd:"" help:"Print the version of the agent and of what it is built with."`
}

const description = `Edge camera agent: frames from V4L2 cameras, model-ready, for local consumers.

Try it:
  agent devices                 what cameras are there
  agent run                     use every camera found, or a test pattern
  agent check --config FILE     is this config right?
  agent bench                   what does it cost on this device?

As a service:
  agent status                  how is it? (--watch: as it changes)
  agent snapshot CAMERA         what does it see?
  journalctl -u agent           what happened?
In a browser: http://localhost:9810/`

func newProgram() *cobra.Command {
	c := newCommand("agent", description, &cli{})
	c.SetHelpCommand(helpCommand(c))
	return c
}

func main() {
	cobra.EnableCommandSorting = false
	c, err := newProgram().ExecuteC()
	if err != nil {
		os.Exit(report(c, err))
	}
}

// report says what went wrong with c and gives the exit code. Faults of a config
// are lines of their own, which editors and scripts can read.
func report(c *cobra.Command, err error) int {
	e, understood := errors.AsType[exitError](err)
	faults, ok := errors.AsType[config.Faults](err)
	switch {
	case ok:
		fmt.Fprintln(os.Stderr, faults)
	case !understood:
		text := strings.NewReplacer("\n\nDid you mean this?\n\t", "; did you mean ", "\n\t", " or ").Replace(err.Error())
		fmt.Fprintf(os.Stderr, "agent: %s (see %s --help)\n", strings.TrimSpace(text), c.CommandPath())
		return exitUsage
	case !errors.Is(err, errLogged):
		fmt.Fprintln(os.Stderr, "agent: "+harmlessLines(strings.TrimSpace(err.Error())))
	}
	return e.code
}
