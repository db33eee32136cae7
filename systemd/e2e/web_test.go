//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ask asks the agent by HTTP, from within the guest.
func (l *lab) ask(arguments ...string) string {
	l.Helper()
	return l.run(append([]string{"bash", "-c", `curl -si --max-time 20 --path-as-is "$@" | head -c 2000 | tr -cd '[:print:]\n'`, "curl"}, arguments...)...)
}

// HTTP works in the sandbox, for the machine itself.
func askLocally(l *lab) {
	l.configure(pattern)
	l.status("front: publishing")
	for path, want := range map[string]string{
		"/healthz": "200 OK", "/readyz": "200 OK", "/cameras/front/model.npy": "NUMPY", "/cameras/front/snapshot.jpg": "JFIF",
		"/cameras/rear/snapshot.jpg": "there are: front", "/../../etc/shadow": "404",
	} {
		if answer := l.ask("http://localhost:9810" + path); !strings.Contains(answer, want) {
			l.Errorf("%s: %.300q", path, answer)
		}
	}
	a := l.stop()["front"]
	l.figure("%v", a)
}

const (
	address = "10.98.76.54"
	token   = "correct-horse-battery-staple"
)

// Other addresses are not reached before the drop-in of the package allows for it.
func listenElsewhere(l *lab) {
	l.identity()
	l.run("ip", "address", "add", address+"/32", "dev", "lo")
	defer l.run("ip", "address", "del", address+"/32", "dev", "lo")
	l.configure("http: {listen: \"0.0.0.0:9810\", token-file: token, certificate: certificate.pem, key: key.pem}\n" + pattern)
	l.status("front: publishing")
	ready := []string{"-k", "-H", "Authorization: Bearer " + token, "https://" + address + ":9810/readyz"}
	if answer := l.ask(ready...); answer != "" {
		l.Errorf("another address is reached without the drop-in: %q", answer)
	}
	const dir = "/etc/systemd/system/agent.service.d"
	l.run("bash", "-c", "mkdir -p "+dir+" && cp /share/listen.conf "+dir+" && systemctl daemon-reload && systemctl restart agent")
	l.status("front: publishing")
	if answer := l.ask(ready...); !strings.HasPrefix(answer, "HTTP/1.1 200") {
		l.Errorf("with the drop-in: %q", answer)
	}
	if answer := l.ask("-k", ready[3]); !strings.HasPrefix(answer, "HTTP/1.1 401") {
		l.Errorf("without the token: %q", answer)
	}
	if n := l.run("bash", "-c", "journalctl -u agent -o json --no-pager | grep -c "+token+" || true"); n != "0" {
		l.Errorf("the token is in %s entries of the journal", n)
	}
	l.run("rm", "-r", dir)
	l.run("systemctl", "daemon-reload")
}

// identity gives the guest a token and a certificate.
func (l *lab) identity() {
	l.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	l.must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"camera.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	l.must(err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	l.must(err)
	dropIn, err := os.ReadFile("../listen.conf")
	l.must(err)
	for name, text := range map[string][]byte{
		"token":           []byte(token + "\n"),
		"certificate.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"key.pem":         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}),
		"listen.conf":     dropIn,
	} {
		l.must(os.WriteFile(filepath.Join(l.machine.Share, name), text, 0o644))
	}
	l.run("bash", "-c", "cd /share && install -g edge-agent -m 640 token certificate.pem key.pem /etc/agent")
}

func TestWeb(t *testing.T) {
	l := newLab(t)
	l.scenario("HTTP in the sandbox", askLocally)
	l.scenario("HTTP for other machines", listenElsewhere)
}
