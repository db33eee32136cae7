package web

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sendBuffer bounds the kernel's memory of a client that does not read, and
	// the age of the picture that it reads next. The kernel doubles it.
	sendBuffer    = 128 << 10
	receiveBuffer = 16 << 10
	// backlog is how many connections wait for accept: few, so that one of a flood
	// is soon turned away by the kernel and the others do not wait behind it.
	backlog = 128
)

// A rhythm is how many connections are let in: a few at once, and then one every
// interval. A flood of 6000 a second took half a CPU from the cameras.
type rhythm struct {
	interval time.Duration
	burst    int
	due      time.Time
}

var (
	plainRhythm = rhythm{interval: time.Millisecond, burst: 4 * maxConnections}
	tlsRhythm   = rhythm{interval: 10 * time.Millisecond, burst: maxConnections} // an RSA handshake takes a millisecond or two
)

// wait returns when one more may come.
func (r *rhythm) wait() {
	now := time.Now()
	if earliest := now.Add(-time.Duration(r.burst) * r.interval); r.due.Before(earliest) {
		r.due = earliest
	}
	r.due = r.due.Add(r.interval)
	if r.due.After(now) {
		time.Sleep(r.due.Sub(now)) // some ms: too short to be ended by anything
	}
}

// A gate is a listener with a bound on the connections that are open.
type gate struct {
	net.Listener
	server *Server
	// limit is how many may be open, and alive has room for twice as many: the
	// goroutine of one that was closed may still have to find out.
	limit  int
	alive  chan struct{}
	rhythm rhythm

	mu    sync.Mutex
	conns []*conn // the oldest first
}

// A conn is an open connection. It is busy while a request is under way.
type conn struct {
	net.Conn
	gate *gate
	peer *Peer // where clients are local
	busy atomic.Bool
	read atomic.Int64 // bytes since the last request
}

type connKey struct{}

// errLong: the server's own end of such a request is a goroutine that sleeps.
var errLong = errors.New("the request is too long")

// Read ends a connection that sends more than a header. What a request is
// answered with may be on its way, so bytes are counted from its end.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.read.Add(int64(n)) > maxHeader && !c.busy.Load() {
		if c.gate.server.pair == nil {
			c.tell(longAnswer)
		}
		return 0, errLong
	}
	return n, err
}

// tell says something where that takes no time.
func (c *conn) tell(answer string) {
	_ = c.SetWriteDeadline(time.Now().Add(time.Millisecond))
	_, _ = c.Write([]byte(answer))
}

// connOf is the connection below what the server was handed.
func connOf(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return c.(*conn)
}

func newGate(l net.Listener, s *Server, limit int) *gate {
	g := &gate{Listener: l, server: s, limit: limit, alive: make(chan struct{}, 2*limit), rhythm: plainRhythm}
	if s.pair != nil {
		g.rhythm = tlsRhythm
	}
	return g
}

// wait returns when every connection has ended.
func (g *gate) wait() {
	for range cap(g.alive) {
		g.alive <- struct{}{}
	}
}

// Accept lets in the next connection that there is room for.
func (g *gate) Accept() (net.Conn, error) {
	g.alive <- struct{}{}
	c, err := g.accept()
	if err != nil {
		<-g.alive
	}
	return c, err
}

func (g *gate) accept() (net.Conn, error) {
	for {
		g.rhythm.wait()
		raw, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: raw, gate: g}
		if g.server.cfg.Local != nil {
			if c.peer, err = peerOf(raw); err != nil {
				_ = raw.Close() // nobody can be told apart from others
				continue
			}
		}
		if !g.admit(c) {
			g.server.refused.Add(1)
			g.refuse(c)
			continue
		}
		bound(raw)
		return c, nil
	}
}

// bound is of no use where it fails: the connection is gone then.
func bound(c net.Conn) {
	if t, ok := c.(interface {
		SetReadBuffer(bytes int) error
		SetWriteBuffer(bytes int) error
	}); ok {
		_ = t.SetWriteBuffer(sendBuffer)
		_ = t.SetReadBuffer(receiveBuffer)
	}
}

// admit takes c in, for the oldest one that waits for nothing if need be.
func (g *gate) admit(c *conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := g.limit
	if c.peer != nil {
		if g.ofUser(c.peer) >= maxPerUser && !g.evict(func(o *conn) bool { return o.peer.UID == c.peer.UID }) {
			return false
		}
		if !g.server.cfg.Local.mayChange(c.peer) {
			limit -= maxPerUser
		}
	}
	if len(g.conns) >= limit && !g.evict(func(*conn) bool { return true }) {
		return false
	}
	g.conns = append(g.conns, c)
	g.server.connections.Store(int64(len(g.conns)))
	return true
}

// ofUser is called with g.mu held, as is evict.
func (g *gate) ofUser(p *Peer) (n int) {
	for _, c := range g.conns {
		if c.peer.UID == p.UID {
			n++
		}
	}
	return n
}

// evict closes the oldest of those that waits for nothing.
func (g *gate) evict(among func(*conn) bool) bool {
	i := slices.IndexFunc(g.conns, func(c *conn) bool { return !c.busy.Load() && among(c) })
	if i < 0 {
		return false
	}
	_ = g.conns[i].Conn.Close() // its goroutine finds out
	g.conns = slices.Delete(g.conns, i, i+1)
	g.server.outdated.Add(1)
	return true
}

const (
	asText     = "Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
	busyAnswer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n" + asText + "\r\ntoo many connections\n"
	longAnswer = "HTTP/1.1 431 Request Header Fields Too Large\r\n" + asText + "\r\nthe request is too long\n"
	bodyAnswer = "HTTP/1.1 413 Request Entity Too Large\r\n" + asText + "\r\nrequests have no body here\n"
)

// refuse says why before it hangs up.
func (g *gate) refuse(c *conn) {
	if g.server.pair == nil {
		c.tell(busyAnswer)
	}
	_ = c.Close()
}

// state is told of each connection by the server. One that ends, or is taken out
// of its hands, does so once.
func (g *gate) state(c net.Conn, s http.ConnState) {
	if s != http.StateClosed && s != http.StateHijacked {
		return
	}
	ended := connOf(c)
	g.mu.Lock()
	g.conns = slices.DeleteFunc(g.conns, func(c *conn) bool { return c == ended })
	g.server.connections.Store(int64(len(g.conns)))
	g.mu.Unlock()
	<-g.alive
}
