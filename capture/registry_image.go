package capture

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"sync"

	"github.com/pion/mediadevices/pkg/frame"
)

// A reader is the Source of a run, as any user of mediadevices reads it.
type reader struct {
	source Source
	read   func() (image.Image, func(), error)
	cancel context.CancelFunc
	busy   sync.Mutex // held while a Read is in the Source
}

func newReader(s Source) *reader {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reader{source: s, cancel: cancel}
	r.read = func() (image.Image, func(), error) { return readImage(ctx, s) }
	return r
}

// Source is the way to the frames themselves. Whoever takes it must not call
// Read of the reader as well.
func (r *reader) Source() Source { return r.source }

// Read is video.Reader's: it passes over faulty frames and gives the next one
// as an image over the driver's memory where image.Image can express it, else
// as a copy. YCbCr samples are the camera's own, of [Format.Matrix] and
// [Format.Range], which package image does not know. Nothing goes back to the
// driver before release is called.
func (r *reader) Read() (image.Image, func(), error) {
	r.busy.Lock()
	defer r.busy.Unlock()
	return r.read()
}

// close ends a Read that is waiting before it closes the Source under it.
func (r *reader) close() error {
	r.cancel()
	r.busy.Lock()
	defer r.busy.Unlock()
	return r.source.Close()
}

func readImage(ctx context.Context, s Source) (image.Image, func(), error) {
	for {
		f, err := s.Read(ctx)
		if err != nil {
			return nil, nil, err
		}
		if f.Fault != FaultNone {
			f.Release()
			continue
		}
		img, err := f.image()
		if err != nil {
			f.Release()
			return nil, nil, err
		}
		return img, sync.OnceFunc(f.Release), nil
	}
}

// ratios are package image's subsamplings, by the pixels of a row and the rows
// that a sample of chroma stands for.
var ratios = map[[2]int]image.YCbCrSubsampleRatio{
	{1, 1}: image.YCbCrSubsampleRatio444, {2, 1}: image.YCbCrSubsampleRatio422, {2, 2}: image.YCbCrSubsampleRatio420,
	{4, 1}: image.YCbCrSubsampleRatio411,
}

// image is the frame as package image has it, over its planes if it can be.
func (f *Frame) image() (image.Image, error) {
	l := f.Format.PixelFormat.Layout()
	if l != nil && l.Compressed() {
		return f.decodeJPEG()
	}
	if l == nil || !l.bytes() {
		return nil, fmt.Errorf("image of a %s frame: no conversion", f.Format.PixelFormat)
	}
	switch l.Kind {
	case Luma:
		return &image.Gray{Pix: f.Planes[0], Stride: f.Format.Stride[0], Rect: f.bounds()}, nil
	case RGB:
		return f.rgba(l.Components), nil
	}
	ratio, ok := ratios[[2]int{l.Components[1].HSub, l.Components[1].VSub}]
	switch {
	case !ok:
		return nil, fmt.Errorf("image of a %s frame: no conversion", f.Format.PixelFormat)
	case len(l.Planes) == 3 && f.Format.Stride[1] == f.Format.Stride[2]:
		return &image.YCbCr{
			Y: f.Planes[0], YStride: f.Format.Stride[0],
			Cb: f.Planes[l.Components[1].Plane], Cr: f.Planes[l.Components[2].Plane], CStride: f.Format.Stride[1],
			SubsampleRatio: ratio, Rect: f.bounds(),
		}, nil
	}
	return f.planar(ratio, l.Components), nil
}

// bytes says that every sample is a byte, of Y'CbCr, R'G'B' or luma.
func (l *Layout) bytes() bool {
	for _, c := range l.Components {
		if c.Word != 1 || c.Bits != 8 {
			return false
		}
	}
	return l.Kind <= Luma
}

func (f *Frame) bounds() image.Rectangle { return image.Rect(0, 0, f.Format.Width, f.Format.Height) }

// decodeJPEG goes through mediadevices' decoder, which puts the Huffman tables
// in that Motion JPEG cameras leave out.
func (f *Frame) decodeJPEG() (image.Image, error) {
	d, err := frame.NewDecoder(frame.FormatMJPEG)
	if err != nil {
		return nil, err
	}
	img, _, err := d.Decode(bytes.TrimRight(f.Planes[0], "\x00"), f.Format.Width, f.Format.Height)
	return img, err
}

// planar copies a picture into planes of its own.
func (f *Frame) planar(ratio image.YCbCrSubsampleRatio, c []Component) image.Image {
	img := image.NewYCbCr(f.bounds(), ratio)
	f.gather(img.Y, img.YStride, &c[0])
	f.gather(img.Cb, img.CStride, &c[1])
	f.gather(img.Cr, img.CStride, &c[2])
	return img
}

// gather copies the samples of a component to dst, row by row.
func (f *Frame) gather(dst []byte, stride int, c *Component) {
	width := ceilDiv(f.Format.Width, c.HSub)
	for row := 0; row*stride < len(dst); row++ {
		src := f.Planes[c.Plane][row*f.Format.Stride[c.Plane]+c.Offset:]
		for x := range width {
			dst[row*stride+x] = src[x*c.Step]
		}
	}
}

// rgba copies packed pixels.
func (f *Frame) rgba(c []Component) image.Image {
	img := image.NewRGBA(f.bounds())
	for y := range f.Format.Height {
		src := f.Planes[0][y*f.Format.Stride[0]:]
		for x := range f.Format.Width {
			at := func(i int) byte { return src[c[i].Offset+x*c[i].Step] }
			img.SetRGBA(x, y, color.RGBA{at(0), at(1), at(2), 255})
		}
	}
	return img
}
