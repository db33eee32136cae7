// Package spool keeps files in a directory of bounded size.
//
// What enters: the bytes of a file and its name. What leaves: that file, whole
// or not at all; the oldest of its kind give way to it. After an error the disk
// is left alone for a while. It never touches a file that is not of its kind,
// starts no goroutine and never logs. It waits for the disk, so that its caller
// is a goroutine that may.
package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// temporary begins the name of a file that is being written.
const temporary = ".tmp-"

// Stamp is the layout of a time in a file's name: UTC, of fixed width, so that
// names sort by it.
const Stamp = "20060102T150405.000000Z"

// ErrTooLarge: the file alone is larger than all that may be kept.
var ErrTooLarge = errors.New("larger than all that may be kept")

// A Directory knows the files of one kind in one directory. One goroutine uses
// it at a time.
type Directory struct {
	path string
	keep int64
	own  func(name string) (age string, ours bool)

	open  bool   // the files that were there are known
	kept  []file // oldest first
	bytes int64  // of all kept
	pause pause
}

type file struct {
	name, age string
	size      int64
}

// New makes a Directory that keeps up to that many bytes in path. Nothing is
// read or written before Open or Write. own says which names are those of this
// Directory, and what to sort them by so that the oldest comes first.
func New(path string, keep int64, own func(name string) (age string, ours bool)) *Directory {
	return &Directory{path: path, keep: keep, own: own}
}

// Open makes the directory or takes stock of it, deletes what an earlier run
// left half written, and brings it down to the bytes that may be kept. When it
// stands open, or did, it does nothing.
func (d *Directory) Open() error {
	if d.open {
		return nil
	}
	d.kept, d.bytes = nil, 0
	if err := os.MkdirAll(d.path, 0o750); err != nil {
		return err
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := d.take(e); err != nil {
			return err
		}
	}
	slices.SortFunc(d.kept, byAge)
	if err := d.makeRoom(0); err != nil {
		return err
	}
	d.open = true
	return nil
}

// take counts a file of an earlier run, or deletes what it left half written.
func (d *Directory) take(e os.DirEntry) error {
	name, half := strings.CutPrefix(e.Name(), temporary)
	age, ours := d.own(name)
	if !ours || !e.Type().IsRegular() {
		return nil
	}
	if half {
		return removeIfThere(filepath.Join(d.path, e.Name()))
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // someone deleted it since
	}
	if err != nil {
		return err
	}
	d.kept = append(d.kept, file{name, age, info.Size()})
	d.bytes += info.Size()
	return nil
}

// Names are those of the files that are kept, the oldest first.
func (d *Directory) Names() []string {
	names := make([]string, len(d.kept))
	for i, f := range d.kept {
		names[i] = f.name
	}
	return names
}

// Files is how many are kept, and Bytes how long they are together.
func (d *Directory) Files() int { return len(d.kept) }

// Bytes is the length of all files that are kept.
func (d *Directory) Bytes() int64 { return d.bytes }

// Write makes a file of these parts, in the room that the oldest files leave.
// name must be one of the Directory's own. After an error that is the disk's it
// does not try again for a while, and returns the same error meanwhile.
func (d *Directory) Write(name string, parts ...[]byte) error {
	if !d.pause.over() {
		return d.pause.err
	}
	err := d.attempt(name, parts)
	if err == nil || errors.Is(err, ErrTooLarge) {
		d.pause = pause{}
		return err
	}
	d.pause.start(err)
	return err
}

// attempt writes the file.
//
// On a full file system it deletes about as much as it needs and tries once
// more. It stops there: if someone else fills the disk, every byte given up is
// lost to them, and the archive with it.
func (d *Directory) attempt(name string, parts [][]byte) error {
	if err := d.Open(); err != nil {
		return err
	}
	f, err := d.describe(name, parts)
	if err != nil {
		return err
	}
	if err := d.makeRoom(f.size); err != nil {
		return err
	}
	err = d.add(f, parts)
	if NoRoom(err) {
		if rerr := d.removeOldest(f.size); rerr != nil {
			return errors.Join(err, rerr)
		}
		err = d.add(f, parts)
	}
	return err
}

func (d *Directory) describe(name string, parts [][]byte) (file, error) {
	age, ours := d.own(name)
	if !ours {
		return file{}, fmt.Errorf("write file: name %q is not of this directory", name)
	}
	f := file{name: name, age: age}
	for _, p := range parts {
		f.size += int64(len(p))
	}
	if f.size > d.keep {
		return f, fmt.Errorf("write file of %d bytes: %w: %d", f.size, ErrTooLarge, d.keep)
	}
	return f, nil
}

// add writes a whole file or none. The data is on the disk before the name is:
// without the fsync a power cut can leave an empty file under a good name (ext4
// and others write the rename first). The directory is not synced: losing the
// last file to a power cut is no harm, and a second flush wears a flash card.
func (d *Directory) add(f file, parts [][]byte) error {
	half := filepath.Join(d.path, temporary+f.name)
	err := writeSynced(half, parts)
	if err == nil {
		err = os.Rename(half, filepath.Join(d.path, f.name))
	}
	if errors.Is(err, fs.ErrNotExist) { // the directory was deleted: for the next time
		return errors.Join(err, os.MkdirAll(d.path, 0o750))
	}
	if err != nil {
		return errors.Join(err, removeIfThere(half))
	}
	d.insert(f)
	return nil
}

func writeSynced(path string, parts [][]byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err == nil {
			_, err = f.Write(p)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func byAge(a, b file) int {
	return cmp.Or(strings.Compare(a.age, b.age), strings.Compare(a.name, b.name))
}

// insert keeps the order of age: the clock may have been set back.
func (d *Directory) insert(f file) {
	i, found := slices.BinarySearchFunc(d.kept, f, byAge)
	if found { // the rename replaced it
		d.bytes -= d.kept[i].size
		d.kept[i] = f
	} else {
		d.kept = slices.Insert(d.kept, i, f)
	}
	d.bytes += f.size
}

// makeRoom deletes the oldest files until size more bytes may be kept.
func (d *Directory) makeRoom(size int64) error {
	return d.removeOldest(d.bytes + size - d.keep)
}

// removeOldest deletes files until that many bytes are free, or none is left.
func (d *Directory) removeOldest(bytes int64) error {
	n := 0
	defer func() { d.kept = slices.Delete(d.kept, 0, n) }()
	for _, f := range d.kept {
		if bytes <= 0 {
			break
		}
		if err := removeIfThere(filepath.Join(d.path, f.name)); err != nil {
			return err
		}
		n++
		bytes -= f.size
		d.bytes -= f.size
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// NoRoom says that an error is that of a full file system, or of a full quota.
func NoRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// After an error the disk is left alone for a while, which doubles up to a
// limit.
const (
	minPause = time.Second
	maxPause = time.Minute
)

// pause is the time after an error.
type pause struct {
	err   error // that began it, nil if there is none
	long  time.Duration
	until time.Time
}

func (p *pause) start(err error) {
	p.err = err
	p.long = min(max(2*p.long, minPause), maxPause)
	p.until = time.Now().Add(p.long)
}

func (p *pause) over() bool { return p.err == nil || !time.Now().Before(p.until) }
