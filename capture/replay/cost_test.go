package replay

import (
	"bytes"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// playable are recordings without an end, one of each kind that is read from
// an open file, and the pattern.
func playable(tb testing.TB) map[string]func(cfg Config) (capture.Source, error) {
	from := func(content []byte, path string) func(Config) (capture.Source, error) {
		return func(cfg Config) (capture.Source, error) {
			cfg.Path, cfg.Loop = path, true
			return NewReader(bytes.NewReader(content), cfg)
		}
	}
	mjpeg := fixture(tb, "stream-160x120.mjpg")
	for range 3 {
		mjpeg = append(mjpeg, fixture(tb, "422-720p.jpg")...)
	}
	return map[string]func(Config) (capture.Source, error){
		"pattern": func(cfg Config) (capture.Source, error) {
			cfg.Pattern = "bars"
			return Open(tb.Context(), cfg)
		},
		"mjpeg": from(mjpeg, "-"),
		"y4m":   from(y4mFile("W320 H240 C420jpeg", 320*240*3/2, 4), "-"),
		"raw":   from(make([]byte, 3*320*240*2), "x_320x240_YUYV.raw"),
	}
}

func TestNothingIsAllocatedPerFrame(t *testing.T) {
	for name, open := range playable(t) {
		for _, cfg := range []Config{{Unpaced: true}, {Rate: 500}} {
			s, err := open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			next := func() {
				f, err := s.Read(ctx)
				if err != nil {
					t.Fatal(err)
				}
				f.Release()
			}
			for range 50 { // each buffer has met the largest picture
				next()
			}
			if n := testing.AllocsPerRun(200, next); n != 0 {
				t.Errorf("%s, %+v: %v allocations a frame", name, cfg, n)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for name, open := range playable(b) {
		b.Run(name, func(b *testing.B) {
			s, err := open(Config{Unpaced: true})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			total := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				f := read(b, s)
				for _, p := range f.Planes {
					total += int64(len(p))
				}
				f.Release()
			}
			b.SetBytes(total / int64(b.N))
		})
	}
}
