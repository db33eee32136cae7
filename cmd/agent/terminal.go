package main

import (
	"io"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// terminalSize is how many columns and rows a terminal has. It is not ok for what
// is none.
func terminalSize(f *os.File) (columns, rows int, ok bool) {
	var size struct{ rows, columns, x, y uint16 } // struct winsize
	if err := ioctl(f, syscall.TIOCGWINSZ, unsafe.Pointer(&size)); err != nil {
		return 0, 0, false
	}
	if size.columns == 0 || size.rows == 0 { // a serial line does not know
		return 80, 24, true
	}
	return int(size.columns), int(size.rows), true
}

// ioctl is ioctl(2) with an argument that is pointed to.
func ioctl(f *os.File, request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}

// What is said to a terminal: ECMA-48, and the private modes of xterm, which others
// have as well or take no notice of.
const (
	// Its other screen, without a cursor, on which long lines are cut.
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	// What was on it is erased: where there is no other screen it would stay, and tmux
	// leaves a line of it when the terminal has grown meanwhile.
	leaveScreen = "\x1b[H\x1b[J\x1b[?7h\x1b[?25h\x1b[?1049l"
	// A picture is shown when it is complete, over the one before.
	beginPicture = "\x1b[?2026h\x1b[H\x1b[K"
	nextLine     = "\r\n\x1b[K" // after a full line, it would erase the end of that
	eraseRest    = "\r\n\x1b[J"
	endPicture   = "\x1b[?2026l"
)

// A screen is a terminal that shows one picture after the other, and is as it was
// after leave.
type screen struct {
	in, out *os.File
	before  *syscall.Termios // of in; nil where it is no terminal
}

func (s *screen) enter() error {
	var now syscall.Termios
	if ioctl(s.in, syscall.TCGETS, unsafe.Pointer(&now)) == nil {
		before := now
		s.before = &before
		now.Lflag &^= syscall.ECHO | syscall.ICANON // keys are not for it; Ctrl-C and Ctrl-Z remain
		_ = ioctl(s.in, syscall.TCSETS, unsafe.Pointer(&now))
	}
	_, err := io.WriteString(s.out, enterScreen)
	return err
}

func (s *screen) leave() {
	_, _ = io.WriteString(s.out, leaveScreen) // there is nobody else to tell
	if s.before != nil {
		_ = ioctl(s.in, syscall.TCSETS, unsafe.Pointer(s.before))
	}
}

// show draws lines of text, in one write. The last row of the terminal has no end, or
// the screen would scroll.
func (s *screen) show(text string, rows int) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	picture := beginPicture + strings.Join(lines[:min(len(lines), rows)], nextLine)
	if len(lines) < rows {
		picture += eraseRest
	}
	_, err := io.WriteString(s.out, picture+endPicture)
	return err
}

// quitting is told when somebody hits q.
func (s *screen) quitting() <-chan struct{} {
	quit := make(chan struct{})
	if s.before == nil {
		return quit
	}
	go func() { // until the process ends: nothing ends a read of a terminal
		key := []byte{0}
		for {
			if n, err := s.in.Read(key); err != nil || n == 0 {
				return
			}
			if key[0] == 'q' {
				close(quit)
				return
			}
		}
	}()
	return quit
}
