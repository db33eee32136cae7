package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// inputBufferBytes is how much is read at once, and how far identify sees.
const inputBufferBytes = 64 << 10

// An input is a recording's bytes, and knows where it is for its errors.
type input struct {
	*bufio.Reader
	name   string
	under  io.Reader
	offset int64
	seeker io.Seeker // nil for a pipe
	start  int64     // where seeker stood at first
	closer io.Closer // nil when the bytes belong to someone else
}

func newInput(name string, r io.Reader) *input {
	in := &input{Reader: bufio.NewReaderSize(r, inputBufferBytes), name: name, under: r}
	if name == "" || name == "-" {
		in.name = "standard input"
	}
	if s, ok := r.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil { // a pipe is a Seeker that cannot
			in.seeker, in.start = s, at
		}
	}
	return in
}

// openPath opens a file or a directory. Others could block for ever at open.
func openPath(path string) (*input, *stills, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err // it names the operation and the path
	}
	switch {
	case info.IsDir():
		d, err := newStills(path)
		return nil, d, err
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("open %s: neither a file nor a directory; a pipe can be read as standard input", path)
	}
	in, err := openFile(path)
	return in, nil, err
}

func openFile(path string) (*input, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := newInput(path, f)
	in.closer = f
	return in, nil
}

func (in *input) rewind() error {
	if in.seeker == nil {
		return fmt.Errorf("rewind %s: it cannot be read a second time", in.name)
	}
	if _, err := in.seeker.Seek(in.start, io.SeekStart); err != nil {
		return err
	}
	in.Reset(in.under)
	in.offset = 0
	return nil
}

func (in *input) Close() error {
	if in.closer == nil {
		return nil
	}
	return in.closer.Close()
}

// ahead is what can be looked at without waiting: a byte at least, unless the
// input is at its end.
func (in *input) ahead() ([]byte, error) {
	if in.Buffered() == 0 {
		if _, err := in.Peek(1); err != nil {
			return nil, in.failed(err)
		}
	}
	return in.Peek(in.Buffered())
}

// look is the next n bytes, or fewer at the end, without taking them.
func (in *input) look(n int) ([]byte, error) {
	b, err := in.Peek(n)
	if err == io.EOF {
		err = nil
	}
	return b, in.failed(err)
}

// full reads len(b) bytes, or fewer at the end, and is io.EOF only for none.
func (in *input) full(b []byte) (int, error) {
	n, err := io.ReadFull(in.Reader, b)
	in.offset += int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, in.failed(err)
}

// failed names the place of an error, and leaves nil and io.EOF as they are.
func (in *input) failed(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return fmt.Errorf("read %s: offset %d: %w", in.name, in.offset, err)
}

// want is the error for bytes that are not what they should be.
func (in *input) want(expected string, found []byte) error {
	return fmt.Errorf("read %s: offset %d: found %q, want %s", in.name, in.offset, found, expected)
}

// discard passes over n bytes that were looked at.
func (in *input) discard(n int) error {
	n, err := in.Discard(n)
	in.offset += int64(n)
	return in.failed(err)
}
