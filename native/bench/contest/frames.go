package contest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Frames are those of a recording, in memory.
type Frames [][]byte

// OpenFrames maps a recording, whose frames' lengths stand in a file beside it.
// It stays mapped for the life of the process.
func OpenFrames(name string) (Frames, error) {
	lengths, err := os.ReadFile(name + ".lengths")
	if err != nil {
		return nil, err
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED|syscall.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", name, err)
	}
	var f Frames
	for line := range strings.FieldsSeq(string(lengths)) {
		n, err := strconv.Atoi(line)
		if err != nil || n < 1 || n > len(data) {
			return nil, fmt.Errorf("%s.lengths: %q does not fit the recording", name, line)
		}
		f, data = append(f, data[:n:n]), data[n:]
	}
	if len(f) == 0 {
		return nil, fmt.Errorf("%s: no frames", name)
	}
	return f, nil
}

// At is frame i, around and around.
func (f Frames) At(i int) []byte { return f[i%len(f)] }
