package control_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/control"
)

// A hostile user tries to connect until lets were let in, keeping keeps of them.
const lets, keeps = 2000, 200

// flood connects again and again, and says a part of a request, garbage, or nothing.
// What it says first is that it has begun.
func flood(dir string) string {
	kept := make([]net.Conn, 0, keeps)
	tries, made := 0, 0
	for made < lets {
		tries++
		c, err := net.Dial("unix", filepath.Join(dir, control.Socket))
		if errors.Is(err, syscall.EAGAIN) {
			continue // no room among those who wait
		}
		if err != nil {
			return err.Error()
		}
		if made++; made == keeps {
			fmt.Println("begun")
		}
		switch made % 3 {
		case 0:
			_, _ = io.WriteString(c, "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX: ") // hung up on, maybe
		case 1:
			_, _ = c.Write([]byte("\x00\xff\x16\x03\n\n\r\n\r\n"))
		}
		if kept = append(kept, c); len(kept) == cap(kept) {
			for _, c := range kept {
				c.Close()
			}
			kept = kept[:0]
		}
	}
	return fmt.Sprintf("%d of %d let in", made, tries)
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestFloodOfOneUserKeepsNobodyOut(t *testing.T) {
	s := serve(t, directory(t), well(), nil)
	c := control.NewClient(s.dir)
	cmd := as(t, "flood", s.dir, somebody, rootGroup)
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "begun" {
		t.Fatal(lines.Text(), lines.Err())
	}
	ended := make(chan string)
	go func() {
		lines.Scan()
		ended <- lines.Text()
	}()
	asked, most, mostGoroutines, slowest, result := 0, 0, 0, time.Duration(0), ""
	for result == "" {
		began := time.Now()
		if _, _, err := c.Status(t.Context()); err != nil {
			t.Fatalf("after %d: %v", asked, err)
		}
		asked++
		slowest = max(slowest, time.Since(began))
		most, mostGoroutines = max(most, s.Stats().Connections), max(mostGoroutines, runtime.NumGoroutine())
		select {
		case result = <-ended:
		default:
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(result, "let in") {
		t.Error(result)
	}
	if most > 16+2 || mostGoroutines > goroutines+2*2*64 {
		t.Errorf("%d connections, %d goroutines, %d before", most, mostGoroutines, goroutines)
	}
	s.stop()
	if now := descriptors(t); now > files+2 {
		t.Errorf("%d descriptors, %d before", now, files)
	}
	t.Logf("%s; asked %d times meanwhile, answered within %v; at most %d connections and %d goroutines; %+v", result, asked, slowest, most, mostGoroutines, s.Stats())
}

// One user has its share of connections, also where all of them are busy.
func TestOneUserHasItsShare(t *testing.T) {
	s := serve(t, directory(t), well(), nil)
	for range 40 {
		dial(t, s.dir)
	}
	if _, _, err := control.NewClient(s.dir).Status(t.Context()); err != nil {
		t.Error(err)
	}
	if stats := s.Stats(); stats.Connections > 16 || stats.Evicted < 40-16 {
		t.Errorf("%+v", stats)
	}
}

func TestGarbageIsAnsweredAndForgotten(t *testing.T) {
	s := serve(t, directory(t), well(), nil)
	for name, request := range map[string]string{
		"no HTTP":       strings.Repeat("\x00\xff\x16\x03", 100) + "\r\n\r\n",
		"a huge header": "POST / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"a body":        "POST /api/v1/paint HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"of all":        "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"a bad path":    "POST /../../api/v1/paint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		if answer := raw(t, s.dir, request); answer != "" && !strings.HasPrefix(answer, "HTTP/1.1 4") {
			t.Errorf("%s: %.100q", name, answer)
		}
	}
}

// An answer that is cut off is no answer.
func TestAnswerWithoutEndIsRefused(t *testing.T) {
	dir := directory(t)
	l, err := net.Listen("unix", filepath.Join(dir, control.Socket))
	if err != nil {
		t.Fatal(err)
	}
	endless := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for piece := make([]byte, 1<<20); err == nil; {
			_, err = w.Write(piece)
		}
	})}
	done := make(chan error, 1)
	go func() { done <- endless.Serve(l) }()
	if data, _, err := control.NewClient(dir).Image(t.Context(), time.Minute, "front", "model.npy"); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	_ = endless.Shutdown(t.Context()) // when the answer has been given up
	<-done
}
