package quarantine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/edge-agent/agent/capture"
)

const (
	// recordBytes is the room of a record before the bitstream: a page.
	recordBytes = 4096
	// maxFlightBytes is the longest bitstream that is recorded.
	maxFlightBytes = 8 << 20
	// flightStep is the bytes by which the room for the bitstream grows.
	flightStep = 256 << 10
	// maxLeft is how many records of dead processes wait for a disk that is
	// full: they lie in memory.
	maxLeft = 4
)

// Died is the reason of an entry that was found in flight.
const Died = "crashed"

// A Flight is the record of the frame that one camera's preprocessor is at, in
// a file that outlives the process: what it holds when the process dies, of a
// segmentation fault, by the watchdog or by SIGKILL, becomes an entry at the
// next start, with the reason [Died].
//
// The bitstream of a compressed frame is copied into it, for nobody can have it
// back from the driver. The pixels of a raw frame are not: no value of a pixel
// makes a conversion crash, and they are many. One goroutine calls Begin and
// End, any other Close. A nil Flight records nothing.
type Flight struct {
	path string

	mu     sync.Mutex // guards what follows: Close must not unmap under End
	file   *os.File   // nil after Close
	memory []byte     // of record and bitstream
	room   int        // bytes of the bitstream that the file has
}

// record is what stands at the beginning of the file, in the byte order of the
// machine that it never leaves. It is a record only while state says so.
type record struct {
	magic         [8]byte
	state         uint64 // atomic
	pixelFormat   int64
	width, height int64
	stride        [capture.MaxPlanes]int64
	matrix, rnge  int64
	interval      int64
	sequence      uint64
	lost          uint64
	captured      int64 // nanoseconds since 1970
	timestamp     int64
	dequeued      int64
	bytes         int64 // of the bitstream, 0 when it is not recorded
}

var recordMagic = [8]byte{'e', 'a', 'f', 'l', 'y', 0, 0, version}

const (
	landed   = 0
	inFlight = 1
)

// Flight makes the record of a camera. Its name must be one that the config
// takes.
func (s *Store) Flight(camera string) (*Flight, error) {
	if s == nil || s.cfg.FlightDir == "" {
		return nil, nil
	}
	f := &Flight{path: filepath.Join(s.cfg.FlightDir, camera)}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("record of frames in flight: %w", err)
	}
	return f, nil
}

func (f *Flight) open() error {
	if !flightName.MatchString(filepath.Base(f.path)) {
		return fmt.Errorf("camera %q: it must be a name of the config", filepath.Base(f.path))
	}
	if err := makePrivate(filepath.Dir(f.path)); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	// The room is made by writing: a page of a file that has none yet would be
	// made at the first touch, which kills the process when memory is short.
	if _, err := file.Write(make([]byte, recordBytes)); err != nil {
		return errors.Join(err, file.Close())
	}
	f.memory, err = syscall.Mmap(int(file.Fd()), 0, recordBytes+maxFlightBytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return errors.Join(fmt.Errorf("map %s: %w", f.path, err), file.Close())
	}
	f.file = file
	f.record().magic = recordMagic
	return nil
}

// makePrivate makes a directory for nobody else, in one that is for others too.
func makePrivate(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (f *Flight) record() *record { return (*record)(unsafe.Pointer(unsafe.SliceData(f.memory))) }

// Begin records a frame that is about to be preprocessed, and has no fault.
func (f *Flight) Begin(frame *capture.Frame) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return
	}
	r := f.record()
	atomic.StoreUint64(&r.state, landed) // it may be that nobody called End
	r.describe(frame)
	if layout := frame.Format.PixelFormat.Layout(); layout != nil && layout.Compressed() && f.fits(len(frame.Planes[0])) {
		r.bytes = int64(copy(f.memory[recordBytes:], frame.Planes[0]))
	}
	atomic.StoreUint64(&r.state, inFlight)
}

func (r *record) describe(f *capture.Frame) {
	r.pixelFormat = int64(f.Format.PixelFormat)
	r.width, r.height = int64(f.Format.Width), int64(f.Format.Height)
	for i, stride := range f.Format.Stride {
		r.stride[i] = int64(stride)
	}
	r.matrix, r.rnge = int64(f.Format.Matrix), int64(f.Format.Range)
	r.interval = int64(f.Format.Interval)
	r.sequence, r.lost = f.Sequence, f.Lost
	r.captured = wallClock(f.Timestamp).UnixNano()
	r.timestamp, r.dequeued = int64(f.Timestamp), int64(f.Dequeued)
	r.bytes = 0
}

// fits makes room for a bitstream of n bytes, which takes a system call only
// when there never was a longer one.
func (f *Flight) fits(n int) bool {
	if n > maxFlightBytes {
		return false
	}
	if n <= f.room {
		return true
	}
	room := (n + flightStep - 1) / flightStep * flightStep
	if _, err := f.file.WriteAt(make([]byte, room-f.room), int64(recordBytes+f.room)); err != nil {
		return false
	}
	f.room = room
	return true
}

// End says that the frame did no harm.
func (f *Flight) End() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		atomic.StoreUint64(&f.record().state, landed)
	}
}

// Close ends the record. That of a frame which is still in flight stays: the
// process is about to end around it.
func (f *Flight) Close() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	var errs []error
	if atomic.LoadUint64(&f.record().state) == landed {
		errs = append(errs, os.Remove(f.path))
	}
	errs = append(errs, syscall.Munmap(f.memory), f.file.Close())
	f.file, f.memory = nil, nil
	return errors.Join(errs...)
}
