package lens

import "math"

// radius is how far from the axis the lens puts what an ideal camera sees at r,
// its radial part alone. It is false where the model has no value.
func (l *Lens) radius(r float64) (float64, bool) {
	k, r2 := &l.Coefficients, r*r
	if l.Model == Fisheye {
		t := math.Atan(r)
		t2 := t * t
		return t * (1 + t2*(k[0]+t2*(k[1]+t2*(k[2]+t2*k[3])))), true
	}
	below := 1 + r2*(k[5]+r2*(k[6]+r2*k[7]))
	return r * (1 + r2*(k[0]+r2*(k[1]+r2*k[4]))) / below, below > 0
}

// bend takes a ray of an ideal camera to where the lens puts it, both in focal
// lengths from the axis.
func (l *Lens) bend(x, y float64) (float64, float64) {
	r := math.Hypot(x, y)
	scale := 1.0
	if r > 0 {
		bent, _ := l.radius(r)
		scale = bent / r
	}
	if l.Model == Fisheye {
		return x * scale, y * scale
	}
	k, r2 := &l.Coefficients, r*r
	p1, p2 := k[2], k[3]
	return l.tilt().apply(
		x*scale+2*p1*x*y+p2*(r2+2*x*x)+r2*(k[8]+r2*k[9]),
		y*scale+p1*(r2+2*y*y)+2*p2*x*y+r2*(k[10]+r2*k[11]))
}

// A homography is a 3x3 matrix on points of a plane, by rows.
type homography [9]float64

func (h *homography) apply(x, y float64) (float64, float64) {
	w := h[6]*x + h[7]*y + h[8]
	return (h[0]*x + h[1]*y + h[2]) / w, (h[3]*x + h[4]*y + h[5]) / w
}

// tilt is that of the sensor, by tau_x and tau_y.
func (l *Lens) tilt() *homography {
	tx, ty := l.Coefficients[12], l.Coefficients[13]
	if tx == 0 && ty == 0 {
		return &homography{1, 0, 0, 0, 1, 0, 0, 0, 1}
	}
	sx, cx := math.Sincos(tx)
	sy, cy := math.Sincos(ty)
	// The rotation about x, then y, and the projection onto the sensor again.
	r := homography{cy, sy * sx, -sy * cx, 0, cx, sx, sy, -cy * sx, cy * cx}
	z, zx, zy := r[8], -r[2], -r[5]
	return &homography{
		z*r[0] + zx*r[6], z*r[1] + zx*r[7], z*r[2] + zx*r[8],
		z*r[3] + zy*r[6], z*r[4] + zy*r[7], z*r[5] + zy*r[8],
		r[6], r[7], r[8],
	}
}

func (h *homography) inverse() *homography {
	minor := func(a, b, c, d int) float64 { return h[a]*h[b] - h[c]*h[d] }
	d := h[0]*minor(4, 8, 5, 7) - h[1]*minor(3, 8, 5, 6) + h[2]*minor(3, 7, 4, 6)
	i := homography{
		minor(4, 8, 5, 7), minor(2, 7, 1, 8), minor(1, 5, 2, 4),
		minor(5, 6, 3, 8), minor(0, 8, 2, 6), minor(2, 3, 0, 5),
		minor(3, 7, 4, 6), minor(1, 6, 0, 7), minor(0, 4, 1, 3),
	}
	for n := range i {
		i[n] /= d
	}
	return &i
}

// straighten is the inverse of bend: the radial part by bisection, which cannot
// go astray below Limit, and then all of it by Newton's method.
func (l *Lens) straighten(x, y float64) (float64, float64, bool) {
	flatX, flatY := l.tilt().inverse().apply(x, y)
	bent := math.Hypot(flatX, flatY)
	if bent == 0 {
		bent = math.SmallestNonzeroFloat64
	}
	r := l.straightRadius(bent)
	guessX, guessY := flatX*r/bent, flatY*r/bent
	for range 20 {
		bx, by := l.bend(guessX, guessY)
		dx, dy := x-bx, y-by
		if math.Hypot(dx, dy) < 1e-12 {
			break
		}
		stepX, stepY := l.solve(guessX, guessY, dx, dy)
		guessX, guessY = guessX+stepX, guessY+stepY
	}
	bx, by := l.bend(guessX, guessY)
	found := math.Hypot(bx-x, by-y) < 1e-7 && math.Hypot(guessX, guessY) <= l.Limit
	return guessX, guessY, found
}

// straightRadius is the r up to Limit of which radius is bent, or the Limit.
func (l *Lens) straightRadius(bent float64) float64 {
	low, high := 0.0, l.Limit
	for range 60 {
		middle := (low + high) / 2
		if at, _ := l.radius(middle); at < bent {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// solve is the step at x, y that moves what bend gives by dx, dy.
func (l *Lens) solve(x, y, dx, dy float64) (float64, float64) {
	const h = 1e-6
	ax, ay := l.bend(x+h, y)
	bx, by := l.bend(x-h, y)
	cx, cy := l.bend(x, y+h)
	ex, ey := l.bend(x, y-h)
	xx, yx := (ax-bx)/(2*h), (ay-by)/(2*h)
	xy, yy := (cx-ex)/(2*h), (cy-ey)/(2*h)
	d := xx*yy - xy*yx
	if d == 0 {
		return 0, 0
	}
	return (yy*dx - xy*dy) / d, (xx*dy - yx*dx) / d
}
