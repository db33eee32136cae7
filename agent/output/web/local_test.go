package web_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-agent/agent/agent/output/web"
)

// Who may change something does not wait for those who only ask.
func TestChangeNeedsNoPlaceAmongRequests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s := web.New(web.Config{Local: &web.Local{
		Listen:  func() (net.Listener, error) { return net.Listen("unix", path) },
		Owner:   uint32(os.Geteuid()),
		Changes: map[string]web.Change{"/paint": func(*http.Request) (any, error) { return "red", nil }},
	}}, web.Handlers{Status: func() any { return "blue" }})
	s.Fill()
	listening, done := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- s.Serve(ctx, func(string) { close(listening) }) }()
	<-listening
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	for method, want := range map[string]map[string]int{
		http.MethodGet:  {"/api/v1/status": http.StatusServiceUnavailable},
		http.MethodPost: {"/paint": http.StatusOK, "/other": http.StatusNotFound},
	} {
		for path, want := range want {
			req, err := http.NewRequestWithContext(t.Context(), method, "http://agent"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s %s: %s, want %d", method, path, resp.Status, want)
			}
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
