package main

import (
	"context"
	"io"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/native/bench/contest"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
)

// detector is the tensor of the jobs that make one.
var detector = preproc.Spec{
	Width: side, Height: side, Pad: 114, DType: preproc.Float32, Layout: preproc.CHW, Mean: mean, Std: std,
}

// outputs are ours, by the jobs' words; the first is the one that is looked at.
var outputs = map[string][]preproc.Spec{
	"model":       {detector},
	"bytes":       {{Width: side, Height: side, Pad: 114}},
	"bgr":         {preview(preproc.Spec{Color: preproc.BGR})},
	"jpeg":        {preview(preproc.Spec{Encode: preproc.JPEG, Quality: 80})},
	"undistorted": {detector},
	"three":       {detector, preview(preproc.Spec{Color: preproc.BGR}), preview(preproc.Spec{Encode: preproc.JPEG, Quality: 80})},
}

// views are what a job's outputs see, where that is not all of the picture as it
// is. A lens counts from the corner of the first pixel, OpenCV from its centre.
var views = map[string]preproc.View{
	"undistorted": {Lens: lens.New(lens.Pinhole, 1920, 1080,
		lens.Matrix{FX: focal, FY: focal, CX: centreX + 0.5, CY: centreY + 0.5}, []float64{bend1, bend2})},
}

func preview(s preproc.Spec) preproc.Spec {
	s.Width, s.Height, s.Fit = 640, 360, preproc.Stretch
	return s
}

// A processor is ours at work: the same processor as a camera's worker has.
type processor struct {
	*preproc.InProcess
	frame  capture.Frame
	images []*preproc.Image
}

// contend answers lines like the programs of peers/ do.
func contend(arguments []string, in io.Reader, out io.Writer) error {
	j, err := contest.Parse(arguments)
	if err != nil {
		return err
	}
	frames, err := contest.OpenFrames(j.File)
	if err != nil {
		return err
	}
	specs := outputs[j.Output]
	p := &processor{}
	if p.InProcess, err = preproc.New(views[j.Output], specs); err != nil {
		return err
	}
	defer p.Close()
	p.frame.Format = formatOf(j)
	for _, s := range specs {
		p.images = append(p.images, &preproc.Image{Data: make([]byte, 0, s.MaxBytes(s.Width, s.Height))})
	}
	return contest.Serve(p, frames, in, out)
}

// formatOf is a driver's that says nothing of colours and pads no row.
func formatOf(j contest.Job) capture.Format {
	f := capture.Format{
		PixelFormat: capture.FourCC(j.Format[0], j.Format[1], j.Format[2], j.Format[3]),
		Width:       j.Width, Height: j.Height,
	}
	switch f.PixelFormat {
	case capture.YUYV:
		f.Stride[0] = 2 * j.Width
	case capture.NV12:
		f.Stride[0], f.Stride[1] = j.Width, j.Width
	}
	return f
}

func (p *processor) Process(frame []byte) error {
	f := &p.frame
	f.Sequence++
	f.Planes[0] = frame
	if f.Format.PixelFormat == capture.NV12 {
		luma := f.Format.Width * f.Format.Height
		f.Planes[0], f.Planes[1] = frame[:luma], frame[luma:]
	}
	_, err := p.InProcess.Process(context.Background(), f, p.images)
	return err
}

func (p *processor) Output() []byte { return p.images[0].Data }
