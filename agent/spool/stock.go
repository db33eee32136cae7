package spool

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A place is a directory of a file system, whatever its path is.
type place struct{ device, inode uint64 }

func placeOf(path string) (place, error) {
	info, err := os.Stat(path)
	if err != nil {
		return place{}, err
	}
	s := info.Sys().(*syscall.Stat_t)
	return place{uint64(s.Dev), s.Ino}, nil
}

// Open makes the directory or takes stock of it, deletes what an earlier run
// left half written, and brings it down to the bytes that may be kept. What is
// overdue is left to Expire: a slow disk takes long for a week of files, and a
// camera waits for Open. When it stands open, or did, it does nothing, unless the
// directory is another one now: it was deleted, or a disk was mounted or pulled.
func (d *Directory) Open() error {
	if at, err := placeOf(d.cfg.Path); d.open && err == nil && at == d.place {
		return nil
	}
	d.open, d.kept, d.bytes = false, nil, 0
	if err := os.MkdirAll(d.cfg.Path, 0o750); err != nil {
		return err
	}
	at, err := placeOf(d.cfg.Path)
	if err != nil {
		return err
	}
	if err := d.takeStock(); err != nil {
		return err
	}
	if err := d.makeRoom(0); err != nil {
		return err
	}
	d.open, d.place = true, at
	return nil
}

// A stock is what lies in the directory, as it is counted.
type stock struct {
	files  []found
	beside map[string]int64 // sizes, by the name of the file that they lie beside
}

type found struct {
	file
	modified time.Time
}

// batch is how many entries of a directory are read at a time.
const batch = 1024

func (d *Directory) takeStock() error {
	dir, err := os.Open(d.cfg.Path)
	if err != nil {
		return err
	}
	defer dir.Close()
	s := stock{beside: map[string]int64{}}
	for {
		entries, err := dir.ReadDir(batch)
		for _, e := range entries {
			if err := d.take(e, &s); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return d.arrange(&s)
		}
		if err != nil {
			return err
		}
	}
}

// take counts a file of an earlier run, or deletes what it left half written.
func (d *Directory) take(e os.DirEntry, s *stock) error {
	name, half := strings.CutPrefix(e.Name(), temporary)
	name, beside := strings.CutSuffix(name, d.cfg.Beside)
	beside = beside && d.cfg.Beside != ""
	if _, ours := d.cfg.Own(name); !ours || !e.Type().IsRegular() {
		return nil
	}
	if half {
		return removeIfThere(d.at(e.Name()))
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // someone deleted it since
	}
	if err != nil {
		return err
	}
	if beside {
		s.beside[name] = info.Size()
		return nil
	}
	s.files = append(s.files, found{file{name: name, size: info.Size()}, info.ModTime()})
	return nil
}

// arrange puts the files in the order of their age, with what lies beside them,
// and deletes what lies beside none.
func (d *Directory) arrange(s *stock) error {
	slices.SortFunc(s.files, func(a, b found) int {
		if c := a.modified.Compare(b.modified); c != 0 {
			return c
		}
		ageA, _ := d.cfg.Own(a.name)
		ageB, _ := d.cfg.Own(b.name)
		return cmp.Or(strings.Compare(ageA, ageB), strings.Compare(a.name, b.name))
	})
	d.kept = make([]file, len(s.files))
	for i, f := range s.files {
		if size, ok := s.beside[f.name]; ok {
			f.beside, f.size = true, f.size+size
			delete(s.beside, f.name)
		}
		d.kept[i] = f.file
		d.bytes += f.size
	}
	d.age(s.files)
	for name := range s.beside {
		if err := removeIfThere(d.at(name + d.cfg.Beside)); err != nil {
			return err
		}
	}
	return nil
}
