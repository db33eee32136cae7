// Package files keeps preprocessed images in a directory of bounded size.
//
// What enters: images, as often as the pipeline finds them due. What leaves:
// one file each, whole or not at all, in names that sort by capture time; JPEG
// outputs as .jpg, tensors as NumPy's .npy; and beside each, if wanted, what is
// known of it, as .json. The oldest files give way to new ones, and to time. It
// never lets the pipeline wait for a disk, never touches a file that
// it did not name, and never logs: Stats and Err say how it is doing.
package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/agent/spool"
	"github.com/edge-agent/agent/preproc"
)

// queueLength is how many images may wait for the disk. Two ride out one slow
// fsync; more would only be older.
const queueLength = 2

// closeTimeout is how long Close waits for a disk that hangs, within the two
// seconds that a stop of the agent may take.
const closeTimeout = time.Second

// ErrClosed: the output was closed before.
var ErrClosed = errors.New("files closed")

// Config says what is kept where.
type Config struct {
	// Dir is the directory; it is made if need be, and may hold other files.
	Dir string
	// Keep is the most bytes that the files of this output may have, and KeepFor
	// how long they stay, 0 for as long as there is room.
	Keep    int64
	KeepFor time.Duration
	// Odd keeps only images with a verdict against them.
	Odd bool
	// Sidecar puts a [stream.Record] beside each image, with the file's name, its
	// bytes and the SHA-256 of the elements or of the JPEG file.
	Sidecar bool
	// Camera and Output begin every file name; Output is Spec.Name by default.
	Camera, Output string
	Spec           preproc.Spec
	// Width and Height are those of the largest image; Spec's by default.
	Width, Height int
	// MaxBytes is the longest image; Spec.MaxBytes by default.
	MaxBytes int
}

// Stats are counters since New, but Files and BytesKept, which are now.
type Stats struct {
	Written uint64
	// Dropped says by cause how many images were not written.
	Dropped   Dropped
	Files     int
	BytesKept int64
	// LastError is of the last attempt to write, or to delete what is overdue; nil
	// if it succeeded.
	LastError error
}

// Dropped counts images that were not written.
type Dropped struct {
	// Busy: the queue was full, the disk is slower than the images come.
	Busy uint64
	// Full: the file system had no room, or had none moments ago.
	Full uint64
	// Failed: another error of the file system, now or moments ago.
	Failed uint64
	// TooLarge: the image alone is larger than Keep.
	TooLarge uint64
}

// A Files is an [output.Output]. Stats, Err and Close may be called from any
// goroutine.
type Files struct {
	cfg    Config
	dir    *spool.Directory
	record *stream.Record
	free   chan *job
	work   chan *job
	done   chan struct{} // closed when the writer has ended

	mu      sync.Mutex // guards what follows
	closed  bool
	stats   Stats
	overdue bool // LastError is of files whose time is over
	pace    pace
}

// job is an image on its way to the disk.
type job struct {
	bytes    []byte // the file
	header   int    // of it, before the image
	record   []byte // what is known of it, with a Sidecar
	sequence uint64
	captured time.Time
}

var (
	_ output.Ailing   = (*Files)(nil)
	_ output.Reporter = (*Files)(nil)
)

// New makes the directory, counts the files of earlier runs, deletes what a
// dead one left half written, and starts the writer.
func New(cfg Config) (*Files, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	dir := spool.New(spool.Config{Path: cfg.Dir, Keep: cfg.Keep, KeepFor: cfg.KeepFor, Own: cfg.own, Beside: sidecar})
	if err := dir.Open(); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	f := &Files{
		cfg: cfg, dir: dir, done: make(chan struct{}), record: stream.NewRecord(cfg.Camera, &cfg.Spec),
		free: make(chan *job, queueLength), work: make(chan *job, queueLength),
	}
	for range queueLength {
		f.free <- &job{bytes: make([]byte, 0, npyHeaderBytes+cfg.MaxBytes)}
	}
	f.stats.Files, f.stats.BytesKept = dir.Files(), dir.Bytes()
	go f.write()
	return f, nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Width == 0 && c.Height == 0 {
		c.Width, c.Height = c.Spec.Width, c.Spec.Height
	}
	if c.Output == "" {
		c.Output = c.Spec.Name
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = c.Spec.MaxBytes(c.Width, c.Height)
	}
	switch {
	case c.Width <= 0 || c.Height <= 0:
		return c, fmt.Errorf("image of %dx%d: both sides must be known", c.Width, c.Height)
	case c.Keep <= 0:
		return c, fmt.Errorf("keep %d bytes: it must be positive", c.Keep)
	}
	for _, name := range []string{c.Camera, c.Output} {
		if name == "" || strings.ContainsAny(name, "/\x00") {
			return c, fmt.Errorf("name %q: it must be part of a file name", name)
		}
	}
	return c, nil
}

// Write copies img for the writer, or counts it as dropped when that one is
// behind; a good one is [output.ErrUnwanted] where only odd ones are kept. What
// the disk says is in Stats and Err, not here.
func (f *Files) Write(_ context.Context, img *preproc.Image) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if err := f.check(img); err != nil {
		return err
	}
	if f.cfg.Odd && img.Verdict == preproc.Good {
		return output.ErrUnwanted
	}
	select {
	case j := <-f.free:
		f.fill(j, img)
		f.work <- j // never full: there are as many places as jobs
		f.pace.offered(false)
	default:
		f.stats.Dropped.Busy++
		f.pace.offered(true)
	}
	return nil
}

func (f *Files) fill(j *job, img *preproc.Image) {
	j.bytes = j.bytes[:0]
	if f.cfg.Spec.Encode == preproc.Raw {
		j.bytes = AppendNPYHeader(j.bytes, &f.cfg.Spec, img.Width, img.Height)
	}
	j.header = len(j.bytes)
	j.bytes = append(j.bytes, img.Data...)
	j.sequence = img.Sequence
	j.captured = stream.WallClock(img.Timestamp)
	if f.cfg.Sidecar {
		j.record = f.record.Append(append(j.record[:0], '{'), img)
	}
}

func (f *Files) check(img *preproc.Image) error {
	s := &f.cfg.Spec
	switch want := s.MaxBytes(img.Width, img.Height); {
	case len(img.Data) > f.cfg.MaxBytes:
		return fmt.Errorf("write file: image of %d bytes: %d are allowed", len(img.Data), f.cfg.MaxBytes)
	case s.Encode == preproc.Raw && len(img.Data) != want:
		return fmt.Errorf("write file: %d bytes: a tensor of %dx%d has %d", len(img.Data), img.Width, img.Height, want)
	}
	return nil
}

// Stats may be called from any goroutine.
func (f *Files) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// Report implements [output.Reporter].
func (f *Files) Report() output.Report {
	s := f.Stats()
	missed := s.Dropped.Busy + s.Dropped.Full + s.Dropped.Failed + s.Dropped.TooLarge
	return output.Report{Kind: "files", Address: f.cfg.Dir, Consumers: 1, Delivered: s.Written, Missed: missed, Err: f.Err()}
}

// Err is why images cannot be written at the moment: what the disk says to the
// last one, or that it does not keep up.
func (f *Files) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stats.LastError != nil {
		return f.stats.LastError
	}
	return f.pace.err()
}

// Close writes what is queued and ends the writer. A disk that hangs is left
// alone after a second, with an error.
func (f *Files) Close() error {
	f.mu.Lock()
	already := f.closed
	f.closed = true
	f.mu.Unlock()
	if already {
		return nil
	}
	close(f.work)
	timeout := time.NewTimer(closeTimeout)
	defer timeout.Stop()
	select {
	case <-f.done:
		return nil
	case <-timeout.C:
		return fmt.Errorf("close files in %s: the disk does not answer: %w", f.cfg.Dir, os.ErrDeadlineExceeded)
	}
}
