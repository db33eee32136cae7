package systemd

import (
	"fmt"
	"os"

	"github.com/rs/zerolog"
)

// An Ending is how a process of the service ended, as systemd tells the commands
// of ExecStopPost=: systemd.exec(5), $SERVICE_RESULT.
type Ending struct {
	// Result is systemd's view: success, exit-code, signal, core-dump, watchdog,
	// timeout, oom-kill, protocol, resources.
	Result string
	// Code is exited, killed or dumped; empty when no process ever ran. Status is
	// the exit status then, or the name of the signal without SIG.
	Code, Status string
	// KilledForMemory is how many processes of the unit the kernel killed for
	// memory while this one ran: workers and commands are among them.
	KilledForMemory int64
}

// EndingFromEnvironment is what systemd says. It fails where systemd says nothing.
func EndingFromEnvironment() (Ending, error) {
	e := Ending{Result: os.Getenv("SERVICE_RESULT"), Code: os.Getenv("EXIT_CODE"), Status: os.Getenv("EXIT_STATUS")}
	if e.Result == "" {
		return e, fmt.Errorf("SERVICE_RESULT is not set: systemd calls this, by ExecStopPost=")
	}
	return e, nil
}

// Cause is why, in words; empty for a process that ended as it was asked to.
func (e Ending) Cause() string {
	cause := e.cause()
	if cause != "" && e.KilledForMemory > 0 && e.Result != "oom-kill" {
		cause += fmt.Sprintf("; the kernel killed %d of the unit's processes for their memory meanwhile, MemoryMax= bounds it", e.KilledForMemory)
	}
	return cause
}

func (e Ending) cause() string {
	switch e.Result {
	case "success":
		return ""
	case "exit-code":
		switch e.Status {
		case "78":
			return "the config was refused, and systemd does not try again"
		case "2": // what Go's runtime exits with, when GOTRACEBACK=crash is not set
			return "a panic, or a signal such as SIGSEGV: the stacks are in the entries before this one"
		}
		return "it gave up, the entries before this one say why"
	case "watchdog":
		return "it was stuck, and systemd's watchdog ended it"
	case "oom-kill":
		return "the unit ran out of memory, which MemoryMax= bounds"
	case "timeout":
		return "it took longer to start, or to stop, than the unit allows"
	case "core-dump":
		return "SIG" + e.Status + " ended it and left a core dump: coredumpctl info agent"
	case "signal":
		return "SIG" + e.Status + " ended it"
	case "protocol":
		return "it ended before it was ready"
	default: // resources, and what later versions of systemd have
		return "systemd could not run it: " + e.Result
	}
}

// Log tells of it as one event: at the level of an error, unless it was asked for.
func (e Ending) Log(log zerolog.Logger) {
	event, cause := log.Info(), e.Cause()
	if cause != "" {
		event = log.Error().Str("error", cause)
	}
	event = event.Str("message_id", MessageEnded).Str("service_result", e.Result)
	if e.Code != "" {
		event = event.Str("exit_code", e.Code).Str("exit_status", e.Status)
	}
	if e.KilledForMemory > 0 {
		event = event.Int64("killed_for_memory", e.KilledForMemory)
	}
	event.Msg("agent ended")
}
