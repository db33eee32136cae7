package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/preproc"
)

// A caller is a listener for connections in memory.
type caller chan net.Conn

func (c caller) Accept() (net.Conn, error) {
	if conn, ok := <-c; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (c caller) Close() error { close(c); return nil }
func (caller) Addr() net.Addr { return &net.TCPAddr{} }

// Where no image comes, the client hears so, also after a wait that is longer than
// an answer may take.
func TestAnswerGoesOutAfterALongWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tap := NewTap(TapConfig{
			Camera: "front", Spec: preproc.Spec{Name: ".view", Encode: preproc.JPEG}, View: true,
			Patience: 3 * stallTimeout, Trouble: func() error { return nil },
		})
		s := New(Config{}, Handlers{Cameras: func() []Camera { return []Camera{{Name: "front", View: tap}} }})
		calls := make(caller)
		g := newGate(calls, s, maxConnections)
		srv, done := s.httpServer(t.Context(), g), make(chan error)
		go func() { done <- srv.Serve(g) }()
		defer func() {
			srv.Close()
			<-done
			g.wait()
		}()
		for _, path := range []string{snapshotPath, streamPath} {
			client, server := net.Pipe()
			calls <- server
			request := "GET /cameras/front/" + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
			if _, err := io.WriteString(client, request); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			resp, err := http.ReadResponse(bufio.NewReader(client), nil)
			if err != nil {
				t.Fatalf("%s: %v after %v", path, err, time.Since(began))
			}
			if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 503 || string(body) != "no image came within 30s\n" {
				t.Errorf("%s: %s %q, %v", path, resp.Status, body, err)
			}
			client.Close()
		}
	})
}
