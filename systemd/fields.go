package systemd

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/rs/zerolog"
)

// maxFieldName is the longest field name that journald takes.
const maxFieldName = 64

// maxDetail is the longest value that stands in a sentence; a longer one, such
// as a stack, is only a field.
const maxDetail = 200

// timestampLayout is RFC 3339 down to the microsecond, which is the journal's
// own resolution.
const timestampLayout = "2006-01-02T15:04:05.000000Z07:00"

// field is one field of a journal entry, named as systemd.journal-fields(7).
type field struct{ name, value string }

// journalFields turns an entry into the fields of a journal entry, MESSAGE and
// PRIORITY first. A line that is no JSON object becomes MESSAGE as it is.
// EVENT is the constant message of the log call, to search for; MESSAGE is the
// sentence that `journalctl -u agent` shows, see [sentence]. What is not printable is
// escaped, see [printable]; only lines of a field stay lines. SYSLOG_TIMESTAMP is the
// time of the event: under load journald's own stamp is that of the delivery.
func journalFields(e *entry, identifier string) []field {
	event, at := "", e.at.Format(timestampLayout)
	var rest []field
	err := eachMember(e.line, func(key, value string) {
		switch key {
		case zerolog.MessageFieldName:
			event = value
		case zerolog.TimestampFieldName:
			at = value
		case zerolog.LevelFieldName: // PRIORITY says it
		case zerolog.CallerFieldName:
			rest = append(rest, codeFields(value)...)
		case functionKey:
			rest = append(rest, field{"CODE_FUNC", value})
		default:
			rest = append(rest, field{fieldName(key), value})
		}
	})
	message := sentence(event, rest)
	if err != nil {
		message, event, rest = string(bytes.TrimRight(e.line, "\n")), "", nil
	}
	message = cut(printable(message, false), maxSentence)
	for i := range rest {
		rest[i].value = printable(rest[i].value, true)
	}
	if event != "" {
		rest = append(rest, field{"EVENT", printable(event, false)})
	}
	return append([]field{
		{"MESSAGE", message},
		{"PRIORITY", strconv.Itoa(int(priority(e.level)))},
		{"SYSLOG_IDENTIFIER", identifier},
		{"SYSLOG_TIMESTAMP", at},
	}, rest...)
}

// sentence makes a line for people of an event and its fields:
//
//	front: frame dropped (stage=capture, drop_reason=short): 12 bytes of 921600
//
// so that `journalctl -u agent` says what happened without -o verbose.
func sentence(event string, fields []field) string {
	camera, cause := "", ""
	var details []string
	for _, f := range fields {
		switch {
		case f.name == "CAMERA":
			camera = f.value + ": "
		case f.name == "ERROR":
			first, _, _ := strings.Cut(f.value, "\n")
			cause = ": " + first
		case f.name == "MESSAGE_ID", strings.HasPrefix(f.name, "CODE_"), len(f.value) > maxDetail:
		default:
			details = append(details, strings.ToLower(f.name)+"="+f.value)
		}
	}
	if len(details) > 0 {
		event += " (" + strings.Join(details, ", ") + ")"
	}
	return camera + event + cause
}

// eachMember calls yield for each member of the JSON object in line, in order:
// strings unquoted, other values as their JSON text, null left out.
func eachMember(line []byte, yield func(key, value string)) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return err
		}
		if text, ok := memberText(raw); ok {
			yield(key.(string), text)
		}
	}
	_, err := decoder.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func memberText(raw json.RawMessage) (string, bool) {
	var text string
	switch {
	case string(raw) == "null":
		return "", false
	case json.Unmarshal(raw, &text) == nil:
		return text, true
	default:
		return string(raw), true
	}
}

// codeFields splits zerolog's caller, FILE:LINE.
func codeFields(caller string) []field {
	colon := strings.LastIndexByte(caller, ':')
	if colon < 0 {
		return []field{{"CODE_FILE", caller}}
	}
	return []field{{"CODE_FILE", caller[:colon]}, {"CODE_LINE", caller[colon+1:]}}
}

// fieldName makes key a name that journald takes: A-Z, 0-9 and _, a letter
// first, at most 64 long. A leading _ would be a trusted field, which journald
// drops. A name that the writer itself sets gets a prefix.
func fieldName(key string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		default:
			return '_'
		}
	}, key)
	name = strings.TrimLeft(name, "_")
	switch {
	case name == "" || name[0] <= '9':
		name = "F_" + name
	case name == "MESSAGE" || name == "PRIORITY" || strings.HasPrefix(name, "SYSLOG_"):
		name = "F_" + name
	}
	return name[:min(len(name), maxFieldName)]
}

// priority is the syslog priority of a zerolog level. A panic is no more than
// critical: journald shouts an emergency to every terminal.
func priority(level zerolog.Level) journal.Priority {
	switch level {
	case zerolog.TraceLevel, zerolog.DebugLevel:
		return journal.PriDebug
	case zerolog.WarnLevel:
		return journal.PriWarning
	case zerolog.ErrorLevel:
		return journal.PriErr
	case zerolog.FatalLevel, zerolog.PanicLevel:
		return journal.PriCrit
	default:
		return journal.PriInfo
	}
}

// appendNative appends the fields in the journal's native protocol
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL): NAME=value, or for a value with
// a newline NAME, the length in 64 bits little endian, and the value.
func appendNative(datagram []byte, fields []field) []byte {
	for _, f := range fields {
		datagram = append(datagram, f.name...)
		if strings.IndexByte(f.value, '\n') < 0 {
			datagram = append(datagram, '=')
		} else {
			datagram = append(datagram, '\n')
			datagram = binary.LittleEndian.AppendUint64(datagram, uint64(len(f.value)))
		}
		datagram = append(datagram, f.value...)
		datagram = append(datagram, '\n')
	}
	return datagram
}

// eventTime stamps events that go to a stream; a journal entry is stamped when
// it is queued.
func eventTime(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, time.Now().Format(timestampLayout))
}
