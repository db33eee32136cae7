package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/spool"
	"github.com/edge-agent/agent/preproc"
)

// dated is what comes after the prefix in the names of this package.
var dated = regexp.MustCompile(`^\d{8}T\d{6}\.\d{6}Z-\d{8,}\.(jpg|npy)$`)

func (c *Config) prefix() string { return c.Camera + "-" + c.Output + "-" }

// own says which names are those of this output, for the spool.
func (c *Config) own(name string) (age string, ours bool) {
	rest, ours := strings.CutPrefix(name, c.prefix())
	return rest, ours && dated.MatchString(rest)
}

func (c *Config) name(captured time.Time, sequence uint64) string {
	extension := "npy"
	if c.Spec.Encode == preproc.JPEG {
		extension = "jpg"
	}
	return fmt.Sprintf("%s%s-%08d.%s", c.prefix(), captured.UTC().Format(spool.Stamp), sequence, extension)
}

// sidecar is what the name of the file beside an image ends in.
const sidecar = ".json"

// Between two looks at the files' age there is at least a second, so that many
// of them go together, and at most a minute, so that a clock that was set is noticed.
const (
	minLook = time.Second
	maxLook = time.Minute
)

// write is the goroutine that waits for the disk, until work is closed.
func (f *Files) write() {
	defer close(f.done)
	look := time.NewTimer(f.expire())
	defer look.Stop()
	if f.cfg.KeepFor == 0 {
		look.Stop()
	}
	for {
		select {
		case j, more := <-f.work:
			if !more {
				return
			}
			f.begin()
			f.count(f.put(j))
			f.free <- j
		case <-look.C:
			look.Reset(f.expire())
		}
	}
}

// expire deletes the files whose time is over, and says when to do so again.
func (f *Files) expire() time.Duration {
	f.begin()
	next, err := f.dir.Expire()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pace.asked = time.Time{}
	f.stats.Files, f.stats.BytesKept = f.dir.Files(), f.dir.Bytes()
	switch {
	case err != nil && f.stats.LastError == nil:
		f.stats.LastError, f.overdue = err, true
	case err == nil && f.overdue: // also where the next image is weeks away
		f.stats.LastError, f.overdue = nil, false
	}
	return min(max(next, minLook), maxLook)
}

func (f *Files) put(j *job) error {
	file := spool.File{Name: f.cfg.name(j.captured, j.sequence), Parts: [][]byte{j.bytes}}
	if f.cfg.Sidecar {
		file.Beside = j.complete(file.Name)
	}
	return f.dir.Write(file)
}

// complete puts in the record what is known of the file.
func (j *job) complete(name string) []byte {
	sum := sha256.Sum256(j.bytes[j.header:])
	j.record = append(append(append(j.record, `,"file":"`...), name...), `","bytes":`...)
	j.record = append(strconv.AppendInt(j.record, int64(len(j.bytes)), 10), `,"sha256":"`...)
	j.record = append(hex.AppendEncode(j.record, sum[:]), "\"}\n"...)
	return j.record
}

// begin notes that the disk is asked.
func (f *Files) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pace.asked = time.Now()
}

func (f *Files) count(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pace.asked, f.overdue = time.Time{}, false
	s := &f.stats
	s.LastError, s.Files, s.BytesKept = err, f.dir.Files(), f.dir.Bytes()
	switch {
	case err == nil:
		s.Written++
	case errors.Is(err, spool.ErrTooLarge):
		s.Dropped.TooLarge++
	case spool.NoRoom(err):
		s.Dropped.Full++
	default:
		s.Dropped.Failed++
	}
}
