package rig

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig/wire"
)

// Container boots the image's root file system with systemd-nspawn on the
// host's kernel: systemd, journald and packages at native speed, but no cameras
// and no clock of its own. Its disk is an overlay in memory.
func (img *Image) Container(ctx context.Context, limit time.Duration) (*Machine, error) {
	m, err := img.newMachine("nspawn")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := m.contain(ctx, img, limit); err != nil {
		err = m.cause(err)
		m.Close()
		return nil, fmt.Errorf("start a container: %w", err)
	}
	return m, nil
}

// contain starts the container and waits until its boot has ended.
func (m *Machine) contain(ctx context.Context, img *Image, limit time.Duration) error {
	door, err := net.Listen("unix", filepath.Join(m.Share, filepath.Base(wire.Socket)))
	if err != nil {
		return err
	}
	defer door.Close()
	argv := append(m.favoured(), "systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
		"--machine="+m.cgroup, "--directory="+img.path("root"), "--volatile=overlay", "--boot", "--private-network",
		"--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=pipe", "--bind="+m.Share+":"+wire.Share)
	if err := m.exec(limit, argv); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { door.Close() })
	defer stop()
	conn, err := door.Accept()
	if err != nil {
		return err
	}
	m.Guest = newGuest(conn)
	_, err = m.Run(ctx, "systemctl", "is-system-running", "--wait")
	return err
}
