// The rig's hand in the guest: a service that runs what the host asks for and
// sends back the output. Compiled once on the host, because starting processes
// is what an emulated CPU is slowest at.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig/wire"
)

func main() {
	log.SetFlags(0)
	h := hand{running: map[int]*process{}}
	socket := wire.Socket
	if len(os.Args) > 1 {
		socket = os.Args[1]
	}
	if conn, err := net.Dial("unix", socket); err == nil { // in a container
		h.events = json.NewEncoder(conn)
		log.Fatal(h.serve(json.NewDecoder(conn)))
	}
	port, err := openPort("/dev/virtio-ports/" + wire.Port)
	if err != nil {
		log.Fatal(err)
	}
	h.events = json.NewEncoder(port)
	log.Fatal(h.serve(json.NewDecoder(patient{port})))
}

// openPort waits for udev to make the link: the service starts before the coldplug has ended.
func openPort(path string) (*os.File, error) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if !errors.Is(err, os.ErrNotExist) || time.Now().After(deadline) {
			return f, err
		}
	}
}

// patient reads on at the end of the file: that is how a virtio port says that
// the host is not connected, as between a saved state and its restore.
type patient struct{ io.Reader }

func (p patient) Read(b []byte) (int, error) {
	for {
		n, err := p.Reader.Read(b)
		if n > 0 || (err != nil && err != io.EOF) {
			return n, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// hand holds the processes that run for the host.
type hand struct {
	mu      sync.Mutex // guards what follows
	events  *json.Encoder
	running map[int]*process
}

func (h *hand) send(e wire.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.events.Encode(e); err != nil {
		log.Print("send: ", err)
	}
}

func (h *hand) process(id int) *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running[id]
}

func (h *hand) serve(requests *json.Decoder) error {
	for {
		var r wire.Request
		if err := requests.Decode(&r); err != nil {
			return err
		}
		switch {
		case r.Wake != nil:
			h.finish(r.ID, wake(*r.Wake))
		case r.Settle:
			h.finish(r.ID, settle())
		case len(r.Argv) > 0:
			h.start(r)
		default:
			if p := h.process(r.ID); p != nil {
				p.tell(r)
			}
		}
	}
}

func (h *hand) finish(id int, err error) {
	e := wire.Event{ID: id, Exited: true}
	if err != nil {
		e.Code, e.Error = 1, err.Error()
	}
	h.send(e)
}
