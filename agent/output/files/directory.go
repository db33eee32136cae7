package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/edge-agent/agent/preproc"
)

const (
	// temporary begins the name of a file that is being written.
	temporary = ".tmp-"
	// stamp is the capture time in a name: UTC, of fixed width, so that it sorts.
	stamp = "20060102T150405.000000Z"
)

// own is what comes after the prefix in the names of this package.
var own = regexp.MustCompile(`^\d{8}T\d{6}\.\d{6}Z-\d{8,}\.(jpg|npy)$`)

// directory knows the files of one output. One goroutine uses it at a time.
type directory struct {
	path, prefix string
	keep         int64
	kept         []file // oldest first
	bytes        int64  // of all kept
}

type file struct {
	name string
	size int64
}

// openDirectory makes the directory or takes stock of it, and brings it down to
// keep bytes.
func openDirectory(path, prefix string, keep int64) (*directory, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, err
	}
	d := &directory{path: path, prefix: prefix, keep: keep}
	entries, err := os.ReadDir(path) // in the order of names, which is that of time
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := d.take(e); err != nil {
			return nil, err
		}
	}
	return d, d.makeRoom(0)
}

// take counts a file of an earlier run, or deletes what it left half written.
func (d *directory) take(e os.DirEntry) error {
	name, half := strings.CutPrefix(e.Name(), temporary)
	rest, ours := strings.CutPrefix(name, d.prefix)
	if !ours || !own.MatchString(rest) || !e.Type().IsRegular() {
		return nil
	}
	if half {
		return os.Remove(filepath.Join(d.path, e.Name()))
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // someone deleted it since
	}
	if err != nil {
		return err
	}
	d.kept = append(d.kept, file{name, info.Size()})
	d.bytes += info.Size()
	return nil
}

func (d *directory) name(captured time.Time, sequence uint64, encode preproc.Encode) string {
	extension := "npy"
	if encode == preproc.JPEG {
		extension = "jpg"
	}
	return fmt.Sprintf("%s%s-%08d.%s", d.prefix, captured.UTC().Format(stamp), sequence, extension)
}

// add writes a whole file or none. The data is on the disk before the name is:
// without the fsync a power cut can leave an empty file under a good name (ext4
// and others write the rename first). The directory is not synced: losing the
// last file to a power cut is no harm, and a second flush wears a flash card.
func (d *directory) add(name string, data []byte) error {
	half := filepath.Join(d.path, temporary+name)
	err := writeSynced(half, data)
	if err == nil {
		err = os.Rename(half, filepath.Join(d.path, name))
	}
	if errors.Is(err, fs.ErrNotExist) { // the directory was deleted: for the next time
		return errors.Join(err, os.MkdirAll(d.path, 0o750))
	}
	if err != nil {
		return errors.Join(err, removeIfThere(half))
	}
	d.insert(file{name, int64(len(data))})
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// insert keeps the order of names: the clock may have been set back.
func (d *directory) insert(f file) {
	i, found := slices.BinarySearchFunc(d.kept, f, func(a, b file) int { return strings.Compare(a.name, b.name) })
	if found { // the rename replaced it
		d.bytes -= d.kept[i].size
		d.kept[i] = f
	} else {
		d.kept = slices.Insert(d.kept, i, f)
	}
	d.bytes += f.size
}

// makeRoom deletes the oldest files until size more bytes may be kept.
func (d *directory) makeRoom(size int64) error {
	return d.removeOldest(d.bytes + size - d.keep)
}

// removeOldest deletes files until that many bytes are free, or none is left.
func (d *directory) removeOldest(bytes int64) error {
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
