package main

import "testing"

func TestPictureIsRead(t *testing.T) {
	const width, height = 320, 180
	want := barColours("rgb")
	p := picture{make([]byte, width*height*3), width, height, 3}
	for y := range height {
		for x := range width {
			px := p.at(x, y)
			if bit := 0x8421 >> (15 - x*16/width) & 1; y < height/8 {
				px[0], px[1], px[2] = byte(bit*255), byte(bit*255), byte(bit*255)
				continue
			}
			for i, v := range want[x*8/width] {
				px[i] = byte(v)
			}
		}
	}
	if n := p.number(); n != 0x8421 {
		t.Errorf("number %#x, want 0x8421", n)
	}
	if d := difference(p.bars(), want); d != 0 {
		t.Errorf("bars differ by %d: %v", d, p.bars())
	}
	p.at(width/16, height*3/4)[1] -= 5
	if d := difference(p.bars(), want); d != 5 {
		t.Errorf("a bar is off by 5, found %d", d)
	}
}
