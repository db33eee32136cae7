package ring_test

import (
	"hash/crc32"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/wire"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// random writes a frame that no other one is like, and says what every reader
// has to answer, but for the points.
func random(t *testing.T, r *ring.Ring, spec *preproc.Spec, sequence uint64) answer {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, sequence))
	data := r.Lend()
	if spec.Encode == preproc.JPEG {
		data = data[:1+rng.IntN(len(data))]
	}
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	g := preproc.Geometry{XX: 2 + rng.Float64(), XY: 0.25 * rng.Float64(), X0: 10 * rng.Float64(), YX: 0.5, YY: 3, Y0: -rng.Float64()}
	now := capture.Monotonic()
	img := &preproc.Image{
		Spec: spec, Data: data, Width: spec.Width, Height: spec.Height,
		Sequence: sequence, Timestamp: now - time.Duration(rng.IntN(1e9)), Dequeued: now - time.Duration(rng.IntN(1e6)),
		Verdict: preproc.Verdict(rng.Uint32()), Geometry: g, CameraWidth: rng.IntN(5000), CameraHeight: rng.IntN(5000),
	}
	if err := r.Write(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	return answer{
		Status: "frame", Sequence: sequence, Length: len(data), Verdict: uint32(img.Verdict), Width: img.Width, Height: img.Height,
		Timestamp: int64(img.Timestamp), Dequeued: int64(img.Dequeued), Published: int64(img.Published),
		Geometry: [6]float64{g.XX, g.XY, g.X0, g.YX, g.YY, g.Y0}, Camera: [2]int{img.CameraWidth, img.CameraHeight},
		CRC: crc32.ChecksumIEEE(data), Old: true, Valid: true,
	}
}

// header is an answer without the points, which are compared by their distance.
func header(a answer) answer {
	a.Point, a.Back, a.Corner, a.Why = [2]*float64{}, [2]*float64{}, [2]*float64{}, ""
	return a
}

func near(a, b [2]*float64) bool {
	if a[0] == nil || b[0] == nil {
		return a[0] == b[0]
	}
	return math.Hypot(*a[0]-*b[0], *a[1]-*b[1]) < 1e-6
}

// Each of 1,000 frames, none like another, has the same data, header and points
// for the readers in all three languages: what was written.
func TestReadersReadTheSameFrames(t *testing.T) {
	for name, spec := range map[string]preproc.Spec{
		"uint8":   {Name: "model", Width: 40, Height: 20},
		"int8":    {Name: "model", Width: 33, Height: 7, DType: preproc.Int8, Scale: 0.0123, ZeroPoint: -3, Color: preproc.Gray},
		"float16": {Name: "model", Width: 16, Height: 16, DType: preproc.Float16, Layout: preproc.CHW},
		"float32": {Name: "model", Width: 40, Height: 20, DType: preproc.Float32, Layout: preproc.CHW, Color: preproc.BGR},
		"jpeg":    {Name: "preview", Width: 64, Height: 32, Encode: preproc.JPEG, Quality: 80},
	} {
		t.Run(name, func(t *testing.T) {
			r, path := open(t, func(c *ring.Config) { c.Spec, c.Camera = spec, `fr"ont`+"\\\x01é<>" })
			readers := languages(t, path)
			consumersAre(t, r, len(readers))
			sameDescription(t, readers)
			for sequence := range uint64(200) {
				want := random(t, r, &spec, 1<<53-200+sequence)
				sameFrame(t, readers, want)
			}
		})
	}
}

func sameDescription(t *testing.T, readers map[string]language) {
	t.Helper()
	var want wire.Description
	readers["Go"].tell(t, "describe", &want)
	want.Magic, want.PID = "", 0 // which the C reader has no use for
	for name, l := range readers {
		var got wire.Description
		l.tell(t, "describe", &got)
		if got.Magic, got.PID = "", 0; !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

func sameFrame(t *testing.T, readers map[string]language, want answer) {
	t.Helper()
	points := ask(t, readers["Go"], "newest")
	for name, l := range readers {
		got := ask(t, l, "newest")
		if header(got) != header(want) {
			t.Fatalf("%s:\n got %+v\nwant %+v", name, got, want)
		}
		if !near(got.Point, points.Point) || !near(got.Back, points.Back) || !near(got.Corner, points.Corner) {
			t.Fatalf("%s: points of frame %d differ from Go's", name, got.Sequence)
		}
	}
}

// settle lets the readers connect, at last, to a ring without frames.
func settle(t *testing.T, readers map[string]language) {
	t.Helper()
	for name, l := range readers {
		for a := (answer{Status: "away"}); a.Status != "none"; a = ask(t, l, "next 0.1") {
			if a.Status != "away" {
				t.Fatalf("%s: %+v of a ring without frames", name, a)
			}
		}
	}
}

// What one verb returned is not new to the others; nothing waits that must not.
func TestReadersAnswerAlike(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	readers := languages(t, path)
	all := func(command, want string, sequence, skipped uint64) {
		t.Helper()
		for name, l := range readers {
			if a := ask(t, l, command); a.Status != want || a.Sequence != sequence || a.Skipped != skipped {
				t.Fatalf("%s, %s: %+v, want %s %d after %d", name, command, a, want, sequence, skipped)
			}
		}
	}
	all("newest", "away", 0, 0)
	all("next 0", "away", 0, 0)
	all("next 0.01", "away", 0, 0)
	r, _ := open(t, func(c *ring.Config) { c.Socket = path })
	settle(t, readers)
	all("newest", "none", 0, 0)
	publish(t, r, &pixels, 7)
	all("next", "frame", 7, 0)
	all("next 0", "none", 0, 0)
	all("newest", "frame", 7, 0)
	all("next 0.01", "none", 0, 0)
	for sequence := uint64(8); sequence < 20; sequence++ {
		publish(t, r, &pixels, sequence)
	}
	all("next 0", "frame", 19, 11)
	late := languages(t, path)
	readers = late
	consumersAre(t, r, 6)
	all("next 0", "none", 0, 0) // from before the connection
	all("newest", "frame", 19, 0)
	r.Close()
	all("newest", "away", 0, 0)
	all("next 0.01", "away", 0, 0)
}

func TestReadersOutliveTheAgent(t *testing.T) {
	small, large := pixels, pixels
	large.Width, large.Height = 80, 70
	r, path := open(t, nil)
	readers := languages(t, path)
	for sequence, spec := range map[uint64]*preproc.Spec{1: &small, 2: &large, 3: &small} {
		r.Close()
		r, _ = open(t, func(c *ring.Config) { c.Socket, c.Spec = path, *spec })
		settle(t, readers)
		sameFrame(t, readers, random(t, r, spec, sequence))
		sameDescription(t, readers)
	}
}

// An agent that was killed and came back goes on with memory and connections.
func TestReadersStayConnectedToTheNextProcess(t *testing.T) {
	r := newRestart(t)
	readers := languages(t, r.path)
	consumersAre(t, r.ring, 4)
	for sequence := range uint64(5) {
		sameFrame(t, readers, random(t, r.ring, &pixels, sequence))
		r.ring.Lend()[0]++ // half written
		r.leave()
		for name, l := range readers {
			if a := ask(t, l, "next 0"); a.Status != "none" {
				t.Errorf("%s: %+v between two processes", name, a)
			}
		}
		r.begin(nil)
		consumersAre(t, r.ring, 4)
	}
}

func TestReadersSeeThatAFrameWasOvertaken(t *testing.T) {
	r, path := open(t, nil)
	readers := languages(t, path)
	consumersAre(t, r, len(readers))
	for range 3 {
		sameFrame(t, readers, random(t, r, &pixels, 1))
		for newer := range uint64(3) {
			publish(t, r, &pixels, 2+newer)
		}
		for name, l := range readers {
			if a := ask(t, l, "valid"); !a.Valid {
				t.Errorf("%s: of 4 slots, 3 newer frames must leave a frame alone", name)
			}
		}
		r.Lend()
		for name, l := range readers {
			var a struct{ Valid, Copied bool }
			if l.tell(t, "valid", &a); a.Valid || a.Copied {
				t.Errorf("%s: valid while the slot is being written", name)
			}
		}
		for name, l := range readers {
			if a := ask(t, l, "newest"); a.Sequence != 4 || !a.Valid {
				t.Errorf("%s: %+v, want frame 4", name, a)
			}
		}
	}
}
