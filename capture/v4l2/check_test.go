package v4l2

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
)

func checkerOf(t testing.TB, a agreed) *checker {
	t.Helper()
	p, err := a.picture()
	if err != nil {
		t.Fatal(err)
	}
	return &checker{picture: p}
}

var grey8x4 = agreed{fourcc: uint32(capture.GREY), width: 8, height: 4, bytesperline: []int{16}}
var mjpg8x4 = agreed{fourcc: uint32(capture.MJPG), width: 8, height: 4, bytesperline: []int{0}}

func TestFaultsAreNamed(t *testing.T) {
	raw := make([]byte, 64)
	jpeg := append([]byte{0xFF, 0xD8, 1, 2, 3, 0xFF, 0xD9}, make([]byte, 57)...)
	change := func(at int, v byte) []byte {
		b := bytes.Clone(jpeg)
		b[at] = v
		return b
	}
	const mono = bufFlagTimestampMonotonic
	for name, c := range map[string]struct {
		format agreed
		memory []byte
		used   int
		flags  uint32
		ts     time.Duration
		want   capture.Fault
		length int
	}{
		"whole":                          {grey8x4, raw, 64, mono, 2, capture.FaultNone, 56},
		"without the last row's padding": {grey8x4, raw, 56, mono, 2, capture.FaultNone, 56},
		"one byte short":                 {grey8x4, raw, 55, mono, 2, capture.FaultShort, 55},
		"empty":                          {grey8x4, raw, 0, mono, 2, capture.FaultShort, 0},
		"longer than its memory":         {grey8x4, raw[:60], 1 << 30, mono, 2, capture.FaultNone, 56},
		"error flag":                     {grey8x4, raw, 64, mono | bufFlagError, 2, capture.FaultErrorFlag, 56},
		"error flag before short":        {grey8x4, raw, 3, mono | bufFlagError, 2, capture.FaultErrorFlag, 3},
		"the same time as before":        {grey8x4, raw, 64, mono, 1, capture.FaultStale, 56},
		"a time before":                  {grey8x4, raw, 64, mono, 0, capture.FaultStale, 56},
		"no monotonic time at all":       {grey8x4, raw, 64, 0, 0, capture.FaultNone, 56},
		"JPEG, padding cut":              {mjpg8x4, jpeg, 64, mono, 2, capture.FaultNone, 7},
		"JPEG without padding":           {mjpg8x4, jpeg, 7, mono, 2, capture.FaultNone, 7},
		"JPEG cut short":                 {mjpg8x4, jpeg, 6, mono, 2, capture.FaultCorrupt, 6},
		"JPEG without SOI":               {mjpg8x4, change(1, 0), 64, mono, 2, capture.FaultCorrupt, 64},
		"JPEG without EOI":               {mjpg8x4, change(6, 0), 64, mono, 2, capture.FaultCorrupt, 64},
		"JPEG empty":                     {mjpg8x4, jpeg, 0, mono, 2, capture.FaultShort, 0},
		"JPEG of two bytes":              {mjpg8x4, jpeg, 2, mono, 2, capture.FaultCorrupt, 2},
	} {
		ch := checkerOf(t, c.format)
		ch.begun, ch.timestamp, ch.hasTimestamp = true, 1, true
		var f capture.Frame
		d := &dequeued{flags: c.flags, sequence: 1, timestamp: c.ts}
		d.end[0] = c.used
		ch.fill(&f, d, [][]byte{c.memory}, 100)
		if f.Fault != c.want || len(f.Planes[0]) != c.length {
			t.Errorf("%s: %v with %d bytes, want %v with %d", name, f.Fault, len(f.Planes[0]), c.want, c.length)
		}
	}
}

func TestAnEOIFarFromTheEndIsNotFound(t *testing.T) {
	b := append([]byte{0xFF, 0xD8, 0xFF, 0xD9}, make([]byte, eoiWithin)...)
	if _, ok := trimJPEG(b); ok {
		t.Error("found")
	}
	if b, ok := trimJPEG(b[:len(b)-1]); !ok || len(b) != 4 {
		t.Errorf("not found within reach: %v, %d", ok, len(b))
	}
}

func TestSequencesAreWidenedAndGapsCounted(t *testing.T) {
	const flagged = 1 << 40 // an error-flagged buffer, in the table's numbers
	for name, c := range map[string]struct{ raw, sequence, lost []uint64 }{
		"from 0":                    {[]uint64{0, 1, 2}, []uint64{0, 1, 2}, []uint64{0, 0, 0}},
		"a first frame loses none":  {[]uint64{7, 8}, []uint64{7, 8}, []uint64{0, 0}},
		"a gap":                     {[]uint64{0, 3, 4}, []uint64{0, 3, 4}, []uint64{0, 2, 0}},
		"over the wrap":             {[]uint64{math.MaxUint32, 0, 2}, []uint64{math.MaxUint32, 1 << 32, 1<<32 + 2}, []uint64{0, 0, 1}},
		"a restart":                 {[]uint64{50, 51, 0, 1, 3}, []uint64{50, 51, 52, 53, 55}, []uint64{0, 0, 0, 0, 1}},
		"a driver that counts not":  {[]uint64{0, 0, 0}, []uint64{0, 1, 2}, []uint64{0, 0, 0}},
		"a flagged one counts":      {[]uint64{5, 6 + flagged, 7}, []uint64{5, 6, 7}, []uint64{0, 0, 0}},
		"a flagged one without":     {[]uint64{5, 0 + flagged, 6}, []uint64{5, 5, 6}, []uint64{0, 0, 0}},
		"a flagged one after a gap": {[]uint64{5, 9 + flagged, 10}, []uint64{5, 9, 10}, []uint64{0, 3, 0}},
	} {
		ch := checkerOf(t, grey8x4)
		for i, raw := range c.raw {
			d := &dequeued{sequence: uint32(raw)}
			if raw >= flagged {
				d.flags = bufFlagError
			}
			if seq, lost := ch.count(d); seq != c.sequence[i] || lost != c.lost[i] {
				t.Errorf("%s: frame %d is %d with %d lost, want %d with %d", name, i, seq, lost, c.sequence[i], c.lost[i])
			}
		}
	}
}

func TestATimeInTheFutureDoesNotMakeTheRestStale(t *testing.T) {
	ch := checkerOf(t, grey8x4)
	for i, ts := range []time.Duration{time.Hour, 250 * time.Millisecond, 350 * time.Millisecond} {
		var f capture.Frame
		d := &dequeued{flags: bufFlagTimestampMonotonic, sequence: uint32(i), timestamp: ts}
		d.end[0] = 64
		now := time.Duration(i+2) * 100 * time.Millisecond
		ch.fill(&f, d, [][]byte{make([]byte, 64)}, now)
		if f.Fault != capture.FaultNone || f.Timestamp > now {
			t.Errorf("frame %d, captured at %v and dequeued at %v: %v, %v", i, ts, now, f.Fault, f.Timestamp)
		}
	}
}

func TestAFlaggedFramesTimeIsNotBelieved(t *testing.T) {
	ch := checkerOf(t, grey8x4)
	for i, d := range []dequeued{
		{flags: bufFlagTimestampMonotonic | bufFlagError, timestamp: 90 * time.Millisecond},
		{flags: bufFlagTimestampMonotonic, timestamp: 50 * time.Millisecond, sequence: 1},
	} {
		var f capture.Frame
		d.end[0] = 64
		ch.fill(&f, &d, [][]byte{make([]byte, 64)}, 100*time.Millisecond)
		if want := []capture.Fault{capture.FaultErrorFlag, capture.FaultNone}[i]; f.Fault != want {
			t.Errorf("frame %d: %v, want %v", i, f.Fault, want)
		}
	}
}

var jpegEOI = []byte{0xFF, 0xD9}

func FuzzTrimJPEG(f *testing.F) {
	f.Add([]byte{0xFF, 0xD8, 0, 0xFF, 0xD9, 0, 0})
	f.Add([]byte{0xFF, 0xD8, 0xFF})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := trimJPEG(b)
		if !ok {
			if len(got) != len(b) {
				t.Fatal("cut a stream that is no JPEG")
			}
			return
		}
		if !bytes.HasPrefix(got, []byte{0xFF, 0xD8}) || !bytes.HasSuffix(got, jpegEOI) || !bytes.HasPrefix(b, got) {
			t.Fatalf("% x became % x", b, got)
		}
		if bytes.Contains(b[len(got):], jpegEOI) {
			t.Fatal("cut before the last EOI")
		}
	})
}

// FuzzFill lets a driver say anything about a buffer of 4096 bytes in one or
// two planes: no frame may reach beyond its memory, and one without a fault has
// all its pixels.
func FuzzFill(f *testing.F) {
	f.Add(uint32(capture.NV12), uint32(16), uint32(8), 16, 16, uint32(0), 0, 4096, 0, 4096, int64(5), uint32(1))
	f.Add(uint32(capture.MJPG), uint32(16), uint32(8), 0, 0, uint32(bufFlagError), 3, 1, -1, 1<<31, int64(-5), uint32(1<<31))
	f.Add(uint32(capture.FourCC('N', 'M', '1', '2')), uint32(15), uint32(7), 16, 16, uint32(0x2000), 4, 200, 0, 200, int64(5), uint32(3))
	f.Fuzz(func(t *testing.T, fourcc, width, height uint32, stride0, stride1 int, flags uint32, start0, end0, start1, end1 int, ts int64, seq uint32) {
		a := agreed{fourcc: fourcc, width: width, height: height, bytesperline: []int{int(int32(stride0))}}
		if logical(fourcc) == capture.NV12 && fourcc != uint32(capture.NV12) {
			a.bytesperline = append(a.bytesperline, int(int32(stride1)))
		}
		p, err := a.picture()
		if err != nil {
			return
		}
		ch := &checker{picture: p}
		memory := [][]byte{make([]byte, 4096), make([]byte, 4096)}[:p.memoryPlanes]
		for i := range 3 {
			var fr capture.Frame
			d := &dequeued{flags: flags, sequence: seq * uint32(i), timestamp: time.Duration(ts * int64(i))}
			d.start, d.end = [maxMemoryPlanes]int{start0, start1}, [maxMemoryPlanes]int{end0, end1}
			ch.fill(&fr, d, memory, time.Duration(i))
			if fr.Fault != capture.FaultNone {
				continue
			}
			for n, s := range p.spans {
				if len(fr.Planes[n]) < max(s.length, 1) || p.format.Stride[0] > 0 && len(fr.Planes[n]) < p.format.PlaneBytes(n) {
					t.Fatalf("plane %d of %+v has %d bytes", n, p.format, len(fr.Planes[n]))
				}
			}
		}
	})
}
