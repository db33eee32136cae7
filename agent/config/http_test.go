package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func TestHTTPIsOnForThisMachineUnlessItIsOff(t *testing.T) {
	local := netip.MustParseAddrPort("127.0.0.1:9810")
	everywhere := HTTP{netip.MustParseAddrPort("0.0.0.0:443"), "/etc/agent/token", "/etc/ssl/agent.pem", "/etc/agent/key.pem", 640, 480, 70}
	for text, want := range map[string]HTTP{
		"log: {}":                         {Listen: local, Quality: 80},
		"http:":                           {Listen: local, Quality: 80},
		"http: off":                       {Quality: 80},
		"http: {listen: off}":             {Quality: 80},
		"http: {listen: '[::1]:0'}":       {Listen: netip.MustParseAddrPort("[::1]:0"), Quality: 80},
		"http: '[::ffff:127.0.0.1]:9810'": {Listen: local, Quality: 80},
		"http: {token-file: token}":       {Listen: local, TokenFile: "/etc/agent/token", Quality: 80},
		"http: {listen: 0.0.0.0:443, token-file: token, certificate: /etc/ssl/agent.pem, key: key.pem, size: 640x480, quality: 70}": everywhere,
	} {
		if c, err := Parse("/etc/agent/agent.yaml", []byte(text)); err != nil || c.HTTP != want {
			t.Errorf("%s: %+v, %v, want %+v", text, c, err, want)
		}
	}
}

// A secret that is made later is no fault, but a slip in its name should be seen.
func TestFilesOfHTTPThatAreNotThereAreWarnedOf(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "agent.yaml")
	for _, file := range [][2]string{{path, "http: {token-file: token, certificate: cert.pem, key: key.pem}"}, {filepath.Join(dir, "token"), "x"}} {
		if err := os.WriteFile(file[0], []byte(file[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(path)
	if err != nil || len(c.Warnings) != 2 {
		t.Fatalf("%v, %v", c, err)
	}
	want := fmt.Sprintf("%s:1:40: http.certificate: %s is not there; nobody is answered until it is; cameras run all the same", path, filepath.Join(dir, "cert.pem"))
	if got := c.Warnings[0].String(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
