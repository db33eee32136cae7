package web_test

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/web"
)

// parts reads a stream.
func parts(t *testing.T, resp *http.Response) *multipart.Reader {
	t.Helper()
	kind, p, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/x-mixed-replace" {
		t.Fatalf("%s %v: %v", resp.Status, resp.Header, err)
	}
	return multipart.NewReader(resp.Body, p["boundary"])
}

func open(t *testing.T, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func part(t *testing.T, r *multipart.Reader) (textproto.MIMEHeader, []byte) {
	t.Helper()
	p, err := r.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	return p.Header, body
}

func TestStreamIsOneFreshImageAfterTheOther(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	st.film(t, 100_000, time.Millisecond)
	for _, path := range []string{"stream.mjpg", "preview.mjpg"} {
		in, last := parts(t, open(t, s.url+"/cameras/front/"+path)), uint64(0)
		for range 50 {
			h, body := part(t, in)
			var sequence uint64
			if fmt.Sscan(h.Get("X-Frame-Sequence"), &sequence); sequence <= last || h.Get("Content-Type") != "image/jpeg" || h.Get("X-Frame-Verdict") != "black" {
				t.Fatalf("%v after %d", h, last)
			}
			last = sequence
			if len(body) != 100_000 || body[0] != byte(sequence) || body[99_999] != byte(sequence) {
				t.Fatalf("frame %d has %d bytes of %d and %d", sequence, len(body), body[0], body[len(body)-1])
			}
		}
	}
}

func TestStreamKeepsToItsRate(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	st.film(t, 100, time.Millisecond)
	began := time.Now() // before the server's own time begins
	in := parts(t, open(t, s.url+"/cameras/front/stream.mjpg?rate=50"))
	for range 11 {
		part(t, in)
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("11 frames at 50 a second came in %v", took)
	}
	for _, rate := range []string{"0", "-1", "nan", "inf", "x", "1e-9"} {
		if resp, body := get(t, client(t), s.url+"/cameras/front/stream.mjpg?rate="+rate, nil); resp.StatusCode != 400 || !strings.Contains(body, "0.01 or more") {
			t.Errorf("rate %s: %s %q", rate, resp.Status, body)
		}
	}
}

func TestStreamEndsWhenTheCameraDoes(t *testing.T) {
	st := newPatient(5 * brief)
	s := serve(t, web.Config{}, st.handlers())
	answer := make(chan *http.Response, 1)
	go func() { answer <- open(t, s.url+"/cameras/front/stream.mjpg") }()
	until(t, "it is wanted", st.view.Wanted)
	st.shoot(t, 100)
	in := parts(t, <-answer)
	if _, body := part(t, in); len(body) != 100 {
		t.Errorf("%d bytes", len(body))
	}
	if _, err := in.NextPart(); err == nil {
		t.Error("it goes on without a camera")
	}
	if st.view.Wanted() {
		t.Error("still wanted")
	}
}
