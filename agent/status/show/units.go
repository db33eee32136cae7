package show

import (
	"fmt"
	"strings"
	"time"
)

// none is in place of what is not known.
const none = "-"

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return count(n) + " " + what
}

// count is a number in five columns at the most: 1234, 12.3k, 1.2M.
func count[T int | int64 | uint64](n T) string {
	v := float64(n)
	switch {
	case n < 10_000:
		return fmt.Sprint(n)
	case v < 99_950:
		return fmt.Sprintf("%.1fk", v/1e3)
	case v < 999_500:
		return fmt.Sprintf("%.0fk", v/1e3)
	case v < 99.95e6:
		return fmt.Sprintf("%.1fM", v/1e6)
	case v < 999.5e6:
		return fmt.Sprintf("%.0fM", v/1e6)
	}
	return fmt.Sprintf("%.1fG", v/1e9)
}

// of is a part of a whole, or itself where there is no limit.
func of(n, limit string, limited bool) string {
	if !limited {
		return n
	}
	return n + " of " + limit
}

// memory is how much is held of what may be.
func memory(n, limit int64) string {
	text := bytes(n)
	if limit == 0 {
		return text
	}
	whole := bytes(limit)
	if number, unit, _ := strings.Cut(text, " "); strings.HasSuffix(whole, unit) {
		text = number
	}
	return text + " of " + whole
}

func bytes(n int64) string {
	const mib, gib = 1 << 20, 1 << 30
	switch {
	case n >= gib:
		return fmt.Sprintf("%.1f GiB", float64(n)/gib)
	case n >= 10*mib:
		return fmt.Sprintf("%.0f MiB", float64(n)/mib)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/mib)
}

// rate is a number a second.
func rate(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// brief is a latency, in six columns at the most.
func brief(seconds *float64) string {
	if seconds == nil {
		return none
	}
	switch ms := *seconds * 1000; {
	case ms < 1:
		return fmt.Sprintf("%.0fus", ms*1000)
	case ms < 10:
		return fmt.Sprintf("%.1fms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0fms", ms)
	case ms < 99_950:
		return fmt.Sprintf("%.1fs", ms/1000)
	default:
		return fmt.Sprintf("%.0fs", ms/1000)
	}
}

// long is a time span in its two largest units.
func long(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm %ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh %dm", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%dd %dh", s/86400, s%86400/3600)
}
