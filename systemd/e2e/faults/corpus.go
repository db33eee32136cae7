package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Where the guest has the project's own JPEGs, the broken ones that a user has
// collected, and what is made of them.
const (
	soundDir  = "/share/jpeg"
	brokenDir = "/share/corpus"
	stillsDir = "/srv/corpus"
	stills    = 2000
)

// spoiled makes the camera's stills: every file that there is, and then damaged
// ones, the same ones each time.
func spoiled(context.Context, *bench) error {
	if err := os.MkdirAll(stillsDir, 0o755); err != nil {
		return err
	}
	var sound [][]byte
	n := 0
	keep := func(data []byte) error {
		n++
		return os.WriteFile(filepath.Join(stillsDir, fmt.Sprintf("%05d.jpg", n)), data, 0o644)
	}
	for _, pattern := range []string{soundDir + "/*.jpg", brokenDir + "/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err == nil {
				err = keep(data)
			}
			if err != nil {
				return err
			}
			if pattern[:len(soundDir)] == soundDir {
				sound = append(sound, data)
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n < stills {
		if err := keep(spoil(random, sound)); err != nil {
			return err
		}
	}
	return nil
}

// spoil damages one of the pictures in one of the ways in which cables, memories
// and attackers do.
func spoil(random *rand.Rand, sound [][]byte) []byte {
	from := sound[random.IntN(len(sound))]
	data := append([]byte(nil), from...)
	at, length := random.IntN(len(data)), 1+random.IntN(256)
	end := min(len(data), at+length)
	switch random.IntN(6) {
	case 0: // cut
		return data[:at]
	case 1: // bits of the bitstream
		for range 1 + random.IntN(20) {
			data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		}
	case 2: // bytes of the headers, which say how large everything is
		for range 1 + random.IntN(4) {
			data[random.IntN(min(700, len(data)))] = byte(random.Uint32())
		}
	case 3: // a lost packet
		return append(data[:at], data[end:]...)
	case 4: // one of zeroes
		clear(data[at:end])
	case 5: // the rest is another picture's
		other := sound[random.IntN(len(sound))]
		return append(data[:at], other[random.IntN(len(other)):]...)
	}
	return data
}

// corpusFrames is how many frames of the corpus are one strike.
const corpusFrames = 1000

// corpusRuns lets a thousand more frames of the corpus go through.
func corpusRuns(ctx context.Context, b *bench) (e episode, err error) {
	e.struck = monotonic()
	first, err := b.record.frame(ctx, faultyCamera, 1, patience, b.began)
	if err != nil {
		return e, err
	}
	b.strikes++
	until := first.sequence + uint64(b.strikes)*corpusFrames
	_, err = b.record.sequence(ctx, faultyCamera, patience, e.struck, func(n uint64) bool { return n >= until })
	return e, err
}
