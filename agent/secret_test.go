package agent

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// A token, and what a command is given, are in no entry and no metric, whatever
// becomes of them: right, wrong, changed, or a file that is none.
func TestNothingSecretIsLogged(t *testing.T) {
	const secret = "s3cret-and-long-enough"
	token := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(token, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret)
	r := start(t, fmt.Sprintf(`
http: {listen: 127.0.0.1:0, token-file: %s}
cameras:
  front:
    device: {pattern: bars}
    mode: {size: 64x48, rate: 50}
    outputs:
      feed: {size: 32x32, pipe: {command: [curl, --user, "me:%[2]s", "http://me:%[2]s@127.0.0.1:1/"], format: raw}}
      none: {size: 32x32, pipe: {command: [./no-such-program, "%[2]s"], format: raw}}
`, token, secret))
	url := r.address(t)
	var answers bytes.Buffer
	for _, with := range []string{secret, secret + "-wrong"} {
		request, err := http.NewRequest("GET", url+"/metrics?token="+with, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+with)
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := answers.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	write(secret + "\nand another line")
	r.until(t, "commands fail", func() bool { return len(r.log.entries(t, "images cannot be written")) >= 2 })
	r.stop()
	r.finished(t)
	for what, text := range map[string][]byte{"the log": r.log.buf.Bytes(), "an answer": answers.Bytes()} {
		if i := bytes.Index(text, []byte("s3cret")); i >= 0 {
			t.Errorf("%s has %.300s", what, text[max(0, i-200):])
		}
	}
}
