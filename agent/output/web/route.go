package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// route answers a request that passed the guard.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	h := &s.handlers
	if path, ok := strings.CutPrefix(r.URL.Path, "/cameras/"); ok {
		s.camera(w, r, path)
		return
	}
	switch r.URL.Path {
	case "/healthz":
		health(w, h.Live)
	case "/readyz":
		health(w, h.Ready)
	case "/api/v1/status":
		status(w, r, h.Status)
	case "/metrics":
		pass(w, r, h.Metrics)
	default:
		pass(w, r, h.Page)
	}
}

func pass(w http.ResponseWriter, r *http.Request, h http.Handler) {
	if h == nil {
		notFound(w, r)
		return
	}
	h.ServeHTTP(w, r)
}

func notFound(w http.ResponseWriter, r *http.Request) {
	say(w, http.StatusNotFound, fmt.Sprintf("nothing is at %.100q", r.URL.Path))
}

// health is 200 while all is well, else 503 and why.
func health(w http.ResponseWriter, check func() error) {
	if check == nil {
		say(w, http.StatusNotFound, "not known")
		return
	}
	if err := check(); err != nil {
		say(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	say(w, http.StatusOK, "ok")
}

func status(w http.ResponseWriter, r *http.Request, of func() any) {
	if of == nil {
		notFound(w, r)
		return
	}
	text, err := json.MarshalIndent(of(), "", "  ")
	if err != nil {
		say(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n')) // a client that is gone has nobody to tell
}

// busy asks the client to come again.
func (s *Server) busy(w http.ResponseWriter, what string) {
	s.refused.Add(1)
	w.Header().Set("Retry-After", "1")
	say(w, http.StatusServiceUnavailable, what)
}

// say answers with lines of text.
func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(text), '\n')) // a client that is gone has nobody to tell
}
