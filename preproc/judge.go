package preproc

import "time"

// A Measure is what the samples of a frame say about the camera, as numbers. It
// is of the part of the picture that the outputs show, due or not, and of a thin grid
// of samples: some 9,000 in a large picture. Luma is 0 for black to 255 for
// white in every format, limited range or full.
type Measure struct {
	// Content is a hash: of a compressed frame's scans, all of them; of an
	// uncompressed one's samples or, while those do not change, of all its
	// pixels. It is the same from the second of a row of equal frames on, and
	// another one within sixteen frames of any change.
	Content uint64
	// LumaLow and LumaHigh are the levels below and above which 2 % of the
	// samples lie, after the mean over 32 pixels side by side, which takes the
	// sensor's noise away.
	LumaLow, LumaMean, LumaHigh float32
	// Sharpness is the variance of the Laplacian, in luma levels squared, at
	// the scale of a picture 480 to 959 pixels wide, or of the decoding when
	// small outputs make that smaller still.
	Sharpness float32
}

// Quality says from where on a frame is bad. A zero field is off.
type Quality struct {
	// FrozenAfter is how long a live camera may repeat the same content. Its
	// noise makes every frame differ.
	FrozenAfter time.Duration
	// BlackBelow and BlownAbove are luma levels, 0 to 255.
	BlackBelow, BlownAbove int
	// BlurBelow is a [Measure.Sharpness]. What is sharp depends on the scene.
	BlurBelow int
	// StaleAfter is an age at publication.
	StaleAfter time.Duration
}

// frozenFrames is how many frames of the same content there must have been at
// the least: at a low rate, two may be equal by chance.
const frozenFrames = 3

// A Judge passes the verdict on the frames of one camera, which come to it in
// order. One goroutine calls it.
type Judge struct {
	quality Quality
	content uint64        // of the newest frame
	since   time.Duration // arrival of the first frame of that content
	frames  int           // of that content
}

// NewJudge makes a judge that has seen no frame.
func NewJudge(q Quality) *Judge { return &Judge{quality: q} }

// Frame judges one frame by its measure, the time at which it arrived, and its
// age. It allocates nothing.
func (j *Judge) Frame(m Measure, arrived, age time.Duration) Verdict {
	if j.frames == 0 || m.Content != j.content {
		j.content, j.since, j.frames = m.Content, arrived, 0
	}
	j.frames++
	q, v := j.quality, Good
	if q.BlackBelow > 0 && m.LumaHigh < float32(q.BlackBelow) {
		v |= Black
	}
	if q.BlownAbove > 0 && m.LumaLow > float32(q.BlownAbove) {
		v |= BlownOut
	}
	// Where there is nothing to be seen, nothing changes and nothing is sharp:
	// that says no more against the camera.
	if v == Good {
		v |= j.frozen(arrived) | j.blurred(m)
	}
	if q.StaleAfter > 0 && age > q.StaleAfter {
		v |= Stale
	}
	return v
}

func (j *Judge) frozen(arrived time.Duration) Verdict {
	after := j.quality.FrozenAfter
	if after > 0 && j.frames >= frozenFrames && arrived-j.since >= after {
		return Frozen
	}
	return Good
}

func (j *Judge) blurred(m Measure) Verdict {
	if m.Sharpness < float32(j.quality.BlurBelow) {
		return Blurred
	}
	return Good
}

// Unchanged is since when frames have had the content of the newest one.
func (j *Judge) Unchanged() time.Duration { return j.since }
