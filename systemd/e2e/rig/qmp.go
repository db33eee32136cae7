package rig

import (
	"encoding/json"
	"fmt"
	"net"
)

// qmp is QEMU's machine protocol: commands, their answers, and events between.
type qmp struct {
	conn net.Conn
	in   *json.Decoder
}

type qmpMessage struct {
	Event string `json:"event"`
	Data  struct {
		Status string `json:"status"`
	} `json:"data"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
}

func newQMP(conn net.Conn) (*qmp, error) {
	q := &qmp{conn, json.NewDecoder(conn)}
	var greeting qmpMessage
	if err := q.in.Decode(&greeting); err != nil {
		return nil, fmt.Errorf("qmp: greeting: %w", err)
	}
	return q, q.do("qmp_capabilities", nil)
}

// do sends a command and waits for its answer; events before it are dropped.
func (q *qmp) do(command string, arguments map[string]any) error {
	m := map[string]any{"execute": command}
	if arguments != nil {
		m["arguments"] = arguments
	}
	if err := json.NewEncoder(q.conn).Encode(m); err != nil {
		return fmt.Errorf("qmp: %s: %w", command, err)
	}
	for {
		var m qmpMessage
		if err := q.in.Decode(&m); err != nil {
			return fmt.Errorf("qmp: %s: %w", command, err)
		}
		if m.Error != nil {
			return fmt.Errorf("qmp: %s: %s", command, m.Error.Desc)
		}
		if m.Return != nil {
			return nil
		}
	}
}

// save writes the machine's state to a file; the machine is paused afterwards.
func (q *qmp) save(path string) error {
	steps := []struct {
		command   string
		arguments map[string]any
	}{
		{"migrate-set-capabilities", map[string]any{"capabilities": []any{
			map[string]any{"capability": "events", "state": true}}}},
		{"migrate-set-parameters", map[string]any{"max-bandwidth": 100 << 30}},
		{"migrate", map[string]any{"uri": "exec:cat >'" + path + "'"}},
	}
	for _, s := range steps {
		if err := q.do(s.command, s.arguments); err != nil {
			return err
		}
	}
	for {
		var m qmpMessage
		if err := q.in.Decode(&m); err != nil {
			return fmt.Errorf("qmp: migration: %w", err)
		}
		if m.Event != "MIGRATION" {
			continue
		}
		switch m.Data.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			return fmt.Errorf("qmp: migration %s", m.Data.Status)
		}
	}
}
