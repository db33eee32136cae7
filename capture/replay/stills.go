package replay

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// stills are the files of a directory in the order of their names. Each is a
// JPEG, or a corrupt frame.
type stills struct {
	dir   string
	names []string
	at    int         // of the file after the one that is open
	file  *jpegStream // nil between two files
}

func newStills(dir string) (*stills, error) {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, err
	}
	d := &stills{dir: dir}
	for _, e := range entries {
		if isStill(dir, e) {
			d.names = append(d.names, e.Name())
		}
	}
	return d, nil
}

// isStill follows links. Hidden files are those of editors and file managers.
func isStill(dir string, e os.DirEntry) bool {
	if strings.HasPrefix(e.Name(), ".") {
		return false
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.Mode().IsRegular()
}

func (d *stills) next(s *slot) error {
	for {
		if d.file == nil {
			if err := d.open(); err != nil {
				return err
			}
		}
		err := d.file.next(s)
		if !errors.Is(err, io.EOF) {
			return err
		}
		if err := d.Close(); err != nil {
			return err
		}
	}
}

func (d *stills) open() error {
	if d.at == len(d.names) {
		return io.EOF
	}
	in, err := openFile(filepath.Join(d.dir, d.names[d.at]))
	if err != nil {
		return err
	}
	d.at++
	d.file = &jpegStream{in: in}
	return nil
}

func (d *stills) rewind() error {
	d.at = 0
	return d.Close()
}

func (d *stills) Close() error {
	if d.file == nil {
		return nil
	}
	f := d.file
	d.file = nil
	return f.Close()
}
