package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine says in a line what was measured on.
func machine() string {
	model := runtime.GOARCH
	info, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		_, after, _ := bytes.Cut(info, []byte("model name"))
		line, _, _ := bytes.Cut(after, []byte("\n"))
		if name := strings.TrimSpace(strings.TrimLeft(string(line), "\t :")); name != "" {
			model = name
		}
	}
	return fmt.Sprintf("%s, %d CPUs", model, runtime.NumCPU())
}

// tables are the results in Markdown: jobs that end in a tensor with the
// contenders as rows, and the others.
func tables(results []result, machine string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMilliseconds of CPU a frame, times ours, and PSNR to the reference in dB, on %s.\n", machine)
	for _, part := range []struct {
		title string
		takes func(result) bool
	}{
		{"1080p or 720p to a 640x640 letterbox, float32 CHW, mean and std", func(r result) bool { return r.Output == "model" && r.Set == seen }},
		{"The same from photographs that nobody tuned for", func(r result) bool { return r.Set == unseen }},
		{"Other outputs of 1080p", func(r result) bool { return r.Output != "model" && r.Set == seen }},
	} {
		var rows []result
		for _, r := range results {
			if part.takes(r) {
				rows = append(rows, r)
			}
		}
		if len(rows) > 0 {
			fmt.Fprintf(&b, "\n%s:\n\n", part.title)
			table(&b, rows)
		}
	}
	return b.String() + "\n"
}

// table has a column for each result.
func table(b *strings.Builder, results []result) {
	b.WriteString("| |")
	for _, r := range results {
		fmt.Fprintf(b, " %s |", strings.TrimSuffix(r.Job, " "+unseen))
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(results)) + "\n")
	for _, name := range append([]string{oursName}, wayNames()...) {
		cells, any := "", false
		for _, r := range results {
			cell := cellOf(r, name)
			any = any || cell != ""
			cells += " " + cell + " |"
		}
		if any {
			fmt.Fprintf(b, "| %s |%s\n", name, cells)
		}
	}
}

func wayNames() []string {
	var names []string
	for _, w := range ways {
		names = append(names, w.name)
	}
	return names
}

// cellOf is one contender's result in words.
func cellOf(r result, name string) string {
	for _, s := range r.Contenders {
		if s.Name != name {
			continue
		}
		cell := fmt.Sprintf("%.2f", s.Milliseconds)
		if name != oursName {
			cell += fmt.Sprintf(", %.2fx", s.Ratio)
		}
		if s.PSNR > 0 {
			cell += fmt.Sprintf(", %.1f dB", s.PSNR)
		}
		return cell
	}
	return ""
}

// pacedTable is nothing without runs.
func pacedTable(runs []run) string {
	if len(runs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("One camera of 1080p MJPEG 4:2:2 at 30 frames a second, to the same tensor. Ours is the whole\nagent, with its worker and a consumer:\n\n")
	b.WriteString("| | of a CPU | memory | latency, median | p99 |\n|---|---|---|---|---|\n")
	for _, r := range runs {
		fmt.Fprintf(&b, "| %s | %.0f %% | %.0f MiB | %.1f ms | %.1f ms |\n", r.Name, 100*r.CPU, r.Memory, r.P50, r.P99)
	}
	return b.String() + "\n"
}
