package systemd

import (
	"errors"
	"net"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
)

// What a warning about a frame costs the goroutine that logs it, with the place
// in the code, while the journal takes what it is given.
func BenchmarkLogToTheJournal(b *testing.B) {
	path := filepath.Join(b.TempDir(), "socket")
	journald, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		b.Fatal(err)
	}
	defer journald.Close()
	go func() {
		buf := make([]byte, 64<<10)
		for {
			if _, err := journald.Read(buf); err != nil {
				return
			}
		}
	}()
	w, err := NewJournalWriter(JournalConfig{Socket: path})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	log := zerolog.New(w).Hook(zerolog.HookFunc(eventCaller)).With().Str("camera", "front").Logger()
	cause := errors.New("decode: 3 warnings")
	b.ReportAllocs()
	sequence := uint32(0)
	for b.Loop() {
		sequence++
		log.Warn().Str("drop_reason", "corrupt").Uint32("frame_seq", sequence).Err(cause).Msg("frame dropped")
	}
	b.ReportMetric(float64(w.Lost())/float64(b.N), "lost/op")
}
