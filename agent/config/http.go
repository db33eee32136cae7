package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
)

// HTTP is where the agent answers browsers, curl and Prometheus.
type HTTP struct {
	// Listen is not valid when nothing is to listen. With an address that is no
	// loopback's, all three files below are set.
	Listen netip.AddrPort
	// TokenFile holds what a client has to know, Certificate and Key the PEM for
	// TLS; without the one anybody may ask, without the others it is plain HTTP.
	TokenFile, Certificate, Key string
	// Width and Height are the most that the picture of a camera's view may
	// have; 0 is 1280x720, but for a camera's own JPEG.
	Width, Height int
	// Quality is that of the JPEG, where it is not the camera's own.
	Quality int
}

var web = section[HTTP]{
	value("listen", orOff(addresses), "127.0.0.1:9810", "where it listens; any address but 127.0.0.1 and [::1] takes token-file, certificate and key, and a permission that the service does not have, see agent(8)",
		func(h *HTTP, v netip.AddrPort) { h.Listen = v }),
	value("token-file", text("path", "allowed: a file", `[^\x00-\x1f]+`), "",
		"a file with what clients have to know, 16 to 512 printable characters without spaces: as Authorization: Bearer, or as the password of any user, which browsers ask for; relative to this config file",
		func(h *HTTP, v string) { h.TokenFile = v }),
	value("certificate", text("path", "allowed: a file", `[^\x00-\x1f]+`), "",
		"the PEM file of the certificate for TLS, those of intermediate authorities after it; a new one is taken without a restart; relative to this config file",
		func(h *HTTP, v string) { h.Certificate = v }),
	value("key", text("path", "allowed: a file", `[^\x00-\x1f]+`), "", "the PEM file of its private key; relative to this config file",
		func(h *HTTP, v string) { h.Key = v }),
	value("size", orAuto(sizes), "auto", "the most that snapshot.jpg and stream.mjpg have; auto is 1280x720, or the camera's own JPEG as it is. Its own is passed on where it has no more and nothing under preprocess changes the picture, which costs next to nothing",
		func(h *HTTP, v size) { h.Width, h.Height = v.width, v.height }),
	value("quality", integer(1, 100), "80", "of the JPEG, where it is not the camera's own", func(h *HTTP, v int) { h.Quality = v }),
}

// addresses are what a server listens on. A name could become another address.
var addresses = scalarKind("address", "allowed: an IP address and a port, such as 127.0.0.1:9810, [::1]:9810 or 0.0.0.0:9810; port 0 is any that is free",
	func(s string) (netip.AddrPort, bool) {
		v, err := netip.ParseAddrPort(s)
		return netip.AddrPortFrom(v.Addr().Unmap(), v.Port()), err == nil
	})

// checkHTTP refuses to show pictures to other machines without a secret, and a
// secret to whoever listens on the way.
func checkHTTP(d *decoder, h *HTTP) {
	if d.rejected("http") {
		return
	}
	files := []struct {
		name string
		path *string
	}{{"token-file", &h.TokenFile}, {"certificate", &h.Certificate}, {"key", &h.Key}}
	var lacks []string
	for _, f := range files {
		d.anchor("http."+f.name, f.path)
		if *f.path == "" {
			lacks = append(lacks, f.name)
		} else if _, err := os.Stat(*f.path); errors.Is(err, fs.ErrNotExist) {
			key := "http." + f.name
			d.warnings = append(d.warnings, d.place(key).fault(key, *f.path+" is not there", "nobody is answered until it is; cameras run all the same"))
		}
	}
	const at = "http.listen"
	switch {
	case h.Listen.IsValid() && !h.Listen.Addr().IsLoopback() && len(lacks) > 0:
		d.fault(d.place(at), at, fmt.Sprintf("other machines reach %v, and no %s is given", h.Listen, strings.Join(lacks, ", no ")),
			"allowed: 127.0.0.1 or [::1] and a port; others beside token-file, certificate and key")
	case (h.Certificate == "") != (h.Key == ""):
		d.fault(d.place("http"), "http", "one of certificate and key is given", "allowed: both or neither")
	}
}
