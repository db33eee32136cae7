//go:build page

package page_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func serve(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s.URL
}

// relay answers as resp, with other words in JSON.
func relay(w http.ResponseWriter, resp *http.Response, words *strings.Replacer) {
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	for name, values := range resp.Header {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		text = []byte(words.Replace(string(text)))
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(text)
}

// proxy is the agent's page and status with other words in the JSON.
func proxy(t *testing.T, url string, words *strings.Replacer) string {
	t.Helper()
	return serve(t, relayOf(t, url, words))
}

func relayOf(t *testing.T, url string, words *strings.Replacer) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(url + r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		relay(w, resp, words)
	}
}
