package systemd

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

const (
	journalSocket = "/run/systemd/journal/socket"
	// identifier is what `journalctl -t` selects, and the unit's SyslogIdentifier.
	identifier = "agent"
)

// JournalConfig is where journal entries go; the zero value is right for the
// agent.
type JournalConfig struct {
	// Socket is journald's native socket; default /run/systemd/journal/socket.
	Socket string
	// Identifier is the SYSLOG_IDENTIFIER of the entries; default "agent".
	Identifier string
}

// NewJournalWriter returns a LogWriter over journald's native protocol: each
// member of a zerolog line becomes a field of the entry, so that
// `journalctl CAMERA=front` selects by it. It fails when journald's socket
// cannot be reached now; one that goes away later costs only the lines of that
// time.
func NewJournalWriter(config JournalConfig) (*LogWriter, error) {
	s := &journalSink{
		address:    &net.UnixAddr{Net: "unixgram", Name: cmp.Or(config.Socket, journalSocket)},
		identifier: cmp.Or(config.Identifier, identifier),
	}
	if _, err := s.connect(); err != nil {
		return nil, fmt.Errorf("connect to journal: %w", err)
	}
	return newLogWriter(s), nil
}

// journalSink sends entries as datagrams. Only interrupt is called from another
// goroutine than the one of the writer.
type journalSink struct {
	address    *net.UnixAddr
	identifier string
	datagram   []byte // used again for each entry

	mu          sync.Mutex
	conn        *net.UnixConn // nil until connected
	interrupted bool
}

func (s *journalSink) send(e *entry) error {
	fields := journalFields(e, s.identifier)
	s.datagram = appendNative(s.datagram[:0], fields)
	err := s.write()
	switch {
	case err == nil || s.isInterrupted():
		return err
	case errors.Is(err, syscall.EMSGSIZE), errors.Is(err, syscall.ENOBUFS):
		s.datagram = nil // as large as it will hardly be again
		return sendFile(fields)
	default: // a new journald listens under the old name, or none
		s.disconnect()
		return s.write()
	}
}

func (s *journalSink) write() error {
	conn, err := s.connect()
	if err != nil {
		return err
	}
	_, err = conn.Write(s.datagram)
	return err
}

func (s *journalSink) connect() (*net.UnixConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.interrupted {
		return nil, net.ErrClosed
	}
	if s.conn == nil {
		conn, err := net.DialUnix("unixgram", nil, s.address)
		if err != nil {
			return nil, err
		}
		s.conn = conn
	}
	return s.conn, nil
}

func (s *journalSink) disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

func (s *journalSink) isInterrupted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.interrupted
}

func (s *journalSink) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted = true
	if s.conn != nil {
		s.conn.SetWriteDeadline(time.Unix(1, 0))
	}
}

// sendFile hands an entry that no datagram holds to journald as a file, which
// go-systemd does for the well-known socket only.
func sendFile(fields []field) error {
	message, vars := "", make(map[string]string, len(fields))
	level := journal.PriInfo
	for _, f := range fields {
		switch f.name {
		case "MESSAGE":
			message = f.value
		case "PRIORITY":
			level = journal.Priority(f.value[0] - '0')
		default:
			vars[f.name] = f.value
		}
	}
	return journal.Send(message, level, vars)
}
