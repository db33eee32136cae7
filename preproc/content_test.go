package preproc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/replay"
)

func TestContentIsThatOfThePicture(t *testing.T) {
	f := picture(t)
	want := measured(t, f, 320).Content
	if measured(t, f, 320).Content != want {
		t.Error("the same frame has another content")
	}
	clock := *picture(t)
	clock.Planes[0] = append([]byte{0xff, 0xd8, 0xff, 0xe4, 0, 6, 1, 2, 3, 4}, f.Planes[0][2:]...)
	if measured(t, &clock, 320).Content != want {
		t.Error("a time in the header makes another content")
	}
	noise := sensor(1)
	for _, p := range []capture.PixelFormat{capture.YUYV, capture.NV12, capture.RGB3, capture.GREY, capture.MJPG} {
		seen := map[uint64]bool{}
		for range 10 {
			raw := p
			if p == capture.MJPG {
				raw = capture.RGB3
			}
			f := newFrame(raw, 640, 480, 0, func() byte { return noise(40) })
			if p == capture.MJPG {
				f = encoded(t, f, 70)
			}
			seen[measured(t, f, 320).Content] = true
		}
		if len(seen) != 10 {
			t.Errorf("%v: 10 frames of a dark wall with a little noise have %d contents", p, len(seen))
		}
	}
}

// A source without noise may stand still but for one pixel.
func TestOnePixelMakesAnotherContent(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, p := range families {
		proc, err := New(View{}, []Spec{{Width: 16, Height: 16}})
		if err != nil {
			t.Fatal(err)
		}
		defer proc.Close()
		f := scene(p, 1921, 101)
		images := []*Image{imageFor(t, f, View{}, proc.specs[0])}
		content := func() uint64 {
			m, err := proc.Process(t.Context(), f, images)
			if err != nil {
				t.Fatal(err)
			}
			return m.Content
		}
		content()
		still := content()
		if again := content(); again != still {
			t.Errorf("%v: the same frame has another content", p)
		}
		last := content()
		change := func() string {
			plane := r.IntN(len(p.Layout().Planes))
			row, column := r.IntN(f.Format.Rows(plane)), r.IntN(f.Format.RowBytes(plane))
			f.Planes[plane][row*f.Format.Stride[plane]+column] ^= 1 << r.IntN(8)
			return fmt.Sprintf("%v: a change at %d, %d of plane %d is not seen", p, column, row, plane)
		}
		for range 100 {
			what := change()
			now := content()
			if now == last {
				t.Fatal(what)
			}
			last = now
		}
		// A picture that has been still for longer is not looked at whole each time.
		for still := range 30 {
			for range still {
				last = content()
			}
			what := change()
			after := 1
			for content() == last {
				if after++; after > 16 {
					t.Fatalf("%s in 16 frames, after %d without one", what, still)
				}
			}
		}
	}
}

// Whatever moves in the pattern is seen, at every size, so that who tries the
// agent on it is told nothing wrong.
func TestThePatternIsGood(t *testing.T) {
	for _, size := range [][2]int{{64, 48}, {320, 240}, {1280, 720}, {1920, 1080}} {
		for _, p := range []capture.PixelFormat{capture.YUYV, capture.NV12, capture.RGB3} {
			t.Run(fmt.Sprint(p, size), func(t *testing.T) {
				playedIsGood(t, replay.Config{Pattern: "bars", Format: p, Width: size[0], Height: size[1]}, 12)
			})
		}
	}
}

func TestTheMovingSceneIsGood(t *testing.T) {
	playedIsGood(t, replay.Config{Path: "../testdata/jpeg/stream-160x120.mjpg"}, 8)
}

// playedIsGood judges n frames that come 3 s apart: two equal ones would be
// noticed as a frozen camera.
func playedIsGood(t *testing.T, cfg replay.Config, n int) {
	cfg.Unpaced, cfg.Lossless, cfg.Buffers = true, true, 1
	source, err := replay.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	judge := NewJudge(usual)
	judge.quality.BlurBelow = 0 // the pattern is made of surfaces
	seen := map[uint64]bool{}
	for i := range n {
		f, err := source.Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		m := measured(t, f, 64)
		f.Release()
		seen[m.Content] = true
		if v := judge.Frame(m, time.Duration(i)*3*time.Second, 0); v != Good {
			t.Errorf("frame %d: %v, %+v", i, v, m)
		}
	}
	if len(seen) != n {
		t.Errorf("%d frames have %d contents", n, len(seen))
	}
}
