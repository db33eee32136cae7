package capture

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/io/video"
)

// A memory is an adapter and a source over frames that a test made.
type memory struct {
	modes    []Mode
	frames   []*Frame
	started  Mode
	startErr error
	opened   int
	closed   int
	returned int
}

func (m *memory) Open() ([]Mode, error) { m.opened++; return m.modes, nil }
func (m *memory) Close() error          { m.closed++; return nil }
func (m *memory) Format() Format        { return Format{PixelFormat: m.started.PixelFormat} }
func (m *memory) Return(*Frame)         { m.returned++ }

func (m *memory) Start(mode Mode) (Source, error) {
	m.started = mode
	return m, m.startErr
}

func (m *memory) Read(ctx context.Context) (*Frame, error) {
	if len(m.frames) == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	f := m.frames[0]
	m.frames = m.frames[1:]
	f.Lend(m)
	return f, nil
}

func (m *memory) Notes() []string { return []string{"odd"} }

func registered() int {
	return len(driver.GetManager().Query(func(driver.Driver) bool { return true }))
}

func TestOpenGoesThroughTheRegistryAndLeavesNothing(t *testing.T) {
	before := registered()
	for range 1000 {
		m := &memory{modes: []Mode{{RGB3, 640, 480, 15}, {NV12, 1280, 720, 30000.0 / 1001}}}
		s, err := Open(t.Context(), "cam", "a camera", m, Request{})
		if err != nil {
			t.Fatal(err)
		}
		if registered() != before+1 {
			t.Fatalf("%d drivers while one is open, %d before", registered(), before)
		}
		if m.started != m.modes[1] {
			t.Fatalf("started in %v, want exactly %v", m.started, m.modes[1])
		}
		if n := Notes(s); len(n) != 1 {
			t.Fatalf("notes %v did not come through", n)
		}
		if err := s.Close(); err != nil || m.closed != 1 {
			t.Fatalf("close: %v, closed %d times", err, m.closed)
		}
	}
	if registered() != before {
		t.Errorf("%d drivers are left", registered()-before)
	}
}

func TestOpenThatFailsLeavesNothing(t *testing.T) {
	before, broken := registered(), errors.New("broken")
	for name, m := range map[string]*memory{
		"start":   {modes: []Mode{{YUYV, 640, 480, 30}}, startErr: broken},
		"no mode": {modes: []Mode{{FourCC('H', '2', '6', '4'), 640, 480, 30}}},
	} {
		want := map[string]error{"start": broken, "no mode": ErrMode}[name]
		if _, err := Open(t.Context(), "cam", "", m, Request{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if m.closed == 0 || registered() != before {
			t.Errorf("%s: closed %d times, %d drivers left", name, m.closed, registered()-before)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := &memory{modes: []Mode{{YUYV, 640, 480, 30}}}
	if _, err := Open(ctx, "cam", "", m, Request{}); !errors.Is(err, context.Canceled) || m.opened != 0 {
		t.Errorf("cancelled before: %v, opened %d times", err, m.opened)
	}
}

func TestTwoDriversOfOneLabelAreToldApart(t *testing.T) {
	a, b := &memory{modes: []Mode{{YUYV, 1, 1, 1}}}, &memory{modes: []Mode{{NV12, 2, 2, 2}}}
	da, err := Register("twin", "", a)
	if err != nil {
		t.Fatal(err)
	}
	db, err := Register("twin", "", b)
	if err != nil {
		t.Fatal(err)
	}
	defer Deregister(da)
	defer Deregister(db)
	s, err := OpenDriver(t.Context(), db, Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if a.opened != 0 || b.opened != 1 {
		t.Errorf("opened a %d and b %d times, want b once", a.opened, b.opened)
	}
}

// record opens m as a stranger to this package would.
func record(t *testing.T, m *memory) (driver.Driver, video.Reader) {
	t.Helper()
	d, err := Register("stranger", "", m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Deregister(d) })
	if err := d.Open(); err != nil {
		t.Fatal(err)
	}
	r, err := d.(driver.VideoRecorder).VideoRecord(d.Properties()[0])
	if err != nil {
		t.Fatal(err)
	}
	return d, r
}

func TestClosingTheDriverEndsAReadThatWaits(t *testing.T) {
	m := &memory{modes: []Mode{{GREY, 4, 2, 30}}}
	d, r := record(t, m)
	done := make(chan error)
	go func() {
		_, _, err := r.Read()
		done <- err
	}()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("read: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("read still waits")
	}
	if m.closed != 1 {
		t.Errorf("closed %d times", m.closed)
	}
}

// solid is a 6x2 frame of one colour with two bytes of padding after each row.
func solid(t *testing.T, p PixelFormat, c color.YCbCr) *Frame {
	t.Helper()
	r, g, b := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
	f := &Frame{Format: Format{PixelFormat: p, Width: 6, Height: 2, Range: Full}}
	units := map[PixelFormat][][]byte{
		NV12: {{c.Y}, {c.Cb, c.Cr}},
		YU12: {{c.Y}, {c.Cb}, {c.Cr}},
		GREY: {{c.Y}},
		YUYV: {{c.Y, c.Cb, c.Y, c.Cr}},
		UYVY: {{c.Cb, c.Y, c.Cr, c.Y}},
		RGB3: {{r, g, b}},
		BGR3: {{b, g, r}},

		FourCC('Y', 'V', '1', '2'): {{c.Y}, {c.Cr}, {c.Cb}},
		FourCC('N', 'V', '6', '1'): {{c.Y}, {c.Cr, c.Cb}},
		FourCC('N', 'V', '2', '4'): {{c.Y}, {c.Cb, c.Cr}},
		FourCC('4', '2', '2', 'P'): {{c.Y}, {c.Cb}, {c.Cr}},
		FourCC('V', 'U', 'Y', 'A'): {{c.Cr, c.Cb, c.Y, 0x55}},
		FourCC('R', 'A', '2', '4'): {{0x55, b, g, r}},
	}[p]
	for i, unit := range units {
		row := f.Format.RowBytes(i)
		f.Format.Stride[i] = row + 2
		for range f.Format.Rows(i) {
			f.Planes[i] = append(f.Planes[i], bytes.Repeat(unit, row/len(unit))...)
			f.Planes[i] = append(f.Planes[i], 0xEE, 0xEE)
		}
	}
	return f
}

func TestReadGivesAnImageOfEachFormat(t *testing.T) {
	want := color.YCbCr{Y: 120, Cb: 90, Cr: 170}
	wr, wg, wb := color.YCbCrToRGB(want.Y, want.Cb, want.Cr)
	for _, p := range []PixelFormat{
		NV12, YU12, GREY, YUYV, UYVY, RGB3, BGR3,
		FourCC('Y', 'V', '1', '2'), FourCC('N', 'V', '6', '1'), FourCC('N', 'V', '2', '4'), FourCC('4', '2', '2', 'P'),
		FourCC('V', 'U', 'Y', 'A'), FourCC('R', 'A', '2', '4'),
	} {
		m := &memory{modes: []Mode{{p, 6, 2, 30}}, frames: []*Frame{solid(t, p, want)}}
		d, r := record(t, m)
		img, release, err := r.Read()
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		if img.Bounds() != image.Rect(0, 0, 6, 2) {
			t.Errorf("%s: bounds %v", p, img.Bounds())
		}
		for i := range 12 {
			c := color.RGBAModel.Convert(img.At(i%6, i/6)).(color.RGBA)
			exp := color.RGBA{wr, wg, wb, 255}
			if p == GREY {
				exp = color.RGBA{want.Y, want.Y, want.Y, 255}
			}
			if c != exp {
				t.Fatalf("%s: pixel %d is %v, want %v", p, i, c, exp)
			}
		}
		if m.returned != 0 {
			t.Errorf("%s: given back before release", p)
		}
		release()
		release()
		if m.returned != 1 {
			t.Errorf("%s: given back %d times", p, m.returned)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestReadLendsTheMemoryWhereItCan(t *testing.T) {
	for _, p := range []PixelFormat{GREY, YU12} {
		f := solid(t, p, color.YCbCr{Y: 1, Cb: 128, Cr: 128})
		_, r := record(t, &memory{modes: []Mode{{p, 6, 2, 30}}, frames: []*Frame{f}})
		img, release, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		f.Planes[0][0] = 200
		if y, _, _, _ := img.At(0, 0).RGBA(); y>>8 < 150 {
			t.Errorf("%s: the image is a copy", p)
		}
		release()
	}
}

func TestReadPassesOverFaultyFramesAndDecodesJPEG(t *testing.T) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, 16, 8)), nil); err != nil {
		t.Fatal(err)
	}
	good := &Frame{Format: Format{PixelFormat: MJPG, Width: 16, Height: 8}}
	good.Planes[0] = append(file.Bytes(), 0, 0, 0)
	bad := &Frame{Format: good.Format, Fault: FaultCorrupt}
	bad.Planes[0] = file.Bytes()[:10]
	m := &memory{modes: []Mode{{MJPG, 16, 8, 30}}, frames: []*Frame{bad, good}}
	_, r := record(t, m)
	img, release, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if img.Bounds() != image.Rect(0, 0, 16, 8) || m.returned != 1 {
		t.Errorf("bounds %v, %d given back, want the faulty one", img.Bounds(), m.returned)
	}
}
