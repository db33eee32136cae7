package web

import (
	"crypto/tls"
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
)

// A gate is a listener with a bound on the connections that are open.
type gate struct {
	net.Listener
	server *Server
	// limit is how many may be open, and alive has room for twice as many: the
	// goroutine of one that was closed may still have to find out.
	limit int
	alive chan struct{}

	mu    sync.Mutex
	conns []*conn // the oldest first
}

// A conn is an open connection. It is busy while a request is under way.
type conn struct {
	net.Conn
	gate *gate
	busy atomic.Bool
}

type connKey struct{}

// connOf is the connection below what the server was handed.
func connOf(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return c.(*conn)
}

func newGate(l net.Listener, s *Server, limit int) *gate {
	return &gate{Listener: l, server: s, limit: limit, alive: make(chan struct{}, 2*limit)}
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
		raw, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: raw, gate: g}
		if !g.admit(c) {
			g.server.refused.Add(1)
			g.refuse(raw)
			continue
		}
		bound(raw)
		return c, nil
	}
}

// bound is of no use where it fails: the connection is gone then.
func bound(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetWriteBuffer(sendBuffer)
		_ = t.SetReadBuffer(receiveBuffer)
	}
}

// admit takes c in, for the oldest one that waits for nothing if need be.
func (g *gate) admit(c *conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.conns) >= g.limit {
		i := slices.IndexFunc(g.conns, func(c *conn) bool { return !c.busy.Load() })
		if i < 0 {
			return false
		}
		_ = g.conns[i].Conn.Close() // its goroutine finds out
		g.conns = slices.Delete(g.conns, i, i+1)
		g.server.outdated.Add(1)
	}
	g.conns = append(g.conns, c)
	g.server.connections.Store(int64(len(g.conns)))
	return true
}

const busyAnswer = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n\r\ntoo many connections\n"

// refuse says why before it hangs up, where that takes no time.
func (g *gate) refuse(c net.Conn) {
	if g.server.pair == nil {
		_ = c.SetWriteDeadline(time.Now().Add(time.Millisecond))
		_, _ = c.Write([]byte(busyAnswer))
	}
	_ = c.Close()
}

// state is told of each connection by the server. One that ends does so once.
func (g *gate) state(c net.Conn, s http.ConnState) {
	if s != http.StateClosed {
		return
	}
	ended := connOf(c)
	g.mu.Lock()
	g.conns = slices.DeleteFunc(g.conns, func(c *conn) bool { return c == ended })
	g.server.connections.Store(int64(len(g.conns)))
	g.mu.Unlock()
	<-g.alive
}
