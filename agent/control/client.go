package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent/status"
)

const (
	// Patience is how long an answer that needs no work may take. One that takes
	// longer is that of an agent that is stuck, or stopped.
	Patience = 2 * time.Second
	// again is how long a client waits whose connection the kernel has no room for.
	again = 10 * time.Millisecond
	// maxAnswer bounds what is read of an answer; the largest is a tensor's.
	maxAnswer = 64<<20 + 4096
)

// A Client asks the agent that has a runtime directory. It connects for each request,
// and so finds one that was restarted. Any goroutine may use it.
type Client struct {
	dir  string
	http http.Client
}

// NewClient makes the client for the agent of dir. It does nothing yet.
func NewClient(dir string) *Client {
	c := &Client{dir: dir}
	c.http.Transport = &http.Transport{DisableKeepAlives: true, DisableCompression: true, DialContext: c.dial}
	return c
}

// path is the socket's.
func (c *Client) path() string { return filepath.Join(c.dir, Socket) }

// dial waits for room where many are waiting to be let in.
func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", c.path())
		if !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(again):
		}
	}
}

// Status is how the agent is, as the JSON that it sent and as what this program
// knows of it. It takes Patience at the most.
func (c *Client) Status(ctx context.Context) (text []byte, s *status.Status, err error) {
	text, _, err = c.do(ctx, Patience, http.MethodGet, "/api/v1/status")
	if err != nil {
		return nil, nil, err
	}
	s, err = readStatus(text)
	return text, s, err
}

// readStatus makes what it can of the status of another version.
func readStatus(text []byte) (*status.Status, error) {
	s := &status.Status{}
	err := json.Unmarshal(text, s)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other {
		return nil, fmt.Errorf("read the agent's status: %w", err)
	}
	return s, nil
}

// Image is the next image of a camera: file is one of those that HTTP has, such as
// snapshot.jpg. What is known of it is in the header. It is waited for as long as the
// agent does, and no longer than within.
func (c *Client) Image(ctx context.Context, within time.Duration, camera, file string) (data []byte, header http.Header, err error) {
	return c.do(ctx, within, http.MethodGet, "/cameras/"+url.PathEscape(camera)+"/"+url.PathEscape(file))
}

// Change asks for what is at path, such as /api/v1/reload, with parameters that may
// be nil. What was done is put into what done points to, unless that is nil.
func (c *Client) Change(ctx context.Context, within time.Duration, path string, parameters url.Values, done any) error {
	if len(parameters) > 0 {
		path += "?" + parameters.Encode()
	}
	text, _, err := c.do(ctx, within, http.MethodPost, path)
	if err != nil || done == nil {
		return err
	}
	if err := json.Unmarshal(text, done); err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	return nil
}

// do makes one request.
func (c *Client) do(ctx context.Context, within time.Duration, method, path string) (body []byte, header http.Header, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, c.unreachable(err, within)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, nil, c.unreachable(err, within)
	case len(body) > maxAnswer:
		return nil, nil, fmt.Errorf("the agent's answer is too long: allowed are %d bytes", maxAnswer)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, nil, &Refusal{Status: resp.StatusCode, Text: strings.TrimSpace(string(body))}
	}
	return body, resp.Header, nil
}
