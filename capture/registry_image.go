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

// image is the frame as package image has it, over its planes if it can be.
func (f *Frame) image() (image.Image, error) {
	switch f.Format.PixelFormat {
	case MJPG, JPEG:
		return f.decodeJPEG()
	case GREY:
		return &image.Gray{Pix: f.Planes[0], Stride: f.Format.Stride[0], Rect: f.bounds()}, nil
	case YU12:
		if f.Format.Stride[1] == f.Format.Stride[2] {
			return &image.YCbCr{
				Y: f.Planes[0], YStride: f.Format.Stride[0],
				Cb: f.Planes[1], Cr: f.Planes[2], CStride: f.Format.Stride[1],
				SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: f.bounds(),
			}, nil
		}
		return f.planar(image.YCbCrSubsampleRatio420, sample{0, 0, 1}, sample{1, 0, 1}, sample{2, 0, 1}), nil
	case NV12:
		return f.planar(image.YCbCrSubsampleRatio420, sample{0, 0, 1}, sample{1, 0, 2}, sample{1, 1, 2}), nil
	case YUYV:
		return f.planar(image.YCbCrSubsampleRatio422, sample{0, 0, 2}, sample{0, 1, 4}, sample{0, 3, 4}), nil
	case UYVY:
		return f.planar(image.YCbCrSubsampleRatio422, sample{0, 1, 2}, sample{0, 0, 4}, sample{0, 2, 4}), nil
	case RGB3:
		return f.rgba(0, 2), nil
	case BGR3:
		return f.rgba(2, 0), nil
	}
	return nil, fmt.Errorf("image of a %s frame: no conversion", f.Format.PixelFormat)
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

// A sample says where a component lies: in which plane, from which byte of the
// row on, and how many bytes apart.
type sample struct{ plane, first, step int }

// planar copies a picture into planes of its own.
func (f *Frame) planar(ratio image.YCbCrSubsampleRatio, y, cb, cr sample) image.Image {
	img := image.NewYCbCr(f.bounds(), ratio)
	f.gather(img.Y, img.YStride, f.Format.Width, y)
	f.gather(img.Cb, img.CStride, (f.Format.Width+1)/2, cb)
	f.gather(img.Cr, img.CStride, (f.Format.Width+1)/2, cr)
	return img
}

// gather copies width samples of each row to dst.
func (f *Frame) gather(dst []byte, stride, width int, s sample) {
	for row := 0; row*stride < len(dst); row++ {
		src := f.Planes[s.plane][row*f.Format.Stride[s.plane]+s.first:]
		for x := range width {
			dst[row*stride+x] = src[x*s.step]
		}
	}
}

// rgba copies packed pixels whose red and blue are at the given bytes.
func (f *Frame) rgba(red, blue int) image.Image {
	img := image.NewRGBA(f.bounds())
	for y := range f.Format.Height {
		src := f.Planes[0][y*f.Format.Stride[0]:]
		for x := range f.Format.Width {
			img.SetRGBA(x, y, color.RGBA{src[3*x+red], src[3*x+1], src[3*x+blue], 255})
		}
	}
	return img
}
