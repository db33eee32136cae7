package v4l2

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// changes waits once for the watcher, for as long as a test may hang.
func changes(t *testing.T, w *Watcher) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

// still wants no change to be reported.
func still(t *testing.T, w *Watcher) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*settle)
	defer cancel()
	if err := w.Wait(ctx); err != context.DeadlineExceeded {
		t.Fatalf("reported a change: %v", err)
	}
}

func TestWatcherTellsOfNodesAndLinks(t *testing.T) {
	before := descriptors(t)
	dev := t.TempDir()
	w, err := NewWatcherIn(Roots{Dev: dev})
	if err != nil {
		t.Fatal(err)
	}
	touch := func(elem ...string) {
		if err := os.WriteFile(filepath.Join(append([]string{dev}, elem...)...), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	touch("video0") // before the call, and many at once
	touch("video1")
	changes(t, w)
	still(t, w)
	touch("ttyUSB0")
	if err := os.Mkdir(filepath.Join(dev, "snd"), 0o700); err != nil {
		t.Fatal(err)
	}
	still(t, w)
	if err := os.Chmod(filepath.Join(dev, "video0"), 0o666); err != nil { // udev, a moment later
		t.Fatal(err)
	}
	changes(t, w)
	if err := os.MkdirAll(filepath.Join(dev, "v4l", "by-id"), 0o700); err != nil {
		t.Fatal(err)
	}
	changes(t, w)
	still(t, w)
	touch("v4l", "by-id", "usb-cam-video-index0")
	changes(t, w)
	if err := os.RemoveAll(filepath.Join(dev, "v4l")); err != nil {
		t.Fatal(err)
	}
	changes(t, w)
	if err := os.Remove(filepath.Join(dev, "video0")); err != nil {
		t.Fatal(err)
	}
	changes(t, w)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if n := descriptors(t) - before; n != 0 {
		t.Errorf("%d descriptors leaked", n)
	}
}

func TestWatcherIsCancelled(t *testing.T) {
	w, err := NewWatcherIn(Roots{Dev: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Wait(ctx) }()
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestWatcherOfADirectoryThatIsNot(t *testing.T) {
	if _, err := NewWatcherIn(Roots{Dev: "/nonexistent"}); err == nil {
		t.Error("watches nothing")
	}
}

func TestChangesWithoutEndAreReportedInTheEnd(t *testing.T) {
	dev := t.TempDir()
	w, err := NewWatcherIn(Roots{Dev: dev})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		path := filepath.Join(dev, "video0")
		for ctx.Err() == nil {
			_ = os.WriteFile(path, nil, 0o600)
			_ = os.Remove(path)
		}
	}()
	begin := time.Now()
	changes(t, w)
	cancel()
	<-stopped
	if took := time.Since(begin); took > 5*settleAtMost {
		t.Errorf("reported after %v", took)
	}
}
