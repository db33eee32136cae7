//go:build deb

package systemd_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// podman runs where a container cannot have more than the machine that tests. Its
// store goes with the test.
type podman struct {
	t    *testing.T
	args []string
}

func newPodman(t *testing.T) podman {
	t.Helper()
	dir := os.Getenv("CONTAINER_STORE")
	if dir == "" {
		t.Fatal("CONTAINER_STORE is not set; make container does it")
	}
	return podman{t, []string{"--storage-driver", "vfs", "--root", filepath.Join(dir, "store"), "--runroot", filepath.Join(dir, "run"), "--runtime", "runc"}}
}

func (p podman) try(arguments ...string) (string, error) {
	var errs bytes.Buffer
	cmd := exec.Command("podman", append(p.args, arguments...)...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	p.t.Logf("podman %s: %v %s", strings.Join(arguments, " "), err, errs.String())
	return strings.TrimSpace(string(out)), err
}

func (p podman) run(arguments ...string) string {
	p.t.Helper()
	out, err := p.try(arguments...)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// The image runs the agent as a user without rights; its health check passes, fails
// while the agent hangs, and it stops when it is told to.
func TestContainerRunsTheAgent(t *testing.T) {
	p := newPodman(t)
	p.run("import", "--quiet", os.Getenv("CONTAINER_BASE"), "localhost/edge-agent-base")
	p.run("build", "--quiet", "--format", "docker", "--isolation", "chroot", "--network", "host", "--tag", "localhost/edge-agent",
		"--build-arg", "BASE=localhost/edge-agent-base", "--build-arg", "DEB="+filepath.Base(debPath(t)),
		"--file", "Containerfile", filepath.Dir(debPath(t)))
	config := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(config, []byte(idleConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	id := p.run("run", "--detach", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096",
		"--volume", config+":/etc/agent/agent.yaml:ro", "localhost/edge-agent")
	defer p.try("rm", "--force", "--volumes", id)

	healthy := func() bool {
		_, err := p.try("healthcheck", "run", id)
		return err == nil
	}
	for begin := time.Now(); !healthy(); {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("it does not become healthy: %s", p.run("logs", id))
		}
	}
	if user := p.run("exec", id, "id", "-un"); user != "edge-agent" {
		t.Errorf("the agent is %s", user)
	}
	p.run("kill", "--signal", "STOP", id)
	if healthy() {
		t.Error("the agent hangs, and is said to be healthy")
	}
	p.run("kill", "--signal", "CONT", id)
	p.run("stop", "--time", "10", id)
	if code := p.run("inspect", "--format", "{{.State.ExitCode}}", id); code != "0" {
		t.Errorf("exit code %s after being told to stop", code)
	}
	log, err := exec.Command("podman", append(p.args, "logs", id)...).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	events := 0
	for line := range strings.Lines(string(log)) {
		if strings.HasPrefix(line, "{") && json.Valid([]byte(line)) {
			events++
		}
	}
	if events < 3 {
		t.Errorf("its log is no JSON: %s", log)
	}
}
