package web

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// maxPerUser is how many connections the clients of one user may have, so that
// none keeps all others out. As many are kept for those who may change something.
const maxPerUser = 16

// Local is how clients come that the kernel names: through a Unix socket. Whoever
// may connect may ask; they need no token, and no name for this machine.
type Local struct {
	// Listen makes the socket, anew for each Serve. It accepts *net.UnixConn.
	Listen func() (net.Listener, error)
	// Owner is the user who may ask for changes, as root may.
	Owner uint32
	// Changes are what POST asks for, by path.
	Changes map[string]Change
}

// A Change changes something in the agent for whoever may ask for that, and
// returns what is to be said of it as JSON. Its error is the answer's text, with
// the status 422. The request has no body; the context ends when the client goes.
type Change func(r *http.Request) (any, error)

// A Peer is a process at the other end of a Unix socket, as it was when it
// connected. PID is 0 for one of another PID namespace.
type Peer struct {
	PID      int32
	UID, GID uint32
}

// PeerOf is who asks, where clients are [Local].
func PeerOf(r *http.Request) (p Peer, ok bool) {
	if c, _ := r.Context().Value(connKey{}).(*conn); c != nil && c.peer != nil {
		return *c.peer, true
	}
	return Peer{}, false
}

// peerOf asks the kernel.
func peerOf(c net.Conn) (*Peer, error) {
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *syscall.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		cred, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	return &Peer{PID: cred.Pid, UID: cred.Uid, GID: cred.Gid}, nil
}

func (l *Local) mayChange(p *Peer) bool { return p.UID == 0 || p.UID == l.Owner }

// change does what POST asks for.
func (s *Server) change(w http.ResponseWriter, r *http.Request) {
	local, peer := s.cfg.Local, r.Context().Value(connKey{}).(*conn).peer
	do, ok := local.Changes[r.URL.Path]
	switch {
	case !ok:
		notFound(w, r)
		return
	case !local.mayChange(peer):
		say(w, http.StatusForbidden, fmt.Sprintf("user %d may ask and change nothing: allowed are root and user %d, the agent's own", peer.UID, local.Owner))
		return
	}
	done, err := do(r)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(stallTimeout)) // or the client is gone
	if err != nil {
		say(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	text, err := json.MarshalIndent(done, "", "  ")
	if err != nil {
		say(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n')) // a client that is gone has nobody to tell
}
