package quarantine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/edge-agent/agent/agent/spool"
	"github.com/edge-agent/agent/capture"
)

// The records that processes have, and those that dead ones left: the time of
// capture is in the name, so that what comes later does not replace it.
var (
	flightName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	leftName   = regexp.MustCompile(`^([a-z0-9][a-z0-9-]{0,31})\.(\d{19})$`)
)

// ground puts the records of dead processes out of the way of new ones, before
// there are any. It is quick, and changes nothing when it is done again.
func ground(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || dir == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for frames in flight: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if flightName.MatchString(e.Name()) && e.Type().IsRegular() {
			errs = append(errs, groundOne(filepath.Join(dir, e.Name())))
		}
	}
	lefts, err := leftIn(dir)
	for _, path := range lefts[:max(0, len(lefts)-maxLeft)] {
		errs = append(errs, os.Remove(path))
	}
	return errors.Join(append(errs, err)...)
}

func groundOne(path string) error {
	e, err := readEntry(path, filepath.Base(path))
	if err != nil {
		return os.Remove(path) // nothing was in flight, or nobody can tell what
	}
	return os.Rename(path, fmt.Sprintf("%s.%019d", path, max(e.Captured.UnixNano(), 0)))
}

// leftIn lists the records that wait, the oldest first.
func leftIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || dir == "" {
		return nil, nil
	}
	var paths []string
	for _, e := range entries {
		if leftName.MatchString(e.Name()) && e.Type().IsRegular() {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return strings.Compare(filepath.Ext(a), filepath.Ext(b)) })
	return paths, err
}

// readRecord reads what was in flight, and is an error when nothing was.
func readRecord(path string) (*record, []byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, recordBytes+maxFlightBytes))
	if err != nil {
		return nil, nil, err
	}
	if len(data) < recordBytes {
		return nil, nil, fmt.Errorf("record of %d bytes: %d at least", len(data), recordBytes)
	}
	r := new(record)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(r)), unsafe.Sizeof(*r)), data)
	data = data[recordBytes:]
	switch {
	case r.magic != recordMagic:
		return nil, nil, errors.New("record of another version")
	case r.state != inFlight:
		return nil, nil, errors.New("nothing in flight")
	case r.bytes < 0 || r.bytes > int64(len(data)):
		return nil, nil, fmt.Errorf("bitstream of %d bytes: %d are there", r.bytes, len(data))
	}
	return r, data[:r.bytes:r.bytes], nil
}

// entry is what a record becomes.
func (r *record) entry(camera string, bitstream []byte) (*Entry, error) {
	p := capture.PixelFormat(r.pixelFormat)
	if p.Layout() == nil || r.matrix < 0 || r.matrix > int64(capture.HSV256) || r.rnge < 0 || r.rnge > int64(capture.Full) {
		return nil, fmt.Errorf("record of format %s, matrix %d, range %d", p, r.matrix, r.rnge)
	}
	f := &capture.Frame{
		Format: capture.Format{
			PixelFormat: p, Width: int(r.width), Height: int(r.height),
			Matrix: capture.Matrix(r.matrix), Range: capture.Range(r.rnge), Interval: time.Duration(r.interval),
		},
		Sequence: r.sequence, Lost: r.lost, Timestamp: time.Duration(r.timestamp), Dequeued: time.Duration(r.dequeued),
	}
	for i, stride := range r.stride {
		f.Format.Stride[i] = int(stride)
	}
	detail := "the agent died while it preprocessed this frame"
	if f.Planes[0] = bitstream; len(bitstream) == 0 {
		detail += "; its pixels were not recorded"
	}
	return newEntry(camera, f, Cause{Died, detail}, time.Unix(0, r.captured)), nil
}

// land makes entries of the records that wait. One that cannot be written now
// goes on waiting, for the disk or for the next start; doing it twice makes the
// same file twice.
func (w *writer) land() {
	paths, err := leftIn(w.cfg.FlightDir)
	if err != nil {
		w.tell(err)
	}
	w.left = false
	for _, path := range paths {
		if err := w.landOne(path); err != nil {
			w.left = true
			return
		}
	}
}

// landOne returns an error when the record should be tried again.
func (w *writer) landOne(path string) error {
	camera := leftName.FindStringSubmatch(filepath.Base(path))[1]
	e, err := readEntry(path, camera)
	if err != nil {
		return os.Remove(path) // of no use to anyone
	}
	if w.admits(e) {
		if err := w.keep(e); err != nil && !errors.Is(err, spool.ErrTooLarge) {
			return err
		}
	}
	return os.Remove(path)
}

// readEntry reads a record that can be an entry.
func readEntry(path, camera string) (*Entry, error) {
	r, bitstream, err := readRecord(path)
	if err != nil {
		return nil, err
	}
	e, err := r.entry(camera, bitstream)
	if err != nil {
		return nil, err
	}
	_, err = e.line()
	return e, err
}

func (w *writer) admits(e *Entry) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.window(e.source()).admit(time.Now()) {
		return true
	}
	w.stats.Dropped.Suppressed++
	return false
}
