package stream

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
)

// A Record writes what is known of an image as members of a JSON object, in the
// words of agent process and of the ring's description:
//
//	camera, output  their names
//	sequence        of the frame, by the driver
//	timestamp_ns    of its capture, CLOCK_MONOTONIC
//	captured        the same by the clock on the wall, UTC
//	age_us          how old the frame was when it was published
//	verdict         good, or what is wrong with the picture, joined by +
//	shape           of the tensor, in the order of layout; of a JPEG height, width, channels
//	dtype           of its elements, or jpeg
//	layout, color   of the tensor: hwc or chw; rgb, bgr or gray
//	geometry        xx xy x0 yx yy y0, the way of points to the camera's picture
//	camera_size     of that picture: width, height
//	lens            leads on to the camera's own points, where pictures are undistorted
//
// captured and age_us are left out of images that were never published. One
// goroutine uses it.
type Record struct {
	spec   *preproc.Spec
	begin  []byte // the members that never change
	kind   []byte // dtype, layout and color
	lens   lens.Lens
	optics []byte // the member of lens
	said   preproc.Verdict
	word   string // of said
}

// NewRecord makes the Record of a camera's output.
func NewRecord(camera string, s *preproc.Spec) *Record {
	r := &Record{spec: s, word: preproc.Good.String()}
	r.begin = appendText(append(r.begin, `"camera":`...), camera)
	r.begin = appendText(append(r.begin, `,"output":`...), s.Name)
	dtype := s.Encode.String()
	if s.Encode == preproc.Raw {
		dtype = s.DType.String()
	}
	r.kind = appendText(append(r.kind, `,"dtype":`...), dtype)
	if s.Encode == preproc.Raw {
		r.kind = appendText(append(r.kind, `,"layout":`...), s.Layout.String())
	}
	r.kind = appendText(append(r.kind, `,"color":`...), s.Color.String())
	return r
}

// Append appends the members, without braces.
func (r *Record) Append(b []byte, img *preproc.Image) []byte {
	b = append(b, r.begin...)
	b = strconv.AppendUint(append(b, `,"sequence":`...), img.Sequence, 10)
	b = strconv.AppendInt(append(b, `,"timestamp_ns":`...), int64(img.Timestamp), 10)
	if img.Published != 0 {
		b = append(b, `,"captured":"`...)
		b = WallClock(img.Timestamp).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
		b = strconv.AppendInt(append(b, `","age_us":`...), (img.Published - img.Timestamp).Microseconds(), 10)
	}
	if img.Verdict != r.said {
		r.said, r.word = img.Verdict, img.Verdict.String()
	}
	b = append(append(append(b, `,"verdict":"`...), r.word...), '"')
	b = r.appendShape(b, img)
	b = append(b, r.kind...)
	return r.appendGeometry(b, img)
}

func (r *Record) appendShape(b []byte, img *preproc.Image) []byte {
	shape := [3]int{img.Height, img.Width, r.spec.Channels()}
	if r.spec.Layout == preproc.CHW && r.spec.Encode == preproc.Raw {
		shape = [3]int{r.spec.Channels(), img.Height, img.Width}
	}
	b = append(b, `,"shape":[`...)
	for i, n := range shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

func (r *Record) appendGeometry(b []byte, img *preproc.Image) []byte {
	g := img.Geometry
	b = append(b, `,"geometry":[`...)
	for i, v := range [...]float64{g.XX, g.XY, g.X0, g.YX, g.YY, g.Y0} {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	b = strconv.AppendInt(append(b, `],"camera_size":[`...), int64(img.CameraWidth), 10)
	b = append(strconv.AppendInt(append(b, ','), int64(img.CameraHeight), 10), ']')
	if img.Lens != r.lens {
		r.lens, r.optics = img.Lens, appendLens(r.optics[:0], img.Lens)
	}
	return append(b, r.optics...)
}

// appendLens appends nothing for pictures that are as they were taken. A lens
// is the same for as long as the camera's mode is.
func appendLens(b []byte, l lens.Lens) []byte {
	if l.Model == lens.None {
		return b
	}
	text, err := json.Marshal(l)
	if err != nil { // an infinite coefficient, which no calibration has
		return b
	}
	return append(append(b, `,"lens":`...), text...)
}

func appendData(b, data []byte) []byte {
	b = append(b, `,"data":"`...)
	return append(base64.StdEncoding.AppendEncode(b, data), '"')
}

func appendText(b []byte, s string) []byte {
	text, _ := json.Marshal(s) // cannot fail for a string
	return append(b, text...)
}

// WallClock is the time of day of a time of CLOCK_MONOTONIC, as the clock is set now.
func WallClock(timestamp time.Duration) time.Time {
	return time.Now().Add(timestamp - capture.Monotonic())
}
