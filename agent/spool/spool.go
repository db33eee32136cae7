// Package spool keeps files in a directory of bounded size and age.
//
// What enters: the bytes of a file and its name, and of one that lies beside it.
// What leaves: those files, whole or not at all; the oldest of their kind give way
// to them. After an error the disk is left alone for a while. It never touches a
// file that is not of its kind, follows no link but that of the directory, starts no
// goroutine and never logs. It waits for the disk, so that its caller is a
// goroutine that may.
package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// Config says what is kept where.
type Config struct {
	Path string
	// Keep is the most bytes that the files may have, KeepFor how long each of
	// them stays; 0 is for as long as there is room.
	Keep    int64
	KeepFor time.Duration
	// Own says which names are those of this Directory, and what to sort files
	// by whose time is the same.
	Own func(name string) (age string, ours bool)
	// Beside is what the name of a file ends in, after the whole name of another
	// one, that lies beside that and goes with it; none when it is empty.
	Beside string
}

// A Directory knows the files of one kind in one directory. One goroutine uses
// it at a time.
type Directory struct {
	cfg Config

	open  bool // the files that were there are known
	place place
	kept  []file // oldest first
	bytes int64  // of all kept
	pause pause
	clock clock
}

// A file is one of those that are kept.
type file struct {
	name   string
	born   time.Duration // by the clock of the Directory
	size   int64         // with what lies beside it
	beside bool          // something does
	ahead  bool          // it was written later than it was at Open, by the clock on the wall
}

// New makes a Directory. Nothing is read or written before Open or Write.
func New(cfg Config) *Directory { return &Directory{cfg: cfg, clock: newClock()} }

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

// Bytes is the length of all files that are kept, and of those beside them.
func (d *Directory) Bytes() int64 { return d.bytes }

// Resize is for another Keep: there is less room, or more, from the next file on.
func (d *Directory) Resize(keep int64) { d.cfg.Keep = keep }

// A File is one to be written.
type File struct {
	// Name must be one of the Directory's own.
	Name string
	// Parts are its bytes, Beside those of the file beside it, if there is to be one.
	Parts  [][]byte
	Beside []byte
	// At is what its age counts from, by the clock on the wall; zero is now.
	At time.Time
}

// Write makes a file, in the room that the oldest files leave. After an error
// that is the disk's it does not try again for a while, and returns the same error
// meanwhile.
func (d *Directory) Write(f File) error {
	if !d.pause.over() {
		return d.pause.err
	}
	err := d.attempt(&f)
	if err == nil || errors.Is(err, ErrTooLarge) {
		d.pause = pause{}
		return err
	}
	d.pause.start(err)
	return err
}

// attempt writes the files.
//
// On a full file system it deletes about as much as it needs and tries once
// more. It stops there: if someone else fills the disk, every byte given up is
// lost to them, and the archive with it.
func (d *Directory) attempt(w *File) error {
	if err := d.Open(); err != nil {
		return err
	}
	f, err := d.describe(w)
	if err != nil {
		return err
	}
	if err := d.makeRoom(f.size); err != nil {
		return err
	}
	err = d.add(f, w)
	if NoRoom(err) {
		if rerr := d.removeOldest(f.size); rerr != nil {
			return errors.Join(err, rerr)
		}
		err = d.add(f, w)
	}
	return err
}

func (d *Directory) describe(w *File) (file, error) {
	if _, ours := d.cfg.Own(w.Name); !ours {
		return file{}, fmt.Errorf("write file: name %q is not of this directory", w.Name)
	}
	f := file{name: w.Name, born: d.clock.now(), size: int64(len(w.Beside)), beside: w.Beside != nil}
	if !w.At.IsZero() {
		f.born -= max(0, d.clock.wall().Sub(w.At))
	}
	for _, p := range w.Parts {
		f.size += int64(len(p))
	}
	if f.size > d.cfg.Keep {
		return f, fmt.Errorf("write file of %d bytes: %w: %d", f.size, ErrTooLarge, d.cfg.Keep)
	}
	return f, nil
}

// add writes whole files or none. The data is on the disk before the name is:
// without the fsync a power cut can leave an empty file under a good name (ext4
// and others write the rename first). The directory is not synced: losing the
// last file to a power cut is no harm, and a second flush wears a flash card.
//
// What lies beside a file is there first: who sees the file finds it. One that
// is alone, because the process died in between, is deleted by the next Open.
func (d *Directory) add(f file, w *File) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, d.remove(file{name: temporary + f.name, beside: f.beside}))
		}
	}()
	if err := writeSynced(d.at(temporary+f.name), w.Parts); err != nil {
		return err
	}
	if f.beside {
		if err := writeSynced(d.at(temporary+f.name+d.cfg.Beside), [][]byte{w.Beside}); err != nil {
			return err
		}
	}
	if !w.At.IsZero() {
		if err := os.Chtimes(d.at(temporary+f.name), time.Time{}, w.At); err != nil {
			return err
		}
	}
	d.replaced(f.name)
	if f.beside {
		if err := os.Rename(d.at(temporary+f.name+d.cfg.Beside), d.at(f.name+d.cfg.Beside)); err != nil {
			return err
		}
	}
	if err := os.Rename(d.at(temporary+f.name), d.at(f.name)); err != nil {
		if f.beside {
			err = errors.Join(err, removeIfThere(d.at(f.name+d.cfg.Beside)))
		}
		return err
	}
	i, _ := slices.BinarySearchFunc(d.kept, f.born, notBefore)
	d.kept = slices.Insert(d.kept, i, f)
	d.bytes += f.size
	return nil
}

// notBefore finds the place behind all that are as old.
func notBefore(f file, born time.Duration) int { return cmp.Or(cmp.Compare(f.born, born), -1) }

func (d *Directory) at(name string) string { return filepath.Join(d.cfg.Path, name) }

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

// replaced forgets the file whose name a new one takes, which is seldom there.
func (d *Directory) replaced(name string) {
	if _, err := os.Lstat(d.at(name)); err != nil {
		return
	}
	for i, f := range d.kept {
		if f.name == name {
			d.bytes -= f.size
			d.kept = append(d.kept[:i:i], d.kept[i+1:]...)
			return
		}
	}
}

// makeRoom deletes the oldest files until size more bytes may be kept.
func (d *Directory) makeRoom(size int64) error {
	return d.removeOldest(d.bytes + size - d.cfg.Keep)
}

// removeOldest deletes files until that many bytes are free, or none is left.
func (d *Directory) removeOldest(bytes int64) error {
	for bytes > 0 && len(d.kept) > 0 {
		bytes -= d.kept[0].size
		if err := d.removeFirst(); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) removeFirst() error {
	f := &d.kept[0]
	if err := d.remove(*f); err != nil {
		return err
	}
	d.bytes -= f.size
	*f = file{}
	d.kept = d.kept[1:] // append leaves what is gone behind
	return nil
}

// remove deletes a file and what lies beside it. The file goes first: alone, the
// other one is known for what it is.
func (d *Directory) remove(f file) error {
	if err := removeIfThere(d.at(f.name)); err != nil || !f.beside {
		return err
	}
	return removeIfThere(d.at(f.name + d.cfg.Beside))
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
