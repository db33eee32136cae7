package worker

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// blank is a format of each kind, of a size that no chroma divides.
func blank(p capture.PixelFormat) capture.Format {
	f := capture.DefaultFormat(p, 163, 117)
	if l := p.Layout(); !l.Compressed() {
		for i := range l.Planes {
			f.Stride[i] = f.RowBytes(i) + 16
		}
	}
	return f
}

func (r *rig) learn(t *testing.T, f capture.Format) *Known {
	t.Helper()
	k, err := Learn(t.Context(), r.cfg.View, r.cfg.Specs, f)
	if err != nil {
		t.Fatal(err)
	}
	if other := grey(1).Format; !k.Of(f) || f != other && k.Of(other) {
		t.Error("of another format")
	}
	return k
}

// Whatever the camera sends, its worker's answer to a known frame is right.
func TestKnownAnswersOfEachFormat(t *testing.T) {
	for _, l := range capture.Formats() {
		t.Run(l.PixelFormat.String(), func(t *testing.T) {
			r := open(t, "good", func(c *Config) {
				c.View.Rotate = 90
				c.Specs = []preproc.Spec{
					{Name: "tensor", Width: 40, Height: 32, DType: preproc.Float32, Layout: preproc.CHW},
					{Name: "file", Width: 64, Height: 64, Encode: preproc.JPEG, Quality: 90},
				}
			})
			k := r.learn(t, blank(l.PixelFormat))
			for range 2 {
				if err := r.Verify(t.Context(), k, r.images); err != nil {
					t.Error(err)
				}
			}
			if len(r.gone) != 0 {
				t.Errorf("replaced: %+v", r.gone)
			}
		})
	}
}

// One wrong bit costs the worker that computed it, and the fresh one passes.
func TestWorkerThatComputesWronglyIsReplaced(t *testing.T) {
	r := open(t, "flip-3", nil)
	k := r.learn(t, grey(1).Format)
	r.good(t, 2)
	if err := r.Verify(t.Context(), k, r.images); err != nil {
		t.Fatal(err)
	}
	r.good(t, 3) // wrong in the middle, which nobody sees
	err := r.Verify(t.Context(), k, r.images)
	if err == nil || err.Error() != `known-answer frame: output "small" is not as it should be` {
		t.Fatal(err)
	}
	if len(r.gone) != 1 || r.gone[0].Cause != err.Error() || r.gone[0].InFrame || r.gone[0].Reason != preproc.ReasonFailed {
		t.Errorf("told of %+v", r.gone)
	}
	if err := r.Verify(t.Context(), k, r.images); err != nil {
		t.Error(err)
	}
}

// The child that is asked is the one that the frames go through, also when they
// lie in the driver's memory and a known one does not; and the known one is
// gone when it was asked.
func TestKnownFrameGoesToTheChildOfTheFrames(t *testing.T) {
	for _, format := range []capture.PixelFormat{capture.MJPG, capture.YUYV, capture.GREY} {
		r := open(t, "good", nil)
		k := r.learn(t, blank(format))
		m, err := newArea(len(k.frame(new(scratch)).Planes[0]) + pageSize)
		if err != nil {
			t.Fatal(err)
		}
		defer m.close()
		r.ShareFrames([]capture.Memory{{FD: m.fd, Data: m.data}})
		f := k.frame(new(scratch))
		f.Planes[0] = m.data[:copy(m.data, f.Planes[0])]
		if _, err := r.Process(t.Context(), f, r.images); err != nil {
			t.Fatal(err)
		}
		pid := r.child.pid
		for range 2 {
			if err := r.Verify(t.Context(), k, r.images); err != nil {
				t.Error(err)
			}
			if _, err := r.Process(t.Context(), f, r.images); err != nil || r.request.Planes[0].Memory == 0 {
				t.Errorf("%v, a frame from %+v", err, r.request.Planes[0])
			}
		}
		if r.child.pid != pid {
			t.Errorf("%v: another child was asked", format)
		}
		var held unix.Stat_t
		if err := unix.Fstat(r.memories[0].fd, &held); err != nil || held.Blocks*512 > 2*pageSize {
			t.Errorf("%v: the area holds %d bytes: %v", format, held.Blocks*512, err)
		}
	}
}

// A worker that is never right never passes, however often it is replaced; nor
// when what it is compared with was learnt anew.
func TestWorkerThatIsNeverRightNeverPasses(t *testing.T) {
	r := open(t, "flip-0", nil)
	for range 5 {
		k := r.learn(t, grey(1).Format)
		if err := r.Verify(t.Context(), k, r.images); err == nil {
			t.Fatal("passed")
		}
	}
	if len(r.gone) != 5 {
		t.Errorf("told of %+v", r.gone)
	}
}

// A known frame that crashes its worker is no frame's fault.
func TestWorkerThatCrashesOnTheKnownFrame(t *testing.T) {
	r := open(t, "exit-0", nil)
	k := r.learn(t, grey(1).Format)
	err := r.Verify(t.Context(), k, r.images)
	if e, ok := errors.AsType[*preproc.Error](err); !ok || e.Reason != preproc.ReasonCrashed || !strings.HasPrefix(err.Error(), "known-answer frame: ") {
		t.Error(err)
	}
	if len(r.gone) != 1 || r.gone[0].InFrame {
		t.Errorf("told of %+v", r.gone)
	}
}

// A camera that is frozen stays so while known frames come in between: the hash
// of its pictures is as it would be without them.
func TestKnownFramesLeaveNoTrace(t *testing.T) {
	r := open(t, "good", nil)
	plain := open(t, "good", nil)
	k := r.learn(t, grey(7).Format)
	for n := range 40 {
		want, err := plain.Process(t.Context(), grey(7), plain.images)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Process(t.Context(), grey(7), r.images)
		if err != nil || got != want {
			t.Fatalf("frame %d: %+v, want %+v: %v", n, got, want, err)
		}
		if err := r.Verify(t.Context(), k, r.images); err != nil {
			t.Fatal(err)
		}
	}
}

// What cannot be preprocessed cannot be known.
func TestNoKnownFrameOfAnImpossibleFormat(t *testing.T) {
	r := open(t, "good", func(c *Config) { c.View.Crop = preproc.Rect{Width: 1000, Height: 1000} })
	for name, test := range map[string]struct {
		format capture.Format
		want   preproc.Reason
	}{
		"unknown":  {capture.Format{PixelFormat: capture.FourCC('X', 'X', 'X', 'X'), Width: 8, Height: 8}, preproc.ReasonUnsupported},
		"no size":  {capture.Format{PixelFormat: capture.MJPG}, preproc.ReasonGeometry},
		"too huge": {capture.Format{PixelFormat: capture.MJPG, Width: 1 << 20, Height: 1 << 20}, preproc.ReasonGeometry},
		"crop":     {blank(capture.GREY), preproc.ReasonGeometry},
	} {
		_, err := Learn(t.Context(), r.cfg.View, r.cfg.Specs, test.format)
		if e, ok := errors.AsType[*preproc.Error](err); !ok || e.Reason != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
