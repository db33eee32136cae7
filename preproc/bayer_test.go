package preproc

import (
	"fmt"
	"math"
	"testing"

	"github.com/edge-agent/agent/capture"
)

var cells = map[string]string{"RGGB": "RGGB", "GRBG": "GRBG", "GBRG": "GBRG", "BA81": "BGGR"}

// slopes are a picture's colours at a point, each rising in a direction of its
// own.
func slopes(x, y float64) [3]float64 {
	return [3]float64{20 + 2*x + 0.5*y, 30 + 0.5*x + 3*y, 220 - x - 2*y}
}

// behindFilter is what a sensor sees of a picture.
func behindFilter(p capture.PixelFormat, cell string, w, h int, at func(x, y float64) [3]float64) *capture.Frame {
	i := 0
	return newFrame(p, w, h, 0, func() byte {
		x, y := i%w, i/w
		i++
		c := map[byte]int{'R': 0, 'G': 1, 'B': 2}[cell[y%2*2+x%2]]
		return byte(math.Round(at(float64(x)+0.5, float64(y)+0.5)[c]))
	})
}

// Slopes are slopes at every size: each colour is taken to be where its samples
// are, also in a picture of half the size that has one pixel for each cell.
func TestColoursBehindAFilterAreWhereTheyWere(t *testing.T) {
	for name, cell := range cells {
		p, _ := capture.ParsePixelFormat(name)
		f := behindFilter(p, cell, 48, 40, slopes)
		for _, size := range [][2]int{{48, 40}, {40, 30}, {24, 20}, {20, 18}, {12, 10}} {
			for _, filter := range []Filter{Area, Linear} {
				t.Run(fmt.Sprint(name, size, filter), func(t *testing.T) {
					s := Spec{Width: size[0], Height: size[1], Fit: Stretch, Filter: filter}
					img := process(t, f, View{}, s)
					g := img.Geometry
					for y := 2; y < size[1]-2; y++ {
						for x := 2; x < size[0]-2; x++ {
							want := slopes(g.Map(float64(x)+0.5, float64(y)+0.5))
							for c, v := range img.Data[(y*size[0]+x)*3:][:3] {
								if d := math.Abs(float64(v) - want[c]); d > 2 {
									t.Fatalf("colour %d at %d,%d is %d, want %.2f", c, x, y, v, want[c])
								}
							}
						}
					}
				})
			}
		}
	}
}

// A size of half and less is made of cells and not of pixels that were made up
// between; for a picture with edges that is as near to the truth.
func TestHalfTheSizeIsNoWorseThanTheWhole(t *testing.T) {
	rings := func(x, y float64) [3]float64 {
		r := math.Hypot(x-160, y-120)
		return [3]float64{128 + 100*math.Sin(r/4), 128 + 100*math.Sin(r/5), 128 + 100*math.Sin(r/6)}
	}
	f := behindFilter(capture.FourCC('R', 'G', 'G', 'B'), "RGGB", 320, 240, rings)
	psnr := func(s Spec) float64 {
		img := process(t, f, View{}, s)
		var sum float64
		for i, v := range img.Data {
			x, y := img.Geometry.Map(float64(i/3%s.Width)+0.5, float64(i/3/s.Width)+0.5)
			d := float64(v) - rings(x, y)[i%3]
			sum += d * d
		}
		return 10 * math.Log10(255*255*float64(len(img.Data))/sum)
	}
	// One pixel more than half is made from the whole.
	half := psnr(Spec{Width: 160, Height: 120, Fit: Stretch})
	whole := psnr(Spec{Width: 161, Height: 121, Fit: Stretch})
	t.Logf("to the true picture: %.1f dB by cells, %.1f dB of the whole", half, whole)
	if half < whole-1 {
		t.Errorf("%.1f dB by cells, %.1f dB of the whole", half, whole)
	}
}
