package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-agent/agent/capture/v4l2"
	"github.com/edge-agent/agent/systemd"
)

// resetPort makes the kernel forget the camera's USB device and find it again,
// which is what helps against a wedged one short of a hand. It blocks for as
// long as the drivers of the device do.
//
// Between the two the camera is lost to everybody, also to the next process:
// therefore the port is written down before.
func (c *camera) resetPort() error {
	port, err := c.origin.Port()
	if err == nil {
		err = os.WriteFile(c.portRecord, []byte(port), 0o600)
	}
	if err == nil {
		err = errors.Join(port.Forget(), c.welcome())
	}
	if err != nil {
		err = fmt.Errorf("reset the USB port: %w", err)
		c.log.Error().Str("message_id", systemd.MessageUSBReset).Err(err).Msg("USB port of the camera cannot be reset")
		return err
	}
	c.log.Warn().Str("message_id", systemd.MessageUSBReset).Str("port", filepath.Base(string(port))).Msg("USB port of the camera was reset")
	return nil
}

// welcome finishes a reset that was begun, by this process or one before it.
func (c *camera) welcome() error {
	port, err := os.ReadFile(c.portRecord)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = v4l2.Port(port).Welcome()
	}
	if err == nil || errors.Is(err, os.ErrNotExist) { // it was unplugged
		err = os.Remove(c.portRecord)
	}
	return err
}
