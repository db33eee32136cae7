package web_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/web"
)

func dial(t *testing.T, s *served) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// heap is what is in use after a collection.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// A victim is a client that behaves, and must notice nothing.
func victim(t *testing.T, s *served) (frames func(n int)) {
	t.Helper()
	in := parts(t, open(t, s.url+"/cameras/front/stream.mjpg"))
	part(t, in)
	return func(n int) {
		t.Helper()
		for range n {
			part(t, in)
		}
	}
}

func TestThousandsOfConnectionsThatSayNothing(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	st.film(t, 50_000, 2*time.Millisecond)
	frames := victim(t, s)
	before, goroutines, files := heap(), runtime.NumGoroutine(), descriptors(t)
	open, mostGoroutines, most := make([]net.Conn, 0, 200), 0, 0
	for i := range 3000 {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		if open = append(open, c); len(open) == cap(open) { // ours are bounded, too
			for _, c := range open {
				c.Close()
			}
			open = open[:0]
		}
		if i%50 == 0 {
			mostGoroutines, most = max(mostGoroutines, runtime.NumGoroutine()), max(most, s.Stats().Connections)
			frames(1)
		}
	}
	// One that comes and asks is answered all the same.
	if resp, _ := get(t, client(t), s.url+"/cameras/front/snapshot.jpg", nil); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	held := heap()
	for _, c := range open {
		c.Close()
	}
	until(t, "they are gone", func() bool { return s.Stats().Connections == 1 })
	frames(10)
	// One or two goroutines each, those that are about to end included.
	if most > 64 || mostGoroutines > goroutines+2*2*64 || held > before+8<<20 {
		t.Errorf("%d connections, %d goroutines of %d, %d KiB of %d", most, mostGoroutines, goroutines, held>>10, before>>10)
	}
	if now := descriptors(t); now > files+2 {
		t.Errorf("%d descriptors, %d before", now, files)
	}
	// Of each 200, the kernel may keep 129 until we close them, and 63 have room.
	if stats := s.Stats(); stats.Evicted < 15*(200-129-63) {
		t.Errorf("%+v", stats)
	}
	t.Logf("at most %d connections, %d goroutines (%d before), heap %+d KiB; %+v", most, mostGoroutines, goroutines, (int64(held)-int64(before))>>10, s.Stats())
}

func TestSlowlorisGivesWayToWhoAsks(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	st.film(t, 50_000, 2*time.Millisecond)
	frames := victim(t, s)
	for i := range 300 {
		c := dial(t, s)
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-%d: ", i)
	}
	for range 20 {
		if resp, _ := get(t, client(t), s.url+"/cameras/front/snapshot.jpg", nil); resp.StatusCode != 200 {
			t.Error(resp.Status)
		}
	}
	frames(50)
	if n := s.Stats().Connections; n > 64 {
		t.Errorf("%d connections", n)
	}
}

// All who look and do not read: they hold their places, one image each, and are
// cut off in the end. Who reads gets every frame meanwhile.
func TestClientThatNeverReadsHoldsNobodyUp(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	st.film(t, 200_000, 2*time.Millisecond)
	frames := victim(t, s)
	rate := func() float64 {
		began := time.Now()
		frames(200)
		return 200 / time.Since(began).Seconds()
	}
	// usual is not one that another program's work has lowered for a moment.
	usual := func(enough float64) (best float64) {
		for range 5 {
			if best = max(best, rate()); best >= enough {
				break
			}
		}
		return best
	}
	alone, before := rate(), heap()
	for range 15 {
		c := dial(t, s)
		if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "GET /cameras/front/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	until(t, "all places are taken", func() bool { return s.Stats().Watchers == 16 })
	among, held := usual(alone/2), heap()
	if held > before+16*(200_000+64<<10)+4<<20 {
		t.Errorf("heap %d KiB, %d before", held>>10, before>>10)
	}
	if among < alone/2 {
		t.Errorf("%.0f frames a second, %.0f before", among, alone)
	}
	// Whoever comes gets the place of one that has taken nothing for a second, and
	// need not wait until that is cut off.
	came := time.Now()
	until(t, "there is room", func() bool {
		resp, _ := get(t, client(t), s.url+"/cameras/front/snapshot.jpg", nil)
		return resp.StatusCode == 200
	})
	if took := time.Since(came); took > 6*time.Second {
		t.Errorf("waited %v", took)
	}
	t.Logf("15 clients that do not read: the other one gets %.0f frames/s, %.0f without them, heap %+d KiB", among, alone, (int64(held)-int64(before))>>10)
	stop := time.Now()
	if err := s.stop(); err != nil || time.Since(stop) > 5*time.Second {
		t.Errorf("stopped in %v, %v", time.Since(stop), err)
	}
}

func TestGarbageIsAnsweredAndForgotten(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	st.film(t, 1000, time.Millisecond)
	for name, request := range map[string]string{
		"no HTTP":          strings.Repeat("\x00\xff\x16\x03", 100) + "\r\n\r\n",
		"no version":       "GET /\r\n\r\n",
		"a future version": "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
		"no host":          "GET / HTTP/1.1\r\n\r\n",
		"two hosts":        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
		"a huge header":    "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"many headers":     "GET / HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X: y\r\n", 100_000) + "\r\n",
		"a huge path":      "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"a proxy's":        "CONNECT evil:80 HTTP/1.1\r\nHost: evil:80\r\n\r\n",
		"another site's":   "GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"HTTP/2":           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"of all":           "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"of all, and more": "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n",
		"smuggled":         "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a bad chunk":      "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	} {
		c := dial(t, s)
		go func() { _, _ = io.WriteString(c, request) }() // it may be hung up on before the end
		if err := c.SetReadDeadline(time.Now().Add(4 * time.Second)); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		if e, ok := err.(net.Error); ok && e.Timeout() {
			t.Errorf("%s: not hung up on after %q", name, answer)
		}
		if len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 4") && !strings.HasPrefix(string(answer), "HTTP/1.1 505") {
			t.Errorf("%s: %.100q", name, answer)
		}
	}
	until(t, "all are gone", func() bool { return s.Stats().Connections == 0 })
}

func TestHugeRangesGetTheWholeOnce(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	st.film(t, 1000, time.Millisecond)
	ranges := "bytes=" + strings.Repeat("0-,", 1000) + "0-18446744073709551615"
	if resp, body := get(t, client(t), s.url+"/cameras/front/snapshot.jpg", func(r *http.Request) { r.Header.Set("Range", ranges) }); resp.StatusCode != 200 || len(body) != 1000 {
		t.Errorf("%s, %d bytes", resp.Status, len(body))
	}
}

// Requests that are sent ahead are answered one after the other, and a client
// that does not read the answers is cut off.
func TestPipelinedRequestsAreBounded(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	st.film(t, 100_000, time.Millisecond)
	frames := victim(t, s)
	before := heap()
	c := dial(t, s)
	c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	request := []byte(strings.Repeat("GET /cameras/front/snapshot.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n", 1000))
	for range 100 {
		if _, err := c.Write(request); err != nil {
			break // its own buffers are full
		}
	}
	frames(50)
	if now := heap(); now > before+2<<20 {
		t.Errorf("heap %d KiB, %d before", now>>10, before>>10)
	}
	if n := s.Stats().Watchers; n > 2 {
		t.Errorf("%d watchers", n)
	}
}

// Who connects and says no word of TLS gives way to who does, and a flood of them
// has few handshakes a second.
func TestSilentHandshakesGiveWay(t *testing.T) {
	certificate, key, pool := identity(t, "camera.example")
	st := newStudio()
	s := serve(t, web.Config{Certificate: certificate, Key: key}, st.handlers())
	st.film(t, 1000, time.Millisecond)
	for i := range 150 {
		c := dial(t, s)
		if i%2 == 0 {
			io.WriteString(c, "\x16\x03\x01\x40\x00") // a hello of 16 KiB, of which no more comes
		}
	}
	c := client(t)
	c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, ServerName: "camera.example"}
	if resp, body := get(t, c, s.url+"/cameras/front/snapshot.jpg", func(r *http.Request) { r.Host = "localhost" }); resp.StatusCode != 200 || len(body) != 1000 {
		t.Errorf("%s, %d bytes", resp.Status, len(body))
	}
	if stats := s.Stats(); stats.Connections > 64 || stats.Evicted < 80 {
		t.Errorf("%+v", stats)
	}
	began := time.Now()
	if err := s.stop(); err != nil || time.Since(began) > 4*time.Second {
		t.Errorf("stopped in %v, %v", time.Since(began), err)
	}
}
