package stream_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/replay"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
)

func encoder(t *testing.T, cfg stream.Config) *stream.Encoder {
	t.Helper()
	e, err := stream.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// noise is a picture of every colour there is.
func noise(s *preproc.Spec, width, height int, seed uint64) *preproc.Image {
	img := &preproc.Image{Spec: s, Width: width, Height: height, Sequence: seed, Data: make([]byte, width*height*s.Channels())}
	r := rand.New(rand.NewPCG(1, seed))
	for i := range img.Data {
		img.Data[i] = byte(r.Uint32())
		if r.IntN(8) == 0 {
			img.Data[i] = []byte{0, 255}[r.IntN(2)]
		}
	}
	return img
}

// Y4M is what this project's own reader makes of it, and that is to the level
// what BT.601 says.
func TestY4MHasTheColoursOfBT601(t *testing.T) {
	for _, size := range [][2]int{{16, 8}, {17, 9}, {1, 1}, {2, 1}, {1, 3}, {64, 48}} {
		for _, color := range []preproc.Color{preproc.RGB, preproc.BGR} {
			spec := preproc.Spec{Color: color}
			e := encoder(t, stream.Config{Format: stream.Y4M, Spec: spec})
			width, height := size[0], size[1]
			first, second := noise(&spec, width, height, 1), noise(&spec, width, height, 2)
			first.Interval = 40 * time.Millisecond
			frames := read(t, write(t, e, e.AppendHeader(nil, first), first, second))
			if len(frames) != 2 || frames[0].format.PixelFormat != capture.YU12 || frames[0].format.Interval != 40*time.Millisecond ||
				frames[0].format.Width != width || frames[0].format.Height != height || frames[0].format.Range == capture.Full {
				t.Fatalf("%v %v: read %d frames, %+v", size, color, len(frames), frames)
			}
			for i, img := range []*preproc.Image{first, second} {
				if want := bt601(img, color == preproc.BGR); !bytes.Equal(frames[i].data, want) {
					t.Errorf("%v %v, frame %d: % x, want % x", size, color, i, frames[i].data, want)
				}
			}
		}
	}
}

// bt601 is the formulas in doubles, as the recommendation has them.
func bt601(img *preproc.Image, reversed bool) []byte {
	w, h := img.Width, img.Height
	pixel := func(x, y int) (r, g, b float64) {
		p := img.Data[3*(min(y, h-1)*w+min(x, w-1)):]
		if reversed {
			return float64(p[2]), float64(p[1]), float64(p[0])
		}
		return float64(p[0]), float64(p[1]), float64(p[2])
	}
	luma := func(r, g, b float64) float64 { return 0.299*r + 0.587*g + 0.114*b }
	level := func(v float64) byte { return byte(math.Floor(v + 0.5)) }
	var ys, cbs, crs []byte
	for y := range h {
		for x := range w {
			ys = append(ys, level(16+219*luma(pixel(x, y))/255))
		}
	}
	for y := 0; y < h; y += 2 {
		for x := 0; x < w; x += 2 {
			var r, g, b float64
			for _, at := range [][2]int{{x, y}, {x + 1, y}, {x, y + 1}, {x + 1, y + 1}} {
				pr, pg, pb := pixel(at[0], at[1])
				r, g, b = r+pr/4, g+pg/4, b+pb/4
			}
			cbs = append(cbs, level(128+224*(b-luma(r, g, b))/1.772/255))
			crs = append(crs, level(128+224*(r-luma(r, g, b))/1.402/255))
		}
	}
	return append(append(ys, cbs...), crs...)
}

func TestGrayY4MIsItsBytesInFullRange(t *testing.T) {
	spec := preproc.Spec{Color: preproc.Gray}
	e := encoder(t, stream.Config{Spec: spec})
	img := noise(&spec, 7, 5, 3)
	frames := read(t, write(t, e, e.AppendHeader(nil, img), img))
	if len(frames) != 1 || frames[0].format.PixelFormat != capture.GREY || frames[0].format.Range != capture.Full || !bytes.Equal(frames[0].data, img.Data) {
		t.Errorf("%+v", frames)
	}
}

func TestRateIsTheFractionThatItWas(t *testing.T) {
	spec := preproc.Spec{}
	for interval, want := range map[time.Duration]string{
		0:                                   "F30:1",
		time.Second / 30:                    "F30:1",
		time.Second / 25:                    "F25:1",
		time.Second * 1001 / 30000:          "F30000:1001",
		time.Second * 1001 / 60000:          "F60000:1001",
		time.Second * 1001 / 24000:          "F24000:1001",
		time.Second / 240:                   "F240:1",
		10 * time.Second:                    "F1:10",
		133333 * time.Microsecond:           "F1000000:133333",
		66666666:                            "F15:1",
		time.Hour:                           "F1:3600",
		2*time.Second + 500*time.Nanosecond: "F2000000:4000001",
	} {
		e := encoder(t, stream.Config{Format: stream.Y4M, Spec: spec})
		header := string(e.AppendHeader(nil, &preproc.Image{Width: 4, Height: 2, Interval: interval}))
		if got := strings.Fields(header)[3]; got != want {
			t.Errorf("%v is %s, want %s", interval, got, want)
		}
	}
	e := encoder(t, stream.Config{Format: stream.Y4M, Every: 10 * time.Second})
	if header := string(e.AppendHeader(nil, &preproc.Image{Width: 4, Height: 2, Interval: time.Second / 30})); !strings.Contains(header, " F1:10 ") {
		t.Errorf("of an image every 10 s: %s", header)
	}
}

func TestRawIsTheBytesAlone(t *testing.T) {
	for _, spec := range []preproc.Spec{{Encode: preproc.JPEG}, {DType: preproc.Float32, Layout: preproc.CHW}} {
		e := encoder(t, stream.Config{Spec: spec})
		img := &preproc.Image{Width: 2, Height: 1, Data: []byte("123456789012345678901234")}
		if got := write(t, e, e.AppendHeader(nil, img), img, img); string(got) != strings.Repeat(string(img.Data), 2) || e.Format() != stream.Raw {
			t.Errorf("%v: %q", e.Format(), got)
		}
	}
}

func TestNDJSONTellsWhatThereIsToKnow(t *testing.T) {
	spec := preproc.Spec{Name: "model", DType: preproc.Float16, Layout: preproc.CHW}
	e := encoder(t, stream.Config{Format: stream.NDJSON, Camera: `fr"ont`, Spec: spec})
	img := &preproc.Image{
		Width: 2, Height: 1, Sequence: 1 << 60, Timestamp: capture.Monotonic(), Data: []byte("123456789012"),
		Geometry: preproc.Geometry{XX: 1.5, X0: -0.25, YY: 2}, CameraWidth: 640, CameraHeight: 480, Verdict: preproc.Black | preproc.Stale,
	}
	img.Published = img.Timestamp + 1500*time.Microsecond
	good := *img
	good.Verdict, good.Published = preproc.Good, 0
	good.Lens = lens.New(lens.Pinhole, 640, 480, lens.Matrix{FX: 500, FY: 500, CX: 320, CY: 240}, []float64{0.1})
	d := json.NewDecoder(bytes.NewReader(write(t, e, e.AppendHeader(nil, img), img, &good, img)))
	d.UseNumber()
	var lines []map[string]any
	for d.More() {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	captured, err := time.Parse(time.RFC3339Nano, lines[0]["captured"].(string))
	if err != nil || time.Since(captured) > time.Minute || captured.After(time.Now()) {
		t.Errorf("captured %v, %v", captured, err)
	}
	delete(lines[0], "captured")
	text, err := json.Marshal(lines[0])
	if err != nil {
		t.Fatal(err)
	}
	timestamp, _ := json.Marshal(img.Timestamp)
	want := `{"age_us":1500,"camera":"fr\"ont","camera_size":[640,480],"color":"rgb","data":"MTIzNDU2Nzg5MDEy","dtype":"float16",` +
		`"geometry":[1.5,0,-0.25,0,2,0],"layout":"chw","output":"model","sequence":1152921504606846976,"shape":[3,1,2],` +
		`"timestamp_ns":` + string(timestamp) + `,"verdict":"black+stale"}`
	if string(text) != want {
		t.Errorf("%s, want %s", text, want)
	}
	if _, published := lines[1]["age_us"]; published || lines[1]["verdict"] != "good" || lines[1]["lens"] == nil {
		t.Errorf("%v", lines[1])
	}
	if lines[2]["lens"] != nil || lines[2]["verdict"] != "black+stale" {
		t.Errorf("%v", lines[2])
	}
	if data, err := base64.StdEncoding.DecodeString(lines[2]["data"].(string)); err != nil || !bytes.Equal(data, img.Data) {
		t.Errorf("data %q, %v", data, err)
	}
	bare := encoder(t, stream.Config{Format: stream.NDJSON, Spec: spec, NoData: true})
	if line := write(t, bare, nil, img); bytes.Contains(line, []byte("data")) {
		t.Errorf("%s", line)
	}
}

func TestImagesThatAreNoPicturesAreNoY4M(t *testing.T) {
	for want, spec := range map[string]preproc.Spec{
		"encode: jpeg":   {Encode: preproc.JPEG},
		"dtype: float32": {DType: preproc.Float32},
		"dtype: int8":    {DType: preproc.Int8},
		"layout: chw":    {Layout: preproc.CHW},
		"scale: 0.5":     {Scale: 0.5},
	} {
		if _, err := stream.New(stream.Config{Format: stream.Y4M, Spec: spec}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if f, err := stream.Auto.Of(&spec); err != nil || f != stream.Raw {
			t.Errorf("%s: %v, %v", want, f, err)
		}
	}
	e := encoder(t, stream.Config{})
	if b, err := e.AppendFrame(nil, &preproc.Image{Width: 2, Height: 2, Data: make([]byte, 11)}); err == nil || len(b) != 0 {
		t.Errorf("a tensor that is too short: %d bytes, %v", len(b), err)
	}
}

func TestFormatsHaveWords(t *testing.T) {
	for f := stream.Auto; f <= stream.NDJSON; f++ {
		word, err := f.MarshalText()
		var back stream.Format
		if e := back.UnmarshalText(word); err != nil || e != nil || back != f || f.String() != string(word) {
			t.Errorf("%d is %q, %v, %v, %d", f, word, err, e, back)
		}
	}
	var f stream.Format
	if _, err := (stream.NDJSON + 1).MarshalText(); err == nil || f.UnmarshalText([]byte("mkv")) == nil {
		t.Error("a word that is none")
	}
}

func TestFramesAllocateNothing(t *testing.T) {
	for _, f := range []stream.Format{stream.Raw, stream.Y4M, stream.NDJSON} {
		spec := preproc.Spec{Name: "model"}
		e := encoder(t, stream.Config{Format: f, Camera: "front", Spec: spec})
		img := noise(&spec, 33, 21, 1)
		img.Published, img.Verdict = 1, preproc.Black
		img.Lens = lens.New(lens.Pinhole, 640, 480, lens.Matrix{FX: 500, FY: 500, CX: 320, CY: 240}, nil)
		buf := make([]byte, 0, 1<<16)
		if n := testing.AllocsPerRun(100, func() {
			img.Sequence++
			if _, err := e.AppendFrame(e.AppendHeader(buf, img), img); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %v allocations a frame", f, n)
		}
	}
}

// write appends the images to what the stream begins with.
func write(t *testing.T, e *stream.Encoder, b []byte, images ...*preproc.Image) []byte {
	t.Helper()
	for _, img := range images {
		var err error
		if b, err = e.AppendFrame(b, img); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

type frame struct {
	format capture.Format
	data   []byte
}

// read is what capture/replay makes of a file.
func read(t *testing.T, file []byte) (frames []frame) {
	t.Helper()
	source, err := replay.NewReader(bytes.NewReader(file), replay.Config{Path: "stream", Unpaced: true, Lossless: true})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for {
		f, err := source.Read(t.Context())
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil || f.Fault != capture.FaultNone {
			t.Fatal(err, f.Fault)
		}
		frames = append(frames, frame{f.Format, slices.Concat(f.Planes[:]...)})
		f.Release()
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, f := range []stream.Format{stream.Raw, stream.Y4M, stream.NDJSON} {
		b.Run(f.String(), func(b *testing.B) {
			spec := preproc.Spec{}
			e, err := stream.New(stream.Config{Format: f, Spec: spec})
			if err != nil {
				b.Fatal(err)
			}
			images := []*preproc.Image{noise(&spec, 1280, 720, 1), noise(&spec, 1280, 720, 2)}
			var buf []byte
			b.SetBytes(int64(len(images[0].Data)))
			b.ReportAllocs()
			for i := range b.N {
				if buf, err = e.AppendFrame(buf[:0], images[i%2]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
