package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of videodev2.h. Done here and not by v4l2-ctl: in an emulated machine a
// program takes a quarter of a second to start, and another camera's frames.
type (
	queryctrl struct {
		id, kind                 uint32
		name                     [32]byte
		least, most, step, usual int32
		flags                    uint32
		_                        [2]uint32
	}
	control struct {
		id    uint32
		value int32
	}
)

const (
	iocReadWrite = 3 << 30
	vidiocSCtrl  = iocReadWrite | unsafe.Sizeof(control{})<<16 | 'V'<<8 | 28
	vidiocQuery  = iocReadWrite | unsafe.Sizeof(queryctrl{})<<16 | 'V'<<8 | 36
	nextControl  = 0x80000000
)

// set sets a control of /dev/video0, by its name as v4l2-ctl prints it.
func set(name string, value int32) action {
	return func(context.Context, *bench) error {
		node, err := os.OpenFile("/dev/video0", os.O_RDWR|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		defer node.Close()
		q := queryctrl{}
		for plain(q.name[:]) != name {
			q = queryctrl{id: q.id | nextControl}
			if err := ioctl(node, vidiocQuery, unsafe.Pointer(&q)); err != nil {
				return fmt.Errorf("find control %s: %w", name, err)
			}
		}
		c := control{q.id, value}
		if err := ioctl(node, vidiocSCtrl, unsafe.Pointer(&c)); err != nil {
			return fmt.Errorf("set control %s: %w", name, err)
		}
		return nil
	}
}

func ioctl(f *os.File, request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}

// plain is a control's name in lower case, with one _ for whatever is neither
// letter nor digit.
func plain(name []byte) string {
	name, _, _ = bytes.Cut(name, []byte{0})
	words := strings.FieldsFunc(strings.ToLower(string(name)), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "_")
}
