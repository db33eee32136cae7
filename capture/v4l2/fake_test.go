package v4l2

import (
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// A kernel is a fake V4L2 driver with one camera. It keeps videobuf2's rules:
// buffers are queued, filled in order and dequeued; it fails where the real
// one does. Its memory is real, so that use after munmap is a SIGSEGV.
type kernel struct {
	t  testing.TB
	mu sync.Mutex

	caps     uint32
	bufType  uint32
	formats  []fakeFormat
	controls []*fakeControl
	// coerce changes what was asked for, as drivers do; after it, format is
	// what VIDIOC_S_FMT returns.
	coerce     func(*format)
	noTimeperf bool
	tsFlags    uint32
	buffers    int // given, whatever is asked for; 0 for as many
	exports    int // how many buffers it exports; not more

	format   format
	interval fract

	// fail is the next errors of a call, always what it fails with from now on.
	fail   map[uintptr][]unix.Errno
	always map[uintptr]unix.Errno
	// hang is called outside of the lock before a call is answered; 0 is close.
	hang map[uintptr]func()
	// revents is what poll says instead of looking.
	revents int16

	memory    [][][]byte // by buffer and plane, mapped
	mapped    int
	requested int
	queued    []int
	done      []filled
	used      []int
	streaming bool
	closed    bool
	ready     int // an eventfd, readable while done is not empty
	count     [8]byte

	// now is the time as the stream sees it, polled (if not nil) hears of
	// each poll whether it is for the device.
	now    func() time.Duration
	polled chan bool

	sequence uint32
	clock    time.Duration
}

type fakeFormat struct {
	fourcc    capture.PixelFormat
	sizes     []frmsizeenum
	intervals []frmivalenum
}

type fakeControl struct {
	queryExtCtrl
	value   int64
	menu    map[uint32]string
	refuses unix.Errno
	onSet   func(*fakeControl)
}

// filled is a buffer that the driver has done.
type filled struct {
	index     int
	bytesused []int
	offset    int
	flags     uint32
	sequence  uint32
	timestamp time.Duration
}

func discrete(w, h uint32) frmsizeenum {
	return frmsizeenum{typ: frmTypeDiscrete, minWidth: w, maxWidth: h}
}

func every(n, d uint32) frmivalenum {
	return frmivalenum{typ: frmTypeDiscrete, min: fract{n, d}}
}

// newKernel is a single-planar camera with the given formats, 64x48 at 30/s.
func newKernel(t testing.TB, formats ...capture.PixelFormat) *kernel {
	k := &kernel{
		t: t, caps: capVideoCapture | capStreaming, bufType: bufTypeVideoCapture,
		tsFlags: bufFlagTimestampMonotonic,
		fail:    map[uintptr][]unix.Errno{}, always: map[uintptr]unix.Errno{},
		clock: time.Second, now: capture.Monotonic,
	}
	for _, f := range formats {
		k.formats = append(k.formats, fakeFormat{f, []frmsizeenum{discrete(64, 48)}, []frmivalenum{every(1, 30)}})
	}
	var err error
	if k.ready, err = unix.Eventfd(0, unix.EFD_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(k.ready) })
	return k
}

// host has this camera at every path.
func (k *kernel) host() host {
	return host{dev: "/dev", sys: "/sys", openNode: func(string) (device, error) { return k, nil }, now: k.now}
}

// open opens the camera as a user does, at a path that exists.
func (k *kernel) open(c Config) (capture.Source, error) {
	c.Device = Selector{Path: "/dev/null"}
	return k.host().open(k.t.Context(), c)
}

func (k *kernel) mustOpen(c Config) capture.Source {
	k.t.Helper()
	s, err := k.open(c)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { s.Close() })
	return s
}

// emit fills the oldest queued buffer; change may spoil it. It says false when
// no buffer is queued, which costs the driver a frame.
func (k *kernel) emit(data []byte, change ...func(*filled)) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.clock += 33 * time.Millisecond
	sequence := k.sequence
	k.sequence++
	if len(k.queued) == 0 || !k.streaming {
		return false
	}
	f := filled{index: k.queued[0], sequence: sequence, timestamp: k.clock, flags: k.tsFlags}
	k.queued = k.queued[1:]
	for _, m := range k.memory[f.index] {
		n := copy(m, data)
		data = data[n:]
		f.bytesused = append(f.bytesused, n)
	}
	for _, c := range change {
		c(&f)
	}
	k.done = append(k.done, f)
	k.signal()
	return true
}

// refill is emit without pixels and allocations: the oldest queued buffer is
// done, with what it had in it.
func (k *kernel) refill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.used == nil {
		k.used = k.planes()
	}
	i := k.queued[0]
	k.queued = append(k.queued[:0], k.queued[1:]...)
	k.clock++
	k.sequence++
	k.done = append(k.done[:0], filled{index: i, bytesused: k.used, flags: k.tsFlags, sequence: k.sequence, timestamp: k.clock})
	k.signal()
}

// signal makes ready tell whether there is something to dequeue.
func (k *kernel) signal() {
	unix.Read(k.ready, k.count[:])
	if len(k.done) > 0 {
		unix.Write(k.ready, one)
	}
}

// raise sets what poll says, and wakes it.
func (k *kernel) raise(revents int16) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.revents = revents
	unix.Write(k.ready, one)
}

// one is what an eventfd is woken with; a variable, because the race detector
// makes a local one escape, which would spoil the count of allocations.
var one = []byte{1, 0, 0, 0, 0, 0, 0, 0}

func (k *kernel) set(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

func (k *kernel) poll(w *waker, dev bool, timeout time.Duration) (int16, error) {
	if k.polled != nil {
		k.polled <- dev
	}
	revents, err := pollFDs(k.ready, w, dev, timeout)
	k.mu.Lock()
	defer k.mu.Unlock()
	if dev && revents != 0 && k.revents != 0 {
		revents = k.revents
	}
	return revents, err
}

func (k *kernel) mmap(offset int64, length int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mapped++
	k.memory[offset>>20][offset>>12&0xff] = b
	return b, nil
}

func (k *kernel) munmap(b []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mapped--
	return unix.Munmap(b)
}

func (k *kernel) close() error {
	k.hangs(0)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		k.t.Error("closed twice")
	}
	k.closed = true
	return nil
}

func (k *kernel) hangs(request uintptr) {
	k.mu.Lock()
	hang := k.hang[request]
	k.mu.Unlock()
	if hang != nil {
		hang()
	}
}

// planes is how many memory planes the current format has, and their sizes.
func (k *kernel) planes() []int {
	if k.bufType == bufTypeVideoCapture {
		return []int{int(k.format.pix().sizeimage)}
	}
	p := k.format.pixMp()
	var sizes []int
	for _, f := range p.planeFmt[:p.numPlanes] {
		sizes = append(sizes, int(f.sizeimage))
	}
	return sizes
}

func planesOf(b *buffer) *[maxMemoryPlanes]plane {
	return *(**[maxMemoryPlanes]plane)(unsafe.Pointer(&b.m))
}
