package web

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestChangedFileIsReadAgainAndABrokenOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	synctest.Test(t, func(t *testing.T) {
		k := keep(func() (token, error) { return readToken(path) }, path)
		put := func(text string) {
			t.Helper()
			time.Sleep(2 * lookPeriod)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := k.get(); err == nil {
			t.Error("read from nowhere")
		}
		put("first-first-first")
		first, err := k.get()
		if err != nil {
			t.Fatal(err)
		}
		put("cut") // as by an editor that is about to write the rest
		if now, err := k.get(); err != nil || now != first {
			t.Errorf("%v, while the file is broken", err)
		}
		put("second-second-second")
		second, err := k.get()
		if err != nil || second == first {
			t.Errorf("%v, and still the first one", err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * lookPeriod)
		if now, err := k.get(); err != nil || now != second {
			t.Errorf("%v, while the file is gone", err)
		}
	})
}
