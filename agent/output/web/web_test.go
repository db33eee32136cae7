package web_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/output/web"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// A served is a server that listens.
type served struct {
	*web.Server
	url, address string
	stop         func() error
}

func serve(t *testing.T, cfg web.Config, h web.Handlers) *served {
	t.Helper()
	if !cfg.Listen.IsValid() {
		cfg.Listen = loopback
	}
	s := &served{Server: web.New(cfg, h)}
	ctx, cancel := context.WithCancel(context.Background())
	listening, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- s.Serve(ctx, func(url string) { listening <- url }) }()
	select {
	case s.url = <-listening:
	case err := <-done:
		t.Fatal(err)
	}
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	s.address = u.Host
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A client without memory of connections, so that each test sees its own.
func client(t *testing.T) *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func get(t *testing.T, c *http.Client, url string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestHealthIsTold(t *testing.T) {
	var trouble error
	s := serve(t, web.Config{}, web.Handlers{Live: func() error { return trouble }, Ready: func() error { return nil }})
	if resp, body := get(t, client(t), s.url+"/healthz", nil); resp.StatusCode != 200 || body != "ok\n" {
		t.Errorf("%s %q", resp.Status, body)
	}
	trouble = errors.New("front capture: no progress for 5s (limit 4s)")
	if resp, body := get(t, client(t), s.url+"/healthz", nil); resp.StatusCode != 503 || body != trouble.Error()+"\n" {
		t.Errorf("%s %q", resp.Status, body)
	}
	if resp, _ := get(t, client(t), s.url+"/readyz", nil); resp.StatusCode != 200 {
		t.Errorf("%s", resp.Status)
	}
}

func TestStatusIsJSON(t *testing.T) {
	s := serve(t, web.Config{}, web.Handlers{Status: func() any { return map[string]int{"cameras": 2} }})
	resp, body := get(t, client(t), s.url+"/api/v1/status", nil)
	var got map[string]int
	if err := json.Unmarshal([]byte(body), &got); err != nil || got["cameras"] != 2 || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v %q, %v", resp.Header, body, err)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	s := serve(t, web.Config{}, web.Handlers{})
	for _, path := range []string{"/", "/metrics", "/api/v1/status", "/healthz", "/etc/shadow", "/index.html"} {
		if resp, body := get(t, client(t), s.url+path, nil); resp.StatusCode != 404 || strings.Contains(body, "<") {
			t.Errorf("%s: %s %q", path, resp.Status, body)
		}
	}
}

func TestNothingButGetAndHead(t *testing.T) {
	s := serve(t, web.Config{}, web.Handlers{Live: func() error { return nil }})
	for method, want := range map[string]int{"HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405, "OPTIONS": 405, "TRACE": 405, "BREW": 405} {
		resp, body := get(t, client(t), s.url+"/healthz", func(r *http.Request) { r.Method = method })
		if resp.StatusCode != want || method == "HEAD" && body != "" || want == 405 && resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %s %q", method, resp.Status, body)
		}
	}
}

func TestBodyIsRefusedWithoutWaitingForIt(t *testing.T) {
	s := serve(t, web.Config{}, web.Handlers{Live: func() error { return nil }})
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n") // and never comes
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 413 || !resp.Close {
		t.Fatalf("%+v, %v", resp, err)
	}
}

// A page of another site must not get at a server that trusts its machine.
func TestOtherSitesAreStrangers(t *testing.T) {
	s := serve(t, web.Config{}, web.Handlers{Live: func() error { return nil }})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:9810": 200, "camera.localhost": 200, "127.0.0.1": 200, "127.8.0.1:80": 200, "[::1]:9810": 200,
		"[::ffff:127.0.0.1]": 200, "evil.example": 421, "evil.example:9810": 421, "192.168.1.7:9810": 421, "localhost.evil.example": 421, "evil-localhost": 421,
	} {
		if resp, _ := get(t, client(t), s.url+"/healthz", func(r *http.Request) { r.Host = host }); resp.StatusCode != want {
			t.Errorf("asked as %s: %s", host, resp.Status)
		}
	}
	for mode, want := range map[string]int{"no-cors": 403, "cors": 403, "navigate": 200} {
		resp, _ := get(t, client(t), s.url+"/healthz", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", mode)
		})
		if resp.StatusCode != want || resp.Header.Get("Cross-Origin-Resource-Policy") != "same-site" {
			t.Errorf("%s of another site: %s %v", mode, resp.Status, resp.Header)
		}
	}
}

func FuzzOnlyNamesOfThisMachineAreItsNames(f *testing.F) {
	for _, host := range []string{"localhost", "[::1]:9810", "127.0.0.1:80", "evil.example", "[::ffff:127.0.0.1]", "[fe80::1%25lo]", "a.localhost:1", "]:[", ""} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !web.OfThisMachine(host) || strings.Contains(strings.ToLower(host), "localhost") {
			return
		}
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if a := net.ParseIP(strings.Trim(strings.Split(host, "%")[0], "[]")); a == nil || !a.IsLoopback() {
			t.Errorf("%q is taken for this machine", host)
		}
	})
}

const secret = "correct-horse-battery-staple"

func TestTokenIsNeeded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, secret+"\n")
	s := serve(t, web.Config{TokenFile: file}, web.Handlers{Live: func() error { return nil }})
	for header, want := range map[string]int{
		"": 401, "Bearer " + secret: 200, "Bearer " + secret + "x": 401, "Bearer": 401, "Bearer ": 401, "Basic !": 401, secret: 401, "bearer " + secret: 401,
	} {
		resp, body := get(t, client(t), s.url+"/healthz", func(r *http.Request) {
			r.Host = "camera.example" // another name is no matter then
			if header != "" {
				r.Header.Set("Authorization", header)
			}
		})
		if resp.StatusCode != want || want == 401 && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%q: %s %q", header, resp.Status, body)
		}
		if strings.Contains(body, secret) {
			t.Errorf("told: %q", body)
		}
	}
	for password, want := range map[string]int{secret: 200, "": 401, "x" + secret: 401} {
		if resp, _ := get(t, client(t), s.url+"/healthz", func(r *http.Request) { r.SetBasicAuth("anyone", password) }); resp.StatusCode != want {
			t.Errorf("password %q: %s", password, resp.Status)
		}
	}
}

func TestBadTokenFileIsToldWithoutItsContent(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"", "short-secret", "two words that are long enough", strings.Repeat("x", 513), "nul\x00nulnulnulnulnulnul"} {
		file := filepath.Join(dir, "token")
		write(t, file, text)
		err := web.New(web.Config{Listen: loopback, TokenFile: file}, web.Handlers{}).Serve(t.Context(), func(string) { t.Error("listens") })
		if err == nil || !strings.Contains(err.Error(), file) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := web.New(web.Config{Listen: loopback, TokenFile: dir + "/none"}, web.Handlers{}).Serve(t.Context(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestTakenAddressIsAnError(t *testing.T) {
	s := serve(t, web.Config{}, web.Handlers{})
	err := web.New(web.Config{Listen: netip.MustParseAddrPort(s.address)}, web.Handlers{}).Serve(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Error(err)
	}
}

func TestTLSWithoutHTTP2(t *testing.T) {
	certificate, key, pool := identity(t, "camera.example")
	s := serve(t, web.Config{Certificate: certificate, Key: key}, web.Handlers{Live: func() error { return nil }})
	c := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "camera.example", NextProtos: []string{"h2", "http/1.1"}}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}}
	resp, body := get(t, c, s.url+"/healthz", nil)
	if !strings.HasPrefix(s.url, "https://127.0.0.1:") || body != "ok\n" || resp.ProtoMajor != 1 || resp.TLS.Version < tls.VersionTLS12 {
		t.Errorf("%s %s %q", s.url, resp.Proto, body)
	}
	if _, err := net.Dial("tcp", s.address); err != nil { // a client that never says hello
		t.Fatal(err)
	}
	if resp, err := http.Get("http://" + s.address + "/healthz"); err == nil && resp.StatusCode == 200 {
		t.Error("answered without TLS")
	}
}
