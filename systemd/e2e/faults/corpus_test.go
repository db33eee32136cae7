package main

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// The campaign is the same each time, and no picture goes through as it was.
func TestPicturesAreSpoiledTheSameWayEachTime(t *testing.T) {
	sound := [][]byte{bytes.Repeat([]byte("one"), 400), bytes.Repeat([]byte("other"), 300)}
	a, b := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
	whole := 0
	for range 500 {
		data := spoil(a, sound)
		if !bytes.Equal(data, spoil(b, sound)) {
			t.Fatal("twice the same, and another result")
		}
		if bytes.Equal(data, sound[0]) || bytes.Equal(data, sound[1]) {
			whole++
		}
	}
	if whole > 10 { // a change may undo itself
		t.Errorf("%d of 500 pictures are as they were", whole)
	}
}
