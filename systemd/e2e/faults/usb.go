package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// A usbCamera is a UVC camera that is plugged in.
type usbCamera struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	node  string // /dev/videoN
}

// plug plugs a camera into a port, and returns when its node was there.
func (b *bench) plug(ctx context.Context, serial string, port int) (there time.Duration, err error) {
	before := nodes()
	// The driver lets go of a port some time after its camera.
	for range 3 {
		c := &usbCamera{cmd: exec.Command("uvcsim", "-serial", serial, "-port", strconv.Itoa(port))}
		if c.input, err = c.cmd.StdinPipe(); err != nil {
			return 0, err
		}
		if err = c.cmd.Start(); err != nil {
			return 0, err
		}
		b.usb[serial] = c
		if there, err = c.appear(ctx, before); err == nil {
			return there, nil
		}
		c.pull()
	}
	return 0, fmt.Errorf("plug %s into port %d: %w", serial, port, err)
}

func nodes() []string {
	found, _ := filepath.Glob("/dev/video*") // the pattern is good
	return found
}

// appear waits for a node that was not there before.
func (c *usbCamera) appear(ctx context.Context, before []string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		for _, node := range nodes() {
			if !slices.Contains(before, node) {
				c.node = node
				return monotonic(), nil
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("no node appeared: %w", ctx.Err())
		}
	}
}

// say gives the camera a command, see uvcsim.
func (c *usbCamera) say(command string) error {
	_, err := io.WriteString(c.input, command+"\n")
	return err
}

// pull pulls the plug, and returns when the node is gone. It may be called again.
func (c *usbCamera) pull() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // it was killed
	for c.node != "" {
		if _, err := os.Stat(c.node); err != nil {
			c.node = ""
		}
		time.Sleep(time.Millisecond)
	}
}
