package systemd

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// What systemd 252 sets was read off in the lab of systemd/e2e, TestEndings.
func TestEndingsAreTold(t *testing.T) {
	for _, row := range []struct {
		name, cause string
		Ending
	}{
		{"stopped", "", Ending{"success", "exited", "0", 0}},
		{"stopped, and a worker had been killed for memory", "", Ending{"success", "exited", "0", 3}},
		{"refused config", "config was refused", Ending{"exit-code", "exited", "78", 0}},
		{"failure", "gave up", Ending{"exit-code", "exited", "1", 0}},
		{"SIGSEGV", "stacks", Ending{"exit-code", "exited", "2", 0}},
		{"SIGKILL", "SIGKILL ended it", Ending{"signal", "killed", "KILL", 0}},
		{"killed for memory", "SIGKILL ended it; the kernel killed 1 ", Ending{"signal", "killed", "KILL", 1}},
		{"oom", "ran out of memory", Ending{"oom-kill", "killed", "KILL", 1}},
		{"watchdog", "watchdog ended it", Ending{"watchdog", "exited", "2", 0}},
		{"core", "coredumpctl info agent", Ending{"core-dump", "dumped", "ABRT", 0}},
		{"slow stop", "longer to start, or to stop", Ending{"timeout", "killed", "KILL", 0}},
		{"never ready", "before it was ready", Ending{"protocol", "exited", "0", 0}},
		{"no process", "could not run it: resources", Ending{"resources", "", "", 0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if cause := row.Cause(); !strings.Contains(cause, row.cause) || (cause == "") != (row.cause == "") {
				t.Errorf("cause %q, want %q", cause, row.cause)
			}
			var out bytes.Buffer
			row.Log(zerolog.New(&out))
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatalf("%v: %s", err, out.Bytes())
			}
			level := "error"
			if row.cause == "" {
				level = "info"
			}
			_, hasCode := line["exit_code"]
			if line["level"] != level || line["service_result"] != row.Result || line["message_id"] != MessageEnded || hasCode != (row.Code != "") {
				t.Errorf("%v", line)
			}
		})
	}
}

func TestEndingIsForSystemdToAsk(t *testing.T) {
	t.Setenv("SERVICE_RESULT", "")
	if e, err := EndingFromEnvironment(); err == nil {
		t.Errorf("%+v", e)
	}
	t.Setenv("SERVICE_RESULT", "signal")
	t.Setenv("EXIT_CODE", "killed")
	t.Setenv("EXIT_STATUS", "KILL")
	if e, err := EndingFromEnvironment(); err != nil || e != (Ending{"signal", "killed", "KILL", 0}) {
		t.Errorf("%+v, %v", e, err)
	}
}
