package capture

// A Kind says what the components of a pixel format are.
type Kind uint8

// The kinds. A Bayer format has one component, the samples behind the colour
// filter; a compressed one has none.
const (
	YUV Kind = iota
	RGB
	Luma
	Bayer
	HSV
	Compressed
)

// DefaultColors are the matrix and the range where nobody tells them: V4L2's
// rule (V4L2_MAP_QUANTIZATION_DEFAULT: Y'CbCr is limited, R'G'B' and HSV are
// full), except that luma alone is full: the rule is not meant for it, and
// sensors as well as vivid fill the whole byte. There is no rule for hue: what
// is not said to have 180 steps a turn has 256 in vivid and vsp1.
func (k Kind) DefaultColors() (Matrix, Range) {
	switch k {
	case YUV:
		return BT601, Limited
	case HSV:
		return HSV256, Full
	}
	return BT601, Full
}

// A Plane says how one plane of a pixel format lies in memory: a row has Bytes
// for each group of Pixels that it begins, and there is one for each Rows of
// the picture.
type Plane struct{ Bytes, Pixels, Rows int }

// A Packing says how samples lie in bytes.
type Packing uint8

// Words hold whole samples. MIPI has the upper eight bits of a few samples and
// then, in one to three bytes, their lower bits (CSI-2, RAW10, RAW12, RAW14).
const (
	Words Packing = iota
	MIPI
)

// A Component says where the bits of one component are.
type Component struct {
	Plane int
	// Offset is the first sample's byte in a row, Step the bytes from one to the
	// next, of MIPI neither.
	Offset, Step int
	// A sample is Bits from bit Shift on, 0 being the lowest, of a word of Word
	// bytes. Of MIPI only Bits is told.
	Word      int
	BigEndian bool
	Shift     int
	Bits      int
	// One sample stands for HSub pixels of a row and VSub rows, in whose middle
	// it is sited.
	HSub, VSub int
}

// An Arrangement is where the samples of a pixel format lie.
type Arrangement struct {
	Kind    Kind
	Packing Packing
	Planes  []Plane
	// Components are Y'CbCr, R'G'B', HSV, luma, or what the colour filter lets
	// through. Alpha is ignored.
	Components []Component
	// RedX and RedY are where red lies in a Bayer cell of two by two pixels.
	RedX, RedY int
}

// A Layout is a row of the table of pixel formats.
type Layout struct {
	PixelFormat PixelFormat
	Description string
	// Cost orders formats of equal size and rate: the lower is cheaper to
	// preprocess. It is the time for 1080p to 640x640 floats in 10 us, measured
	// for each arrangement on one machine, and 1000 more where there is less
	// colour than in 4:2:0, 10000 where the sensor's is not balanced (Bayer),
	// 20000 where there is none.
	Cost int
	Arrangement
	// Multiplanar is the code of the same pixels whose planes lie in buffers of
	// their own, 0 if there is none.
	Multiplanar PixelFormat
}

// Compressed formats have one plane, the bitstream, and no stride.
func (l *Layout) Compressed() bool { return l.Kind == Compressed }

var layoutOf, singleOf = func() (map[PixelFormat]*Layout, map[PixelFormat]PixelFormat) {
	of, single := make(map[PixelFormat]*Layout, len(layouts)), map[PixelFormat]PixelFormat{}
	for i := range layouts {
		l := &layouts[i]
		of[l.PixelFormat] = l
		if l.Multiplanar != 0 {
			single[l.Multiplanar] = l.PixelFormat
		}
	}
	return of, single
}()

// Layout is the format's row of the table, or nil when there is none: such a
// format cannot be preprocessed.
func (p PixelFormat) Layout() *Layout { return layoutOf[p] }

// Pixels is the format whose pixels are arranged as those of p, which may be a
// multi-planar variant: NV12 for NM12, and p for all others.
func (p PixelFormat) Pixels() PixelFormat {
	if single, ok := singleOf[p]; ok {
		return single
	}
	return p
}

// Formats lists the pixel formats that can be preprocessed.
func Formats() []Layout { return append([]Layout(nil), layouts...) }
