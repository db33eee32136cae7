package config

import (
	"net/netip"
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
