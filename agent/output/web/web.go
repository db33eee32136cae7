// Package web answers HTTP: pictures of cameras while somebody looks at them,
// and how the agent is doing.
//
// What enters: images of the outputs, and functions that say how things are.
// What leaves: answers to GET and HEAD, to a bounded number of clients; and, where
// they are [Local], to POST of those who may change something. It never makes the
// pipeline wait, keeps no picture that nobody is about to get, changes nothing
// itself, and never logs.
//
// A client costs a bounded amount of memory for a bounded time, whatever it does:
//
//   - Of connections there are maxConnections, and of one local user maxPerUser.
//     When one more comes, the oldest that has no request under way is closed for
//     it: it was idle, or never said anything. If all are busy, the new one is told
//     to come again. A flood of them is slowed down.
//   - A request has its header within headerTimeout, in maxHeader bytes, and no
//     body. An answer goes out in pieces, each of which gets stallTimeout.
//   - Of clients that wait for images or are sent some there are maxWatchers. All
//     that get the same image share one copy; each holds one at most. One that is
//     slow gets fewer images, and the newest; one that takes nothing for a second
//     loses its place to the next who wants it, and after stallTimeout to nobody.
//   - HTTP/2 is off: its streams, windows and header tables are one more set of
//     bounds, for pages of a few requests.
//
// Whoever listens on a loopback address without a token trusts all programs of
// the machine, but not the pages in its browser: another site's name may be made
// to resolve to 127.0.0.1 (DNS rebinding), so the name in the request must be one
// of this machine's, and its pages may not embed ours. Those of another port of
// this machine may.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxConnections = 64
	maxRequests    = 32 // at work at a time
	maxHeader      = 16 << 10
	headerTimeout  = 5 * time.Second
	idleTimeout    = 30 * time.Second
	// stallTimeout is how long a client may take nothing.
	stallTimeout = 10 * time.Second
)

// Config says where to listen and whom to answer.
type Config struct {
	// Listen has the port 0 for any that is free.
	Listen netip.AddrPort
	// TokenFile holds what clients have to know; empty for nothing.
	TokenFile string
	// Certificate and Key are PEM files, empty for plain HTTP.
	Certificate, Key string
	// Local is in place of all these where clients come by a Unix socket.
	Local *Local
}

// Handlers are what the server answers from. Each may be called by any number of
// goroutines; what is nil is not found.
type Handlers struct {
	// Page is asked for / and for all that nothing else has.
	Page http.Handler
	// Metrics is /metrics.
	Metrics http.Handler
	// Status is encoded as the JSON of /api/v1/status.
	Status func() any
	// Live says what is stuck, Ready what does not deliver, a line each; nil is
	// that all is well.
	Live, Ready func() error
	// Cameras are what images may be asked of.
	Cameras func() []Camera
}

// Stats are counters since New, but Connections and Watchers, which are now.
type Stats struct {
	Connections int
	Watchers    int // of images and streams
	Requests    uint64
	// Refused counts requests and connections that came when there were too
	// many, Evicted connections that were closed for newer ones.
	Refused, Evicted uint64
}

// A Server answers while Serve runs.
type Server struct {
	cfg      Config
	handlers Handlers
	token    *kept[token]           // nil for none
	pair     *kept[tls.Certificate] // nil for plain HTTP
	working  chan struct{}

	seats

	connections       atomic.Int64
	requests          atomic.Uint64
	refused, outdated atomic.Uint64
}

// New makes a server that does not listen yet.
func New(cfg Config, h Handlers) *Server {
	s := &Server{cfg: cfg, handlers: h, working: make(chan struct{}, maxRequests)}
	if cfg.TokenFile != "" {
		s.token = keep(func() (token, error) { return readToken(cfg.TokenFile) }, cfg.TokenFile)
	}
	if cfg.Certificate != "" {
		s.pair = keep(func() (tls.Certificate, error) { return tls.LoadX509KeyPair(cfg.Certificate, cfg.Key) }, cfg.Certificate, cfg.Key)
	}
	return s
}

// Serve listens and answers until ctx ends, when it returns nil after the last
// connection has ended, or until that is not possible. listening is called with
// the URL, or the path of a Unix socket, once clients may come.
func (s *Server) Serve(ctx context.Context, listening func(url string)) error {
	if err := s.readSecrets(); err != nil {
		return err
	}
	l, err := s.listen(ctx)
	if err != nil {
		return err
	}
	g := newGate(l, s, maxConnections)
	srv := s.httpServer(ctx, g)
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	listening(s.url(l.Addr()))
	if s.pair != nil {
		err = srv.ServeTLS(g, "", "")
	} else {
		err = srv.Serve(g)
	}
	_ = srv.Close()
	g.wait()
	if ctx.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// listen is net's, which has a backlog of thousands.
func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	if s.cfg.Local != nil {
		return s.cfg.Local.Listen()
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Listen.String())
	if err != nil {
		return nil, err
	}
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), backlog) }) // or it stays longer
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// readSecrets fails when nobody could be answered.
func (s *Server) readSecrets() (err error) {
	if s.token != nil {
		_, err = s.token.get()
	}
	if err == nil && s.pair != nil {
		_, err = s.pair.get()
	}
	return err
}

func (s *Server) httpServer(ctx context.Context, g *gate) *http.Server {
	srv := &http.Server{
		Handler:           http.HandlerFunc(s.admit),
		ReadHeaderTimeout: headerTimeout, WriteTimeout: stallTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 2 * maxHeader, // a conn ends before that
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, connOf(c))
		},
		ConnState: g.state,
		// OPTIONS * is refused by the guard: the server's own answer asks for no token,
		// and waits for a body.
		DisableGeneralOptionsHandler: true,
		// What clients do wrong is theirs, and would fill the journal.
		ErrorLog:  log.New(io.Discard, "", 0),
		Protocols: new(http.Protocols),
	}
	srv.Protocols.SetHTTP1(true)
	if s.pair != nil {
		srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := s.pair.get()
			return &pair, err
		}}
	}
	return srv
}

func (s *Server) url(a net.Addr) string {
	switch {
	case s.cfg.Local != nil:
		return a.String()
	case s.pair != nil:
		return "https://" + a.String()
	}
	return "http://" + a.String()
}

// Stats may be called from any goroutine.
func (s *Server) Stats() Stats {
	return Stats{
		Connections: int(s.connections.Load()), Watchers: s.seats.count(), Requests: s.requests.Load(),
		Refused: s.refused.Load(), Evicted: s.outdated.Load(),
	}
}
