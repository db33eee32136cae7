package web

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// A token is only held as its hash, which has one length to compare.
type token [sha256.Size]byte

// Tokens that are shorter could be guessed, at some thousand a second.
const minToken, maxToken = 16, 512

// readToken never says what is in the file.
func readToken(path string) (token, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return token{}, fmt.Errorf("read token: %w", err)
	}
	text = bytes.TrimSpace(text)
	printable := !bytes.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
	if len(text) < minToken || len(text) > maxToken || !printable {
		return token{}, fmt.Errorf("read token: %s has %d bytes: %d to %d printable characters without spaces are allowed", path, len(text), minToken, maxToken)
	}
	return sha256.Sum256(text), nil
}

// admit answers what may be asked, and refuses the rest.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	c.busy.Store(true)
	defer c.busy.Store(false)
	c.read.Store(0)
	s.requests.Add(1)
	if r.ContentLength != 0 {
		cut(w)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-site")
	h.Set("X-Frame-Options", "DENY")
	if status, why := s.refusal(w, r); status != 0 {
		h.Set("Connection", "close")
		say(w, status, why)
		return
	}
	if r.Method == http.MethodPost { // of whom may, there are no more than connections of theirs
		s.change(w, r)
		return
	}
	select {
	case s.working <- struct{}{}:
		defer func() { <-s.working }()
		s.route(w, r)
	default:
		s.busy(w, "too many requests")
	}
}

// cut ends a connection on which a body was announced, for which the server would
// wait.
func cut(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // it was closed
	}
	_ = c.SetDeadline(time.Now().Add(time.Millisecond))
	_, _ = io.WriteString(c, bodyAnswer)
	_ = c.Close()
}

// refusal says why a request is refused, 0 when it is not.
func (s *Server) refusal(w http.ResponseWriter, r *http.Request) (status int, why string) {
	allowed := "GET, HEAD"
	if s.cfg.Local != nil {
		allowed += ", POST"
	}
	if !slices.Contains(strings.Split(allowed, ", "), r.Method) {
		w.Header().Set("Allow", allowed)
		return http.StatusMethodNotAllowed, "allowed: " + allowed
	}
	if s.cfg.Local != nil {
		return 0, ""
	}
	status, why = s.stranger(r)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="edge camera agent", charset="UTF-8"`)
	}
	return status, why
}

// stranger says why a request is not to be answered, 0 when it is.
func (s *Server) stranger(r *http.Request) (status int, why string) {
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return http.StatusForbidden, "a page of another site may not show this"
	}
	if s.token == nil {
		if !ofThisMachine(r.Host) {
			return http.StatusMisdirectedRequest, "this is asked for as localhost, 127.0.0.1 or [::1]"
		}
		return 0, ""
	}
	if want, err := s.token.get(); err != nil || !want.is(r) {
		return http.StatusUnauthorized, "a token is needed: as Authorization: Bearer TOKEN, or as the password of any user"
	}
	return 0, ""
}

// is says whether the request knows the token, in a time that says nothing of it.
func (t token) is(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		_, given, ok = r.BasicAuth()
	}
	sum := sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(sum[:], t[:]) == 1 && ok
}

// ofThisMachine says whether a Host is a name of a loopback address, with any
// port: it may be one that is forwarded to ours.
func ofThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
