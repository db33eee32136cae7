package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// stat are the fields of /proc/PID/stat behind the name, nil when it has gone.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, ok := strings.Cut(string(text), ") ")
	if err != nil || !ok {
		return nil
	}
	return strings.Fields(rest)
}

// children are the processes that pid has started.
func children(pid int) (list []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if s := stat(child); err == nil && s != nil && s[1] == strconv.Itoa(pid) {
			list = append(list, child)
		}
	}
	return list
}

// ticksOf is the CPU time of processes in hundredths of a second.
func ticksOf(pids []int) (sum int64) {
	for _, pid := range pids {
		if s := stat(pid); s != nil {
			user, _ := strconv.ParseInt(s[11], 10, 64)
			system, _ := strconv.ParseInt(s[12], 10, 64)
			sum += user + system
		}
	}
	return sum
}

// memoryOf adds up what processes hold, see [run].
func memoryOf(pids ...int) (mebibytes float64, err error) {
	for _, pid := range pids {
		file, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
		if err != nil {
			return 0, err
		}
		defer file.Close()
		counts := false
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			if !strings.HasSuffix(words[0], ":") { // the head of a mapping
				name := strings.Join(words[min(len(words), 5):], " ")
				counts = !strings.Contains(name, "memfd:") && !strings.Contains(name, "/frames/")
			} else if counts && words[0] == "Pss:" {
				kibi, err := strconv.ParseFloat(words[1], 64)
				if err != nil {
					return 0, err
				}
				mebibytes += kibi / 1024
			}
		}
		if err := lines.Err(); err != nil {
			return 0, err
		}
	}
	return mebibytes, nil
}
