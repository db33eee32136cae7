package page

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/history"
	"github.com/edge-agent/agent/agent/status"
)

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	return getUnless(t, path, "")
}

// getUnless asks for what differs from what has the tag.
func getUnless(t *testing.T, path, tag string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("If-None-Match", tag)
	w := httptest.NewRecorder()
	Handler(Sources{
		History: func() status.History { return status.History{MemoryBytes: []history.Value{history.None, 3}} },
		Events:  func() status.Events { return status.Events{Events: []status.Event{{Message: "agent started"}}} },
	}).ServeHTTP(w, r)
	return w
}

// The page is one document with nothing from elsewhere, and the policy lets
// nothing else in.
func TestPageIsSelfContained(t *testing.T) {
	w := get(t, "/")
	body, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatal(w.Code, w.Header())
	}
	if size := w.Body.Len(); size > 50<<10 {
		t.Errorf("%d bytes", size)
	}
	if strings.Contains(body, "/* page.") {
		t.Error("a part is missing")
	}
	for _, outside := range regexp.MustCompile(`(?:src|href|action)="([^"]*)"|@import|url\(`).FindAllStringSubmatch(body, -1) {
		switch outside[1] {
		case "data:,", "api/v1/status", "metrics":
		default:
			t.Errorf("it asks for %s", outside[0])
		}
	}
	for _, unsafe := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "onclick="} {
		if strings.Contains(body, unsafe) {
			t.Errorf("it uses %s", unsafe)
		}
	}
	for tag, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
		_, rest, _ := strings.Cut(body, "<"+tag+">")
		inline, _, ok := strings.Cut(rest, "</"+tag+">")
		if want := directive + " " + hash([]byte(inline)) + ";"; !ok || !strings.Contains(policy, want) {
			t.Errorf("the policy %q has no %q", policy, want)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
}

func TestPageHasItsOwnAnswers(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/history": `"memory_bytes":[null,3]`,
		"/api/v1/events":  `"message":"agent started"`,
	} {
		if w := get(t, path); w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		} else if again := getUnless(t, path, w.Header().Get("ETag")); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s again: %d %s", path, again.Code, again.Body)
		}
	}
	for _, path := range []string{"/favicon.ico", "/index.html", "/api/v1/", "/../etc/shadow"} {
		if w := get(t, path); w.Code == 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestNothingElseIsFound(t *testing.T) {
	for _, path := range []string{"/../../etc/shadow", "/index.html", "//", "/api/v1/", "/api/v1/events/.."} {
		if w := get(t, path); w.Code != 404 || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}
