package files

import (
	"errors"
	"fmt"
	"regexp"
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

// write is the goroutine that waits for the disk, until work is closed.
func (f *Files) write() {
	defer close(f.done)
	for j := range f.work {
		f.count(f.dir.Write(f.cfg.name(j.captured, j.sequence), j.bytes))
		f.free <- j
	}
}

func (f *Files) count(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
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
