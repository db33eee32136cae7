package web

import (
	"os"
	"slices"
	"sync"
	"time"
)

// lookPeriod is how often it is looked whether a file has changed.
const lookPeriod = time.Second

// A kept is what was read from files, anew when one of them changes. While they
// cannot be read, as in the middle of a change, it is what it was.
type kept[T any] struct {
	read  func() (T, error)
	paths []string

	mu     sync.Mutex
	looked time.Time
	marks  []mark
	value  T
}

// A mark tells one content of a file from the next one.
type mark struct {
	modified time.Time
	size     int64
}

func keep[T any](read func() (T, error), paths ...string) *kept[T] {
	return &kept[T]{read: read, paths: paths}
}

// get fails only as long as nothing could be read.
func (k *kept[T]) get() (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.marks != nil && time.Since(k.looked) < lookPeriod {
		return k.value, nil
	}
	k.looked = time.Now()
	marks := make([]mark, len(k.paths))
	for i, path := range k.paths {
		if info, err := os.Stat(path); err == nil {
			marks[i] = mark{info.ModTime(), info.Size()}
		}
	}
	if k.marks != nil && slices.Equal(marks, k.marks) {
		return k.value, nil
	}
	value, err := k.read()
	if err != nil && k.marks != nil {
		return k.value, nil
	}
	if err == nil {
		k.value, k.marks = value, marks
	}
	return value, err
}
