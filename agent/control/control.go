// Package control is how the commands of this machine reach the running agent: the
// socket RUNTIME_DIR/control.sock, and a client for it.
//
// What enters: the handlers that HTTP has, and what may be changed. What leaves, at
// the agent's side, is a server with the same bounds for each client as that of
// package web, whether HTTP is on or off; at the command's side, answers, or an error
// that says why there is none and what to do. The protocol is HTTP/1.1, so that
// `curl --unix-socket` does as well. It changes nothing itself, and never logs.
//
// Who may connect is up to the socket's mode and to its directory's: the agent's user
// and its group, and root. All of these may ask. Changes are for root and the agent's
// own user: the group is that of programs that look at frames, and those of them that
// are hostile or broken into must not have other cameras looked at.
//
// After an upgrade, client and agent may be of different versions until the agent is
// restarted. So paths and members of answers are only ever added, the client takes no
// notice of members that it does not know, and says so when a path is not there.
package control

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/edge-agent/agent/agent/output/door"
	"github.com/edge-agent/agent/agent/output/web"
)

// Socket is the name of the socket in the runtime directory. No camera, whose
// sockets lie in a directory of its name there, has a name with a dot.
const Socket = "control.sock"

// mode lets in the agent's user and group. The kernel asks for the right to write.
const mode = 0o660

// New makes the server for dir, which does not listen yet. It answers GET as the one
// for HTTP does, of h, and POST of those who may by changes, which have paths.
func New(dir string, h web.Handlers, changes map[string]web.Change) *web.Server {
	return web.New(web.Config{Local: &web.Local{
		Listen: func() (net.Listener, error) { return listen(filepath.Join(dir, Socket)) },
		Owner:  uint32(os.Geteuid()), Changes: changes,
	}}, h)
}

// listen takes the place of a socket that a dead agent left.
func listen(path string) (net.Listener, error) {
	d, err := door.Open(path, syscall.SOCK_STREAM, mode, 0)
	if err != nil {
		return nil, err
	}
	l, err := d.Listener()
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return l, nil
}
