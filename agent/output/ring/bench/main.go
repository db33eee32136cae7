// Program bench measures on the real agent what readers of a ring get and cost:
// how long after a frame's publication they are awake, what the agent's CPU time
// is with many of them, and what both are beside a hostile one. It prints the
// tables.
//
// What enters: an agent's binary and a C compiler. Readers are processes of their
// own, written with the C header and with the Go package.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

func main() {
	agent := flag.String("agent", "bin/agent", "the agent to measure")
	header := flag.String("header", "agent/output/ring/c", "the directory of edge_agent.h and wake.c")
	seconds := flag.Float64("seconds", 10, "for each row")
	flag.Parse()
	var err error
	switch flag.Arg(0) {
	case "read":
		err = read(flag.Arg(1), *seconds)
	case "attack":
		err = attack(flag.Arg(1), flag.Arg(2))
	default:
		err = measure(*agent, *header, *seconds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A bench is one go of the program.
type bench struct {
	agent, dir string
	seconds    float64
}

func measure(agent, header string, seconds float64) error {
	dir, err := os.MkdirTemp("", "ring-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{agent: agent, dir: dir, seconds: seconds}
	cc := exec.Command("cc", "-std=c99", "-O2", "-I"+header, "-o", b.path("wake"), filepath.Join(header, "wake.c"), "-lm")
	cc.Stderr = os.Stderr
	if err := cc.Run(); err != nil {
		return fmt.Errorf("compile wake.c: %w", err)
	}
	if err := b.wakeUps(); err != nil {
		return err
	}
	return b.attacks()
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// reader is a process that prints what wake.c does.
func (b *bench) reader(language, socket string, seconds float64) *exec.Cmd {
	s := strconv.FormatFloat(seconds, 'g', -1, 64)
	if language == "C" {
		return exec.Command(b.path("wake"), socket, s)
	}
	return exec.Command(os.Args[0], "-seconds", s, "read", socket)
}

func (b *bench) wakeUps() error {
	fmt.Print("From a frame's publication to a reader's being awake, and the CPU time of the agent with its worker:\n\n" +
		"| frames a second | readers | median | p99 | passed over | agent's CPU |\n|---|---|---|---|---|---|\n")
	for _, rate := range []int{30, 240} {
		for _, c := range []struct {
			language string
			readers  int
		}{{"C", 0}, {"C", 1}, {"C", 4}, {"C", 16}, {"Go", 1}, {"Go", 4}, {"Go", 16}} {
			a, err := b.start(rate)
			if err != nil {
				return err
			}
			r, err := b.run(a, c.language, c.readers)
			a.stop()
			if err != nil {
				return err
			}
			fmt.Printf("| %d | %d in %s | %s | %s | %.2f %% | %.1f %% |\n", rate, c.readers, c.language,
				r.quantile(0.5), r.quantile(0.99), r.passedOver(), 100*r.cpu)
		}
	}
	return nil
}

// attacks are what hostile or broken programs do, each beside a good reader.
func (b *bench) attacks() error {
	fmt.Print("\nOne reader in C at 30 frames a second, beside a hostile one:\n\n" +
		"| the other one | frames a second | passed over | median | p99 | agent's CPU | agent's memory | a new reader's first frame |\n|---|---|---|---|---|---|---|---|\n")
	for _, kind := range kinds {
		a, err := b.start(30)
		if err != nil {
			return err
		}
		r, first, err := b.runBeside(a, kind)
		a.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		fmt.Printf("| %s | %.1f | %.2f %% | %s | %s | %.1f %% | %+.1f MiB | %v |\n", kind.does, r.rate, r.passedOver(),
			r.quantile(0.5), r.quantile(0.99), 100*r.cpu, r.memory, first.Round(time.Millisecond))
	}
	return nil
}

// runBeside gives also how long a reader takes that comes during the attack.
func (b *bench) runBeside(a *agent, kind attackKind) (r result, first time.Duration, err error) {
	var other *exec.Cmd
	if kind.name != "" {
		other = exec.Command(os.Args[0], "attack", kind.name, a.socket)
		other.Stderr = os.Stderr
	}
	good := b.reader("C", a.socket, b.seconds)
	r, err = b.beside(a, []*exec.Cmd{good}, func() error {
		if other == nil {
			return nil
		}
		err := other.Start()
		sleep(b.seconds / 4) // it is at it
		return err
	}, func() error {
		began := time.Now()
		late := b.reader("C", a.socket, 0.001)
		for late.Run() != nil && time.Since(began) < 10*time.Second {
			late = b.reader("C", a.socket, 0.001)
		}
		first = time.Since(began)
		return nil
	})
	if other != nil {
		_ = other.Process.Kill()
		_ = other.Wait()
	}
	return r, first, err
}
