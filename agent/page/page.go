// Package page is the status page: one HTML document from the binary, without
// anything from elsewhere.
//
// What enters: functions that give the last hour and the newest events. What
// leaves: an [http.Handler] for / and for the two below /api/v1 that are the page's;
// status and pictures it asks of whoever serves it. It decides nothing: all that it
// says is in the status.
//
// What cameras, drivers and the log say is shown as text and never as markup: the
// policy in the header allows this script and this style sheet alone, by their
// hashes, and no script may make markup of a string.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // of the parts below
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/edge-agent/agent/agent/status"
)

var (
	//go:embed page.html
	frame []byte
	//go:embed page.css
	sheet []byte
	//go:embed chart.js
	chart []byte
	//go:embed camera.js
	camera []byte
	//go:embed page.js
	script []byte
)

// Sources are what the page has from the agent beyond what the server has.
type Sources struct {
	History func() status.History
	Events  func() status.Events
}

// Handler serves the page at /, and at /api/v1/history and /api/v1/events what it
// needs. Anything else is not found.
func Handler(s Sources) http.Handler {
	document, policy := assemble()
	// Not a ServeMux, which answers /../ with a redirection.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			h := w.Header()
			h.Set("Content-Type", "text/html; charset=utf-8")
			h.Set("Content-Security-Policy", policy)
			h.Set("Referrer-Policy", "no-referrer")
			_, _ = w.Write(document) // a client that is gone has nobody to tell
		case "/api/v1/history":
			answer(w, r, s.History())
		case "/api/v1/events":
			answer(w, r, s.Events())
		default:
			http.NotFound(w, r)
		}
	})
}

// answer says it, or that it is as the client has it: both change seldom, and are
// asked for often.
func answer(w http.ResponseWriter, r *http.Request, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(text)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n'))
}

// assemble makes one document of the parts, and the policy under which nothing
// else runs in it.
func assemble() (document []byte, policy string) {
	code := bytes.Join([][]byte{[]byte("\"use strict\";"), chart, camera, script}, []byte("\n"))
	document = bytes.Replace(frame, []byte("/* page.css */"), sheet, 1)
	document = bytes.Replace(document, []byte("/* page.js */"), code, 1)
	policy = "default-src 'none'; script-src " + hash(code) + "; style-src " + hash(sheet) +
		"; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" +
		"; require-trusted-types-for 'script'"
	return document, policy
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
