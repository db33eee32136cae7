package main

// picture is a frame of one or three channels, rows without padding.
type picture struct {
	data                    []byte
	width, height, channels int
}

func (p picture) at(x, y int) []byte {
	return p.data[(y*p.width+x)*p.channels:][:p.channels]
}

// number reads the 16 black and white blocks in the top eighth.
func (p picture) number() (n int) {
	for i := range 16 {
		n = n<<1 | int(p.at((2*i+1)*p.width/32, p.height/16)[0]>>7)
	}
	return n
}

// bars are the colours in the middle of the eight bars, one level in all three
// when the picture is gray.
func (p picture) bars() (c [][3]int) {
	for i := range 8 {
		px := p.at((2*i+1)*p.width/16, p.height*3/4)
		c = append(c, [3]int{int(px[0]), int(px[len(px)/2]), int(px[len(px)-1])})
	}
	return c
}

// barColours is what bars should be: R'G'B' at 75%, or what vivid makes of it
// in GREY, which is luma by BT.709 in full range.
func barColours(kind string) [][3]int {
	rgb := [][3]int{{191, 191, 191}, {191, 191, 0}, {0, 191, 191}, {0, 191, 0}, {191, 0, 191}, {191, 0, 0}, {0, 0, 191}, {0, 0, 0}}
	switch kind {
	case "rgb":
		return rgb
	case "gray":
		for i, c := range rgb {
			y := (2126*c[0] + 7152*c[1] + 722*c[2] + 5000) / 10000
			rgb[i] = [3]int{y, y, y}
		}
		return rgb
	}
	return nil
}

// difference is the largest one in any channel.
func difference(a, b [][3]int) (d int) {
	for i := range a {
		for c := range 3 {
			d = max(d, a[i][c]-b[i][c], b[i][c]-a[i][c])
		}
	}
	return d
}
