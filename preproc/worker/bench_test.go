package worker

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// picture is a frame of 1080p with texture and noise.
func picture(b *testing.B, p capture.PixelFormat) *capture.Frame {
	b.Helper()
	const width, height = 1920, 1080
	raw := &capture.Frame{Format: capture.Format{PixelFormat: capture.YUYV, Width: width, Height: height}}
	raw.Format.Stride[0] = 2 * width
	raw.Planes[0] = make([]byte, 2*width*height)
	for i := range raw.Planes[0] {
		x, y := float64(i/2%width), float64(i/2/width)
		v := 128 + 60*math.Sin(x/37+y/91) + 30*math.Sin(x*y/90000) + float64(rand.IntN(4))
		raw.Planes[0][i] = byte(v)
	}
	if p == capture.YUYV {
		return raw
	}
	s := preproc.Spec{Encode: preproc.JPEG, Quality: 85}
	encoder, err := preproc.New(preproc.View{}, []preproc.Spec{s})
	if err != nil {
		b.Fatal(err)
	}
	defer encoder.Close()
	img := &preproc.Image{Data: make([]byte, s.MaxBytes(width, height))}
	if _, err := encoder.Process(b.Context(), raw, []*preproc.Image{img}); err != nil {
		b.Fatal(err)
	}
	f := &capture.Frame{Format: capture.Format{PixelFormat: p, Width: width, Height: height}}
	f.Planes[0] = img.Data
	return f
}

// shared is memory as a ring's is.
func shared(b *testing.B, r *rig, size int) []byte {
	b.Helper()
	m, err := newArea(size)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.close() })
	r.Share(Memory{FD: m.fd, Data: m.data})
	r.borrowed = m.fd
	return m.data
}

// BenchmarkAdded runs the same frames through a processor in this process and
// through a worker, in turn, and reports what the worker adds.
func BenchmarkAdded(b *testing.B) {
	float := preproc.Spec{Width: 640, Height: 640, DType: preproc.Float32, Layout: preproc.CHW}
	bytes := preproc.Spec{Width: 640, Height: 640}
	for _, test := range []struct {
		name   string
		format capture.PixelFormat
		spec   preproc.Spec
		shared bool // the memory of the images
		frames bool // and that of the frame
	}{
		{"MJPG/uint8", capture.MJPG, bytes, true, true},
		{"MJPG/uint8-frame-copied", capture.MJPG, bytes, true, false},
		{"MJPG/float32", capture.MJPG, float, true, true},
		{"MJPG/float32-copied", capture.MJPG, float, false, true},
		{"YUYV/uint8", capture.YUYV, bytes, true, true},
		{"YUYV/uint8-frame-copied", capture.YUYV, bytes, true, false},
		{"YUYV/float32", capture.YUYV, float, true, true},
	} {
		b.Run(test.name, func(b *testing.B) {
			f := picture(b, test.format)
			r := open(b, "good", func(c *Config) { c.Specs = []preproc.Spec{test.spec} })
			if test.shared {
				r.images[0].Data = shared(b, r, 2*len(r.images[0].Data))[4096:][:0:len(r.images[0].Data)]
			}
			if test.frames {
				data := shared(b, r, len(f.Planes[0]))
				r.Forget(data)
				r.ShareFrames([]capture.Memory{{FD: r.borrowed, Data: data}})
				f.Planes[0] = data[:copy(data, f.Planes[0])]
			}
			here, err := preproc.New(preproc.View{}, []preproc.Spec{test.spec})
			if err != nil {
				b.Fatal(err)
			}
			defer here.Close()
			mine := []*preproc.Image{{Data: shared(b, r, cap(r.images[0].Data))}}
			var with, without []time.Duration
			run := func(p preproc.Processor, images []*preproc.Image) time.Duration {
				began := time.Now()
				if _, err := p.Process(b.Context(), f, images); err != nil {
					b.Fatal(err)
				}
				return time.Since(began)
			}
			for range 3 {
				run(here, mine)
				run(r, r.images)
			}
			child := r.child.cpuTime()
			var parent, inProcess time.Duration
			for b.Loop() {
				time.Sleep(pause)
				before := ownCPU()
				without = append(without, run(here, mine))
				inProcess += ownCPU() - before
				time.Sleep(pause)
				before = ownCPU()
				with = append(with, run(r, r.images))
				parent += ownCPU() - before
			}
			b.ReportMetric(0, "ns/op")
			us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
			n := time.Duration(len(with))
			b.ReportMetric(us(parent/n), "parent-cpu-us")
			b.ReportMetric(us((r.child.cpuTime()-child)/n), "child-cpu-us")
			b.ReportMetric(us(inProcess/n), "in-process-cpu-us")
			added := make([]time.Duration, len(with))
			for i := range with {
				added[i] = with[i] - without[i]
			}
			slices.Sort(with)
			slices.Sort(without)
			slices.Sort(added)
			b.ReportMetric(us(without[len(without)/2]), "in-process-p50-us")
			b.ReportMetric(us(without[len(without)*99/100]), "in-process-p99-us")
			b.ReportMetric(us(with[len(with)/2]), "worker-p50-us")
			b.ReportMetric(us(with[len(with)*99/100]), "worker-p99-us")
			b.ReportMetric(us(added[len(added)/10]), "added-p10-us")
			b.ReportMetric(us(added[len(added)/2]), "added-p50-us")
			b.ReportMetric(float64(len(f.Planes[0]))/1024, "frame-KiB")
		})
	}
}

// pause is between two frames: a camera's processes are asleep when one comes.
const pause = 5 * time.Millisecond

// BenchmarkRecovery is the time from sending a frame that crashes the child to
// the end of the next frame's processing.
func BenchmarkRecovery(b *testing.B) {
	r := open(b, "segv-3", func(c *Config) { c.Burst = 1 << 30 })
	r.good(b, 1)
	var took, noticed []time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := r.Process(context.Background(), grey(3), r.images); err == nil {
			b.Fatal("no crash")
		}
		noticed = append(noticed, time.Since(began))
		r.good(b, 4)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	slices.Sort(noticed)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(noticed[len(took)/2].Microseconds())/1e3, "noticed-p50-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "p99-ms")
}

// BenchmarkStorm is of crashes in a row, a good frame after each, at the rate
// at which children are started: how long from the crash to the next good frame,
// and how much of a CPU it all takes. -benchtime 1000x.
func BenchmarkStorm(b *testing.B) {
	r := open(b, "segv-3", func(c *Config) { c.Burst = 0 })
	r.good(b, 1)
	var took []time.Duration
	before, began := allCPU(b), time.Now()
	for b.Loop() {
		crashed := time.Now()
		if _, err := r.Process(b.Context(), grey(3), r.images); err == nil {
			b.Fatal("no crash")
		}
		for n := uint64(4); ; n++ {
			if _, err := r.Process(b.Context(), grey(n), r.images); err == nil {
				break
			}
			time.Sleep(time.Millisecond) // until the next frame comes
		}
		took = append(took, time.Since(crashed))
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "p99-ms")
	b.ReportMetric(100*float64(allCPU(b)-before)/float64(time.Since(began)), "%CPU")
}

// allCPU is what this process and its children that have ended have computed.
func allCPU(b *testing.B) (sum time.Duration) {
	b.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var use unix.Rusage
		if err := unix.Getrusage(who, &use); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(use.Utime.Nano() + use.Stime.Nano())
	}
	return sum
}
