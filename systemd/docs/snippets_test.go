package docs

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
)

// running is an agent with the camera front, which publishes: its runtime directory.
func running(t *testing.T) string {
	t.Helper()
	dir := workshop(t)
	run := filepath.Join(dir, "run")
	cmd := exec.Command(filepath.Join(agent(t), "agent"), "run", "--config", filepath.Join(dir, "new.yaml"), "--runtime-dir", run, "--state-dir", filepath.Join(dir, "state"))
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "camera publishes") {
			return run
		}
	}
	t.Fatal("the agent ended")
	return ""
}

// snippets are README's blocks of a language.
func snippets(t *testing.T, language string) []string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		list = append(list, m[1])
	}
	if len(list) == 0 {
		t.Fatalf("README has no %s", language)
	}
	return list
}

// seen is printed by a snippet's detect when it has seen its third frame.
const seen = "three frames of a model"

// readsFrames runs a program that reads the ring front/model, in the place of a user.
func readsFrames(t *testing.T, run string, cmd *exec.Cmd) {
	t.Helper()
	cmd.Env = append(cmd.Environ(), "EDGE_AGENT_RUN="+run)
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), seen) {
		t.Errorf("%v: %v: %s", cmd.Args, err, out)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// What README shows in Python, C and Go reads frames, as it stands. Only detect is ours.
func TestSnippetsReadFrames(t *testing.T) {
	run := running(t)
	python := "import sys\ncount = 0\ndef detect(x):\n    global count\n    assert x.shape == (3, 64, 64), x.shape\n    count += 1\n" +
		"    if count == 3:\n        print('" + seen + "')\n        sys.exit()\n"
	for _, s := range snippets(t, "python") {
		cmd := exec.Command("/usr/bin/python3", "-B", "-c", python+s) // Debian's, which has python3-numpy
		cmd.Env = append(os.Environ(), "PYTHONPATH="+absolute(t, "agent/output/ring/python"))
		readsFrames(t, run, cmd)
	}
	for _, s := range snippets(t, "c") {
		readsFrames(t, run, exec.Command(compiledC(t, s)))
	}
	for _, s := range snippets(t, "go") {
		readsFrames(t, run, exec.Command(compiledGo(t, s)))
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func compiledC(t *testing.T, snippet string) string {
	t.Helper()
	head, body, _ := strings.Cut(snippet, "\n\n")
	text := head + fmt.Sprintf(`
#include <stdio.h>
#include <stdlib.h>
static double x = 1, y = 2;
static void detect(const void* data) {
  static int count;
  if (data != NULL && ++count == 3) puts("%s"), exit(0);
}
int main(void) {
%s
  return 1;
}
`, seen, body)
	dir := t.TempDir()
	source, program := write(t, filepath.Join(dir, "readme.c"), text), filepath.Join(dir, "readme")
	cmd := exec.Command("cc", "-std=c11", "-Wall", "-Wextra", "-I", absolute(t, "agent/output/ring/c"), "-o", program, source, "-lm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, text)
	}
	return program
}

// compiledGo is compiled within the module, in a directory that ./... leaves out.
func compiledGo(t *testing.T, snippet string) string {
	t.Helper()
	imports, body, _ := strings.Cut(snippet, "\n\n")
	text := fmt.Sprintf(`package main

import ("context"; "fmt"; "log"; "os")
%s

var count int

func detect(v []float32) (x, y float64) {
	if count++; len(v) == 3*64*64 && count == 3 {
		fmt.Println("%s")
		os.Exit(0)
	}
	return 1, 2
}

func main() {
%s
}
`, imports, seen, body)
	if err := os.MkdirAll(absolute(t, ".cache"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(absolute(t, ".cache"), "readme-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	write(t, filepath.Join(dir, "main.go"), text)
	program := filepath.Join(dir, "readme")
	cmd := exec.Command("go", "build", "-o", program, "./"+filepath.Join(".cache", filepath.Base(dir)))
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, text)
	}
	return program
}

// The configs of the man pages are good. (Those of README: agent/config.)
func TestConfigsOfTheManPagesAreGood(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "systemd/man/*"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?s)\n\.EX\n(cameras:.*?)\n\.EE`).FindAllStringSubmatch(string(text), -1) {
			found++
			if _, err := config.Parse(page, []byte(escapes.Replace(m[1]))); err != nil {
				t.Error(err)
			}
		}
	}
	if found == 0 {
		t.Error("no man page shows a config")
	}
}
