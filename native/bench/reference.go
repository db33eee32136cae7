package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"math"
)

// The tensor of the jobs, as in peers/contender.h.
const side = 640

var (
	mean = [3]float32{0.485, 0.456, 0.406}
	std  = [3]float32{0.229, 0.224, 0.225}
)

func (j job) contentRows() int { return side * j.height / j.width }

// A picture is red, green and blue, 0 to 255, row by row.
type picture struct {
	width, height int
	pixels        [][3]float64
}

// reference is what a job's frame should become: decoded in full, chroma
// interpolated between the centres of its samples, made R'G'B', freed of the
// lens where the job says so, and averaged over the area of each pixel of the
// output, in float64 throughout. It shares no code with any contender. All sizes
// of the jobs divide those of the frames.
func reference(j job, frame []byte) (picture, error) {
	planes, err := decode(j, frame)
	if err != nil {
		return picture{}, err
	}
	color := planes.color
	if j.output == "undistorted" {
		color = straight(planes)
	}
	n := j.width / side
	p := picture{side, j.contentRows(), make([][3]float64, side*j.contentRows())}
	for y := range p.height * n {
		for x := range p.width * n {
			rgb := color(x, y)
			sum := &p.pixels[y/n*p.width+x/n]
			for c := range rgb {
				sum[c] += rgb[c] / float64(n*n)
			}
		}
	}
	return p, nil
}

// The lens of the jobs that undistort, as in peers/opencv.cc: focal length and
// centre in pixels whose centres are whole numbers, and OpenCV's k1 and k2.
const (
	focal, centreX, centreY = 1400, 960, 540
	bend1, bend2            = -0.28, 0.08
)

// straight gives the colours of the undistorted picture, between four pixels of
// the camera's.
func straight(p *ycbcr) func(x, y int) [3]float64 {
	camera := make([][3]float64, p.width*p.height)
	for i := range camera {
		camera[i] = p.color(i%p.width, i/p.width)
	}
	return func(x, y int) (sum [3]float64) {
		u, v := (float64(x)-centreX)/focal, (float64(y)-centreY)/focal
		r := u*u + v*v
		k := focal * (1 + bend1*r + bend2*r*r)
		cx, cy := min(max(u*k+centreX, 0), float64(p.width-1)), min(max(v*k+centreY, 0), float64(p.height-1))
		x0, y0 := min(int(cx), p.width-2), min(int(cy), p.height-2)
		for _, corner := range [4][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
			weight := (1 - math.Abs(cx-float64(x0+corner[0]))) * (1 - math.Abs(cy-float64(y0+corner[1])))
			for c, value := range camera[(y0+corner[1])*p.width+x0+corner[0]] {
				sum[c] += weight * value
			}
		}
		return sum
	}
}

// A ycbcr is a decoded frame: luma from 0 to 1, chroma from -0.5 to 0.5.
type ycbcr struct {
	width, height   int
	hsub, vsub      int
	luma, cb, cr    func(x, y int) float64 // of sample x, y of its plane
	chromaW, chromH int
}

// color is R'G'B' of a pixel by BT.601, which is JFIF's matrix as well.
func (p *ycbcr) color(x, y int) [3]float64 {
	l, b, r := p.luma(x, y), p.chroma(p.cb, x, y), p.chroma(p.cr, x, y)
	rgb := [3]float64{l + 1.402*r, l - (0.114*1.772*b+0.299*1.402*r)/0.587, l + 1.772*b}
	for c, v := range rgb {
		rgb[c] = 255 * min(max(v, 0), 1)
	}
	return rgb
}

// chroma interpolates between samples that sit amid the pixels they are of.
func (p *ycbcr) chroma(plane func(x, y int) float64, x, y int) float64 {
	x0, x1, u := between(x, p.hsub, p.chromaW)
	y0, y1, v := between(y, p.vsub, p.chromH)
	return (1-v)*((1-u)*plane(x0, y0)+u*plane(x1, y0)) + v*((1-u)*plane(x0, y1)+u*plane(x1, y1))
}

// between gives the samples around a pixel, and the weight of the second one.
func between(pixel, sub, samples int) (first, second int, weight float64) {
	at := (float64(pixel)+0.5)/float64(sub) - 0.5
	at = min(max(at, 0), float64(samples-1))
	first = int(at)
	return first, min(first+1, samples-1), at - float64(first)
}

func decode(j job, frame []byte) (*ycbcr, error) {
	w, h := j.width, j.height
	p := &ycbcr{width: w, height: h, hsub: 2, vsub: 1, chromaW: w / 2, chromH: h}
	limited := func(at func(x, y int) byte, black, span float64) func(x, y int) float64 {
		return func(x, y int) float64 { return (float64(at(x, y)) - black) / span }
	}
	switch j.format {
	case "YUYV":
		p.luma = limited(func(x, y int) byte { return frame[(y*w+x)*2] }, 16, 219)
		p.cb = limited(func(x, y int) byte { return frame[(y*w/2+x)*4+1] }, 128, 224)
		p.cr = limited(func(x, y int) byte { return frame[(y*w/2+x)*4+3] }, 128, 224)
	case "NV12":
		p.vsub, p.chromH = 2, h/2
		p.luma = limited(func(x, y int) byte { return frame[y*w+x] }, 16, 219)
		p.cb = limited(func(x, y int) byte { return frame[h*w+y*w+2*x] }, 128, 224)
		p.cr = limited(func(x, y int) byte { return frame[h*w+y*w+2*x+1] }, 128, 224)
	default:
		decoded, err := jpeg.Decode(bytes.NewReader(frame))
		if err != nil {
			return nil, err
		}
		img, ok := decoded.(*image.YCbCr)
		if !ok {
			return nil, fmt.Errorf("jpeg: %T, want Y'CbCr", decoded)
		}
		if img.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			p.vsub, p.chromH = 2, h/2
		}
		p.luma = limited(func(x, y int) byte { return img.Y[y*img.YStride+x] }, 0, 255)
		p.cb = limited(func(x, y int) byte { return img.Cb[y*img.CStride+x] }, 128, 255)
		p.cr = limited(func(x, y int) byte { return img.Cr[y*img.CStride+x] }, 128, 255)
	}
	return p, nil
}

// understand reads a contender's output as the content of the job's picture.
// The kind shows in the size: a tensor of floats, letterboxed bytes, a picture
// of the content's size in BGR, or a JPEG file.
func understand(j job, out []byte) (picture, error) {
	rows := j.contentRows()
	p := picture{side, rows, make([][3]float64, side*rows)}
	skip := (side - rows) / 2 * side
	switch len(out) {
	case side * side * 3 * 4:
		for c := range 3 {
			for i := range p.pixels {
				bits := binary.LittleEndian.Uint32(out[4*(c*side*side+skip+i):])
				v := float64(math.Float32frombits(bits))
				p.pixels[i][c] = 255 * (v*float64(std[c]) + float64(mean[c]))
			}
		}
	case side * side * 3:
		for i := range p.pixels {
			for c := range 3 {
				p.pixels[i][c] = float64(out[3*(skip+i)+c])
			}
		}
	case side * rows * 3:
		for i := range p.pixels {
			for c := range 3 {
				p.pixels[i][2-c] = float64(out[3*i+c])
			}
		}
	default:
		return p, p.fill(out)
	}
	return p, nil
}

// fill decodes a JPEG file of the picture's size.
func (p *picture) fill(file []byte) error {
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("an output of %d bytes is no tensor of the job and no JPEG: %w", len(file), err)
	}
	if size := img.Bounds().Size(); size != image.Pt(p.width, p.height) {
		return fmt.Errorf("a JPEG of %v, want %dx%d", size, p.width, p.height)
	}
	for i := range p.pixels {
		r, g, b, _ := img.At(i%p.width, i/p.width).RGBA()
		p.pixels[i] = [3]float64{float64(r) / 257, float64(g) / 257, float64(b) / 257}
	}
	return nil
}

// psnr is the peak signal-to-noise ratio of two pictures of a size, in dB.
func psnr(a, b picture) float64 {
	sum := 0.0
	for i := range a.pixels {
		for c := range 3 {
			d := a.pixels[i][c] - b.pixels[i][c]
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255/(sum/float64(3*len(a.pixels))))
}
