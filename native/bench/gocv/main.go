//go:build peers

// Command gocv is what most people write in Go: the steps of peers/opencv.cc's
// plain way, with gocv. It makes the tensor of the benchmark's jobs only.
package main

import (
	"fmt"
	"image"
	"image/color"
	"os"

	"gocv.io/x/gocv"

	"github.com/edge-agent/agent/native/bench/contest"
)

const side = 640

type plain struct {
	job    contest.Job
	tensor gocv.Mat
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "gocv: "+err.Error())
		os.Exit(1)
	}
}

func serve() error {
	job, err := contest.Parse(os.Args[1:])
	if err != nil {
		return err
	}
	if job.Output != "model" {
		return fmt.Errorf("output %q: want model", job.Output)
	}
	frames, err := contest.OpenFrames(job.File)
	if err != nil {
		return err
	}
	return contest.Serve(&plain{job: job, tensor: gocv.NewMat()}, frames, os.Stdin, os.Stdout)
}

// Process makes the tensor of a frame, and lets go of the one before.
func (p *plain) Process(frame []byte) error {
	if err := p.tensor.Close(); err != nil {
		return err
	}
	bgr, err := p.decode(frame)
	if err != nil {
		return err
	}
	defer bgr.Close()
	rgb, err := p.letterbox(bgr)
	if err != nil {
		return err
	}
	defer rgb.Close()
	p.tensor, err = normalise(rgb)
	return err
}

func (p *plain) Output() []byte { return p.tensor.ToBytes() }

func (p *plain) decode(frame []byte) (gocv.Mat, error) {
	if p.job.Format == "MJPG" {
		return gocv.IMDecode(frame, gocv.IMReadColor)
	}
	rows, kind, code := p.job.Height, gocv.MatTypeCV8UC2, gocv.ColorYUVToBGRYUY2
	if p.job.Format == "NV12" {
		rows, kind, code = p.job.Height*3/2, gocv.MatTypeCV8UC1, gocv.ColorYUVToBGRNV12
	}
	source, err := gocv.NewMatFromBytes(rows, p.job.Width, kind, frame)
	if err != nil {
		return source, err
	}
	defer source.Close()
	bgr := gocv.NewMat()
	return bgr, gocv.CvtColor(source, &bgr, code)
}

func (p *plain) letterbox(bgr gocv.Mat) (gocv.Mat, error) {
	small, boxed, rgb := gocv.NewMat(), gocv.NewMat(), gocv.NewMat()
	defer small.Close()
	defer boxed.Close()
	rows := side * p.job.Height / p.job.Width
	if err := gocv.Resize(bgr, &small, image.Pt(side, rows), 0, 0, gocv.InterpolationLinear); err != nil {
		return rgb, err
	}
	top := (side - rows) / 2
	grey := color.RGBA{114, 114, 114, 0}
	if err := gocv.CopyMakeBorder(small, &boxed, top, side-rows-top, 0, 0, gocv.BorderConstant, grey); err != nil {
		return rgb, err
	}
	return rgb, gocv.CvtColor(boxed, &rgb, gocv.ColorBGRToRGB)
}

// normalise is (v/255 - mean) / std, channel by channel, one after the other.
func normalise(rgb gocv.Mat) (gocv.Mat, error) {
	floats, tensor := gocv.NewMat(), gocv.NewMat()
	defer floats.Close()
	if err := rgb.ConvertToWithParams(&floats, gocv.MatTypeCV32FC3, 1/255.0, 0); err != nil {
		return tensor, err
	}
	channels := gocv.Split(floats)
	for i, c := range channels {
		defer c.Close()
		c.SubtractFloat([]float32{0.485, 0.456, 0.406}[i])
		c.DivideFloat([]float32{0.229, 0.224, 0.225}[i])
	}
	if err := gocv.Vconcat(channels[0], channels[1], &tensor); err != nil {
		return tensor, err
	}
	all := gocv.NewMat()
	defer tensor.Close()
	return all, gocv.Vconcat(tensor, channels[2], &all)
}
