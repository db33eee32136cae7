package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/preproc"
)

// A Camera is what may be seen of one.
type Camera struct {
	Name string
	// View shows what the camera sees, for people; nil where there is none, for
	// the reason of Blind.
	View  *Tap
	Blind string
	// Outputs are in the order of the config.
	Outputs []*Tap
}

// The names of a view; an output of that name comes second.
const snapshotPath, streamPath = "snapshot.jpg", "stream.mjpg"

const jpegSuffix, streamSuffix, npySuffix = ".jpg", ".mjpg", ".npy"

// path is where a still is asked for.
func (t *Tap) path() string {
	file := t.cfg.Spec.Name + t.suffix()
	if t.cfg.View {
		file = snapshotPath
	}
	return "/cameras/" + t.cfg.Camera + "/" + file
}

func (t *Tap) suffix() string {
	if t.cfg.Spec.Encode == preproc.JPEG {
		return jpegSuffix
	}
	return npySuffix
}

// camera answers for a path below /cameras/.
func (s *Server) camera(w http.ResponseWriter, r *http.Request, path string) {
	var cameras []Camera
	if s.handlers.Cameras != nil {
		cameras = s.handlers.Cameras()
	}
	name, file, _ := strings.Cut(path, "/")
	for i := range cameras {
		if cameras[i].Name == name {
			s.file(w, r, &cameras[i], file)
			return
		}
	}
	names := make([]string, len(cameras))
	for i := range cameras {
		names[i] = cameras[i].Name
	}
	say(w, http.StatusNotFound, fmt.Sprintf("no camera is named %.100q; there are: %s", name, strings.Join(names, ", ")))
}

// file answers for what a camera has.
func (s *Server) file(w http.ResponseWriter, r *http.Request, c *Camera, file string) {
	switch {
	case c.View != nil && file == snapshotPath:
		s.still(w, r, c.View)
		return
	case c.View != nil && file == streamPath:
		s.stream(w, r, c.View)
		return
	}
	for _, t := range c.Outputs {
		name, ok := strings.CutPrefix(file, t.cfg.Spec.Name)
		switch {
		case ok && name == t.suffix():
			s.still(w, r, t)
			return
		case ok && name == streamSuffix && t.suffix() == jpegSuffix:
			s.stream(w, r, t)
			return
		}
	}
	say(w, http.StatusNotFound, fmt.Sprintf("camera %s has no %.100q; there are: %s", c.Name, file, strings.Join(c.files(), ", ")))
}

// files are the names of all that may be asked for.
func (c *Camera) files() (names []string) {
	if c.View != nil {
		names = append(names, snapshotPath, streamPath)
	}
	for _, t := range c.Outputs {
		names = append(names, t.cfg.Spec.Name+t.suffix())
		if t.suffix() == jpegSuffix {
			names = append(names, t.cfg.Spec.Name+streamSuffix)
		}
	}
	if c.Blind != "" {
		names = append(names, "and no view: "+c.Blind)
	}
	return names
}

// still answers with the next image.
func (s *Server) still(w http.ResponseWriter, r *http.Request, t *Tap) {
	seat := s.sit(r, t)
	if seat == nil {
		s.busy(w, "too many clients look at images")
		return
	}
	defer s.leave(seat)
	watcher := t.watch(false)
	defer watcher.end()
	p, err := first(w, r, watcher)
	if err != nil {
		unavailable(w, err)
		return
	}
	defer watcher.release(p)
	head, mime := []byte(nil), "image/jpeg"
	if t.suffix() == npySuffix {
		head, mime = files.AppendNPYHeader(nil, &t.cfg.Spec, p.Width, p.Height), "application/octet-stream"
	}
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Length", strconv.Itoa(len(head)+len(p.Data)))
	for line := range strings.Lines(string(describe(nil, p))) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		h.Set(name, value)
	}
	if r.Method == http.MethodHead {
		return
	}
	out := newSender(w, seat)
	out.write(head)
	out.write(p.Data)
}

// first waits for an image, which may take longer than a client has for an answer:
// that time begins after it.
func first(w http.ResponseWriter, r *http.Request, watcher *watcher) (*picture, error) {
	p, err := watcher.next(r.Context())
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(stallTimeout)) // or the client is gone
	return p, err
}

// unavailable says why there is no image. Whoever went away hears nothing.
func unavailable(w http.ResponseWriter, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	w.Header().Set("Retry-After", "1")
	say(w, http.StatusServiceUnavailable, err.Error())
}

// rateOf reads how many images a second are wanted at most, 0 for all.
func rateOf(r *http.Request) (float64, error) {
	text := r.URL.Query().Get("rate")
	if text == "" {
		return 0, nil
	}
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil || !(rate >= 0.01) || math.IsInf(rate, 0) {
		return 0, fmt.Errorf("rate is %.40q; allowed: frames a second, 0.01 or more", text)
	}
	return rate, nil
}
