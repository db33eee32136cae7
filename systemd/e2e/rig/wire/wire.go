// Package wire is the language between the rig on the host and its hand in the
// guest: JSON values, one after another, over a virtio-serial port or a socket.
//
// What enters: requests, host to guest. What leaves: events, guest to host. It
// holds the types only and does no I/O.
package wire

import "time"

// A Request asks for one thing; which one, its non-zero fields say. ID names
// the process that it is about, and is chosen by the host.
type Request struct {
	ID int

	// Start: run Argv. The environment is the guest's own plus Env.
	Argv []string `json:",omitempty"`
	Env  []string `json:",omitempty"`
	Dir  string   `json:",omitempty"`

	// Stdin is written to the process; CloseStdin then ends its input.
	Stdin      []byte `json:",omitempty"`
	CloseStdin bool   `json:",omitempty"`

	// Signal goes to the process and all that it has started.
	Signal int `json:",omitempty"`

	// Wake: set the clock to this time and mount the shared folder. The first
	// request after a restore. Answered by an exit event.
	Wake *time.Time `json:",omitempty"`
	// Settle: answer with an exit event once the boot has come to rest and
	// devices are quiet.
	Settle bool `json:",omitempty"`
}

// An Event is something that happened to the process ID.
type Event struct {
	ID int

	Stdout []byte `json:",omitempty"`
	Stderr []byte `json:",omitempty"`

	// Exited: the process has ended, and all of its output has been sent.
	// Code is its exit code, or 128 plus the signal that killed it.
	Exited bool   `json:",omitempty"`
	Code   int    `json:",omitempty"`
	Error  string `json:",omitempty"` // why it could not be started
}

const (
	// Port is the name of the virtio-serial port in the guest.
	Port = "e2e"
	// Socket is what stands for the port in a container.
	Socket = Share + "/.e2e-socket"
	// Share is the folder that host and guest have in common, as the guest sees it.
	Share = "/share"
)
