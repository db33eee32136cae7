package main

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

// scene draws what a camera might see: a sky that grows lighter downwards,
// rough ground, three lit balls, a wall of fine stripes and sensor noise.
// The balls move with frame.
func scene(w, h, frame int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(uint64(w)<<32|uint64(h), uint64(frame)))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			c := background(u, v)
			for i, ball := range balls(float64(frame) / 30) {
				if lit, ok := ball.light(u, v*float64(h)/float64(w)); ok {
					c = [3]float64{lit * float64(1+i%2), lit * 0.8, lit * float64(2-i) * 0.7}
				}
			}
			noise := r.NormFloat64() * 2.5
			img.SetRGBA(x, y, color.RGBA{level(c[0], noise), level(c[1], noise), level(c[2], noise), 255})
		}
	}
	return img
}

func level(v, noise float64) uint8 { return uint8(max(0, min(255, v*255+noise))) }

func background(u, v float64) [3]float64 {
	switch {
	case u > 0.75 && v > 0.2 && v < 0.7: // the wall
		s := 0.5 + 0.4*math.Sin(u*u*900)*math.Sin(v*160)
		return [3]float64{s, s * 0.9, s * 0.7}
	case v < 0.55:
		return [3]float64{0.3 + 0.5*v, 0.5 + 0.5*v, 0.9 - 0.2*v}
	}
	n := 0.0
	for octave := 1.0; octave < 64; octave *= 2 {
		n += roughness(u*8*octave, v*14*octave) / octave
	}
	return [3]float64{0.25 + 0.2*n, 0.2 + 0.22*n, 0.1 + 0.1*n}
}

// roughness is value noise: random numbers on the integers, smooth in between.
func roughness(x, y float64) float64 {
	xi, yi := math.Floor(x), math.Floor(y)
	fx, fy := smooth(x-xi), smooth(y-yi)
	top := lattice(xi, yi)*(1-fx) + lattice(xi+1, yi)*fx
	bottom := lattice(xi, yi+1)*(1-fx) + lattice(xi+1, yi+1)*fx
	return top*(1-fy) + bottom*fy
}

func smooth(t float64) float64 { return t * t * (3 - 2*t) }

func lattice(x, y float64) float64 {
	h := uint64(int64(x))*0x9e3779b97f4a7c15 ^ uint64(int64(y))*0xc2b2ae3d27d4eb4f
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return float64(h>>40) / (1 << 24)
}

type ball struct{ x, y, r float64 }

func balls(t float64) [3]ball {
	return [3]ball{
		{0.2 + 0.1*t, 0.45 - 0.1*t, 0.10},
		{0.45, 0.50 - 0.2*t*(1-t), 0.14},
		{0.65 - 0.1*t, 0.25, 0.05},
	}
}

// light is Lambert's law for a light from the upper left.
func (b ball) light(u, v float64) (float64, bool) {
	dx, dy := (u-b.x)/b.r, (v-b.y)/b.r
	if dx*dx+dy*dy > 1 {
		return 0, false
	}
	dz := math.Sqrt(1 - dx*dx - dy*dy)
	return 0.1 + 0.9*max(0, (-dx-dy+dz)/math.Sqrt(3)), true
}
