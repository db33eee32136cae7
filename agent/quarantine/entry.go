package quarantine

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/spool"
	"github.com/edge-agent/agent/capture"
)

// Magic begins every entry, and nothing else that holds frames.
const Magic = `{"edge-agent-frame":`

const (
	version = 1
	// maxLineBytes bounds the first line, whatever a damaged file looks like.
	maxLineBytes = 8 << 10
	// maxDetailBytes bounds a detail: JSON may need six bytes for one of it.
	maxDetailBytes = 1 << 10
	// maxFrameBytes bounds the planes together. It is beyond every camera.
	maxFrameBytes = 64 << 20
	maxSide       = 1 << 16
	// captured is the layout of the capture time, to the microsecond in UTC.
	captured = "2006-01-02T15:04:05.000000Z"
)

// A Cause is why a frame is kept.
type Cause struct {
	// Reason is the name of the drop, as in counters and logs: a to z and -.
	Reason string
	// Detail says more about it, to a person. Only its first KiB is kept.
	Detail string
}

// An Entry is a frame at rest and what was wrong with it.
type Entry struct {
	Camera string
	Cause
	// Captured is the time of capture by the clock on the wall.
	Captured time.Time
	// Frame has no lender: it is not to be released.
	Frame *capture.Frame
}

// header is the first line. Its fields are the whole of a capture.Frame.
type header struct {
	Version     int      `json:"edge-agent-frame"`
	Camera      string   `json:"camera"`
	Reason      string   `json:"reason"`
	Detail      string   `json:"detail"`
	Fault       string   `json:"fault"`
	PixelFormat string   `json:"pixel_format"`
	Width       int      `json:"width"`
	Height      int      `json:"height"`
	Stride      []int    `json:"stride"`
	Matrix      string   `json:"matrix"`
	Range       string   `json:"range"`
	IntervalNS  int64    `json:"interval_ns"`
	Sequence    uint64   `json:"sequence"`
	Lost        uint64   `json:"lost"`
	Captured    string   `json:"captured"`
	TimestampNS int64    `json:"timestamp_ns"`
	DequeuedNS  int64    `json:"dequeued_ns"`
	PlaneBytes  []int    `json:"plane_bytes"`
	SHA256      checksum `json:"sha256"`
}

// checksum is that of the planes, one after the other.
type checksum string

func sum(planes [][]byte) checksum {
	h := sha256.New()
	for _, p := range planes {
		h.Write(p)
	}
	return checksum(hex.EncodeToString(h.Sum(nil)))
}

// Name is the file's name: FRONT-TIME-SEQUENCE-REASON.frame.
func (e *Entry) Name() string {
	return fmt.Sprintf("%s-%s-%08d-%s.frame", e.Camera, e.Captured.UTC().Format(spool.Stamp), e.Frame.Sequence, e.Reason)
}

// planes are those that the pixel format has.
func (e *Entry) planes() [][]byte {
	return e.Frame.Planes[:len(e.Frame.Format.PixelFormat.Layout().Planes)]
}

// line is the first line of the entry's file, newline included.
func (e *Entry) line() ([]byte, error) {
	f := e.Frame
	if f.Format.PixelFormat.Layout() == nil {
		return nil, fmt.Errorf("pixel format %s: not one that is known here", f.Format.PixelFormat)
	}
	planes := e.planes()
	h := header{
		Version: version, Camera: e.Camera, Reason: e.Reason, Detail: e.Detail, Fault: f.Fault.String(),
		PixelFormat: f.Format.PixelFormat.String(), Width: f.Format.Width, Height: f.Format.Height,
		Stride: f.Format.Stride[:len(planes)], Matrix: f.Format.Matrix.String(), Range: f.Format.Range.String(),
		IntervalNS: int64(f.Format.Interval), Sequence: f.Sequence, Lost: f.Lost,
		Captured: e.Captured.UTC().Format(captured), TimestampNS: int64(f.Timestamp), DequeuedNS: int64(f.Dequeued),
		PlaneBytes: make([]int, len(planes)), SHA256: sum(planes),
	}
	for i, p := range planes {
		h.PlaneBytes[i] = len(p)
	}
	if _, err := h.entry(); err != nil {
		return nil, err // what could not be read again is not written
	}
	return h.encode()
}

func (h *header) encode() ([]byte, error) {
	b, err := json.Marshal(h)
	return append(b, '\n'), err
}

// WriteTo writes the entry as a file.
func (e *Entry) WriteTo(w io.Writer) (int64, error) {
	line, err := e.line()
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for _, b := range append([][]byte{line}, e.planes()...) {
		n, err := w.Write(b)
		if total += int64(n); err != nil {
			return total, err
		}
	}
	return total, nil
}

// Read reads an entry to its end, and refuses what is not exactly one. It
// takes no more memory than there are bytes, whatever the first line claims.
func Read(r io.Reader) (*Entry, error) {
	in := bufio.NewReaderSize(r, maxLineBytes)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("read frame: its first line does not end within %d bytes: %w", maxLineBytes, err)
	}
	h, err := parseLine(line)
	if err != nil {
		return nil, fmt.Errorf("read frame: first line: %w", err)
	}
	e, err := h.entry()
	if err != nil {
		return nil, fmt.Errorf("read frame: first line: %w", err)
	}
	if err := h.planes(in, e.Frame); err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	return e, nil
}

// parseLine takes the one form that encode writes: no other order, no other
// key, none twice.
func parseLine(line []byte) (*header, error) {
	h := new(header)
	if err := json.Unmarshal(line, h); err != nil {
		return nil, err
	}
	again, err := h.encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(line, again) {
		return nil, errors.New("not in the one form that it has")
	}
	return h, nil
}

// planes reads the pixels into f.
func (h *header) planes(r io.Reader, f *capture.Frame) error {
	total := 0
	for _, n := range h.PlaneBytes {
		total += n
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(total)+1))
	if err != nil {
		return err
	}
	if len(data) != total {
		return fmt.Errorf("planes: found %d bytes or more, want %d", len(data), total)
	}
	planes := f.Planes[:len(h.PlaneBytes)]
	for i, n := range h.PlaneBytes {
		planes[i], data = data[:n:n], data[n:]
	}
	if found := sum(planes); found != h.SHA256 {
		return fmt.Errorf("planes: found sha256 %s, want %s", found, h.SHA256)
	}
	return nil
}

// entry is the meaning of the line, without the pixels.
func (h *header) entry() (*Entry, error) {
	if h.Version != version {
		return nil, fmt.Errorf("version %d: allowed: %d", h.Version, version)
	}
	at, err := time.Parse(captured, h.Captured)
	if err != nil || at.Year() < 0 || at.Year() > 9999 {
		return nil, fmt.Errorf("captured %q: allowed: a time like %s", h.Captured, captured)
	}
	e := &Entry{Camera: h.Camera, Cause: Cause{h.Reason, h.Detail}, Captured: at, Frame: &capture.Frame{
		Sequence: h.Sequence, Lost: h.Lost,
		Timestamp: time.Duration(h.TimestampNS), Dequeued: time.Duration(h.DequeuedNS),
	}}
	if len(h.Detail) > maxDetailBytes {
		return nil, fmt.Errorf("detail of %d bytes: allowed: %d", len(h.Detail), maxDetailBytes)
	}
	if _, ours := own(e.Name()); !ours {
		return nil, fmt.Errorf("camera %q, reason %q: allowed: 1 to 32 of a-z, 0-9 and -", h.Camera, h.Reason)
	}
	if e.Frame.Fault, err = wordOf[capture.Fault]("fault", h.Fault, capture.FaultStale); err != nil {
		return nil, err
	}
	e.Frame.Format, err = h.format()
	return e, err
}

// format checks no more than that the numbers can be numbers of a frame. That
// the geometry suits the planes is the preprocessor's to find out: it may be
// what was wrong with the frame.
func (h *header) format() (f capture.Format, err error) {
	f.PixelFormat, _ = capture.ParsePixelFormat(h.PixelFormat)
	layout := f.PixelFormat.Layout()
	if layout == nil {
		return f, fmt.Errorf("pixel_format %q: not one that is known here", h.PixelFormat)
	}
	if n := len(layout.Planes); len(h.Stride) != n || len(h.PlaneBytes) != n {
		return f, fmt.Errorf("stride of %d planes and plane_bytes of %d: %s has %d", len(h.Stride), len(h.PlaneBytes), f.PixelFormat, n)
	}
	total := 0
	for i := range layout.Planes {
		stride, n := h.Stride[i], h.PlaneBytes[i]
		if stride < 0 || stride > maxFrameBytes || n < 0 || n > maxFrameBytes-total {
			return f, fmt.Errorf("stride %v, plane_bytes %v: allowed: 0 to %d in all", h.Stride, h.PlaneBytes, maxFrameBytes)
		}
		f.Stride[i], total = stride, total+n
	}
	if h.Width < 0 || h.Height < 0 || h.Width > maxSide || h.Height > maxSide || h.IntervalNS < 0 {
		return f, fmt.Errorf("%dx%d every %d ns: allowed: 0x0 to %dx%[4]d, and no negative time", h.Width, h.Height, h.IntervalNS, maxSide)
	}
	f.Width, f.Height, f.Interval = h.Width, h.Height, time.Duration(h.IntervalNS)
	if f.Matrix, err = wordOf[capture.Matrix]("matrix", h.Matrix, capture.HSV256); err != nil {
		return f, err
	}
	f.Range, err = wordOf[capture.Range]("range", h.Range, capture.Full)
	return f, err
}

// wordOf is the value up to last that has this name.
func wordOf[V interface {
	~uint8
	String() string
}](key, name string, last V) (V, error) {
	var words []string
	for v := V(0); v <= last; v++ {
		if v.String() == name {
			return v, nil
		}
		words = append(words, v.String())
	}
	return 0, fmt.Errorf("%s %q: allowed: %s", key, name, strings.Join(words, ", "))
}
