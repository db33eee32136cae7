package config

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A kind is a type of value: how it is written and what is allowed. Scalars
// are read from their text as it stands in the file, so that a serial of 0123
// keeps its zero.
type kind[V any] struct {
	name    string
	allowed string
	read    func(*node) (V, bool)
	// why says of a value that was refused what is known of it; it may be nil.
	why func(text string) string
}

// scalarKind is a kind whose values are one word each.
func scalarKind[V any](name, allowed string, parse func(string) (V, bool)) kind[V] {
	return kind[V]{name: name, allowed: allowed, read: func(n *node) (V, bool) {
		if n.shape != scalar {
			var zero V
			return zero, false
		}
		return parse(n.text)
	}}
}

func integer(least, most int) kind[int] {
	return scalarKind("integer", fmt.Sprintf("allowed: %d to %d", least, most), func(s string) (int, bool) {
		v, err := strconv.Atoi(s)
		return v, err == nil && v >= least && v <= most
	})
}

func number(least, most float64) kind[float64] {
	return scalarKind("number", fmt.Sprintf("allowed: %s to %s", decimal(least), decimal(most)), func(s string) (float64, bool) {
		v, err := strconv.ParseFloat(s, 64)
		return v, err == nil && v >= least && v <= most
	})
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// orAuto reads the word auto as the zero value.
func orAuto[V any](k kind[V]) kind[V] { return orWord(k, "auto") }

// orOff reads the word off as the zero value.
func orOff[V any](k kind[V]) kind[V] { return orWord(k, "off") }

func orWord[V any](k kind[V], word string) kind[V] {
	inner := k.read
	k.allowed += ", or " + word
	k.read = func(n *node) (v V, ok bool) {
		if n.shape == scalar && n.text == word {
			return v, true
		}
		return inner(n)
	}
	return k
}

// orNone reads 0, which needs no unit, as the zero value.
func orNone[V any](k kind[V]) kind[V] {
	inner := k.read
	k.allowed += ", or 0"
	k.read = func(n *node) (v V, ok bool) {
		if n.shape == scalar && n.text == "0" {
			return v, true
		}
		return inner(n)
	}
	return k
}

func duration(least, most time.Duration) kind[time.Duration] {
	return scalarKind("duration", fmt.Sprintf("allowed: %s to %s, such as 5s or 200ms", brief(least), brief(most)),
		func(s string) (time.Duration, bool) {
			v, err := time.ParseDuration(s)
			return v, err == nil && v >= least && v <= most
		})
}

const day = 24 * time.Hour

// long is a duration that may be in days.
func long(least, most time.Duration) kind[time.Duration] {
	short := duration(least, most)
	allowed := fmt.Sprintf("allowed: %s to %dd, such as 12h or 7d", brief(least), most/day)
	return scalarKind(short.name, allowed, func(s string) (time.Duration, bool) {
		if days, ok := strings.CutSuffix(s, "d"); ok {
			v, err := strconv.ParseFloat(days, 64)
			d := time.Duration(v * float64(day))
			return d, err == nil && v > 0 && v <= float64(most/day) && d >= least
		}
		return short.read(&node{shape: scalar, text: s})
	})
}

// brief writes 24h0m0s as 24h.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var units = []struct {
	name  string
	shift uint
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}

func bytes(least int64, allowed string) kind[int64] {
	return scalarKind("bytes", allowed, func(s string) (int64, bool) {
		for _, u := range units {
			if digits, ok := strings.CutSuffix(s, u.name); ok {
				v, err := strconv.ParseUint(digits, 10, 62-int(u.shift))
				return int64(v) << u.shift, err == nil && int64(v)<<u.shift >= least
			}
		}
		return 0, false
	})
}

var rates = scalarKind("rate", "allowed: frames per second above 0, up to 1000, such as 30 or 29.97", func(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && v > 0 && v <= 1000 && strings.Trim(s, "0123456789.") == ""
})

// oneOf is a choice of words; each stands for its place in the list.
func oneOf[V ~uint8](words ...string) kind[V] {
	return scalarKind("word", "allowed: "+strings.Join(words, ", "), func(s string) (V, bool) {
		for i, w := range words {
			if w == s {
				return V(i), true
			}
		}
		return 0, false
	})
}

// enumeration is a choice of the words of a type, such as preproc.Fit.
func enumeration[V interface {
	~uint8
	MarshalText() ([]byte, error)
}]() kind[V] {
	var words []string
	for v := V(0); ; v++ {
		word, err := v.MarshalText()
		if err != nil {
			return oneOf[V](words...)
		}
		words = append(words, string(word))
	}
}

// word is a choice of words that stand for themselves.
func word(words ...string) kind[string] {
	choice := oneOf[uint8](words...)
	return scalarKind("word", choice.allowed, func(s string) (string, bool) {
		_, ok := choice.read(&node{shape: scalar, text: s})
		return s, ok
	})
}

var rotations = scalarKind("word", "allowed: 0, 90, 180, 270 (degrees clockwise)", func(s string) (int, bool) {
	v, ok := map[string]int{"0": 0, "90": 90, "180": 180, "270": 270}[s]
	return v, ok
})

var booleans = scalarKind("boolean", "allowed: true, false", func(s string) (bool, bool) {
	return s == "true", s == "true" || s == "false"
})

// controlValues are what V4L2 takes; v4l2-ctl prints bit masks in hex.
var controlValues = scalarKind("integer", "allowed: an integer, 0x hex, true or false", func(s string) (int64, bool) {
	switch s {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	digits, base := s, 10
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		digits, base = hex, 16
	}
	v, err := strconv.ParseInt(digits, base, 64)
	return v, err == nil
})

// text is any text that fits the pattern. Patterns that count to 255 are large,
// and workers, which are made of the same program, read no config.
func text(name, allowed, pattern string) kind[string] {
	whole := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) })
	return scalarKind(name, allowed, func(s string) (string, bool) {
		return s, whole().MatchString(s)
	})
}

// arguments are a program and what it is given, as they stand in the file. To the
// parser a:b in a list is a mapping, unless it is in quotes.
func arguments(most int) kind[[]string] {
	allowed := fmt.Sprintf("allowed: a list of the program and its arguments, %d at most, such as [ffmpeg, -i, \"-\", \"-c:v\", copy, out.mkv]; in quotes what has a colon", most)
	return kind[[]string]{name: "list", allowed: allowed, read: func(n *node) ([]string, bool) {
		if n.shape != sequence || len(n.items) == 0 || len(n.items) > most {
			return nil, false
		}
		var words []string
		for _, item := range n.items {
			if item.shape != scalar || strings.ContainsRune(item.text, 0) {
				return nil, false
			}
			words = append(words, item.text)
		}
		return words, words[0] != ""
	}}
}

// links are the names that udev makes in dir, with or without its path.
func links(dir string) kind[string] {
	name := text("text", "allowed: the name of a link in "+dir, `[^/\x00-\x1f]{1,255}`)
	return scalarKind(name.name, name.allowed, func(s string) (string, bool) {
		return name.read(&node{shape: scalar, text: strings.TrimPrefix(s, dir)})
	})
}

// patterns are those of path.Match.
var patterns = scalarKind("text", "allowed: a card's name, with * and ? as wildcards and \\ before a [ that is none",
	func(s string) (string, bool) {
		_, err := path.Match(s, "")
		return s, err == nil && s != ""
	})

// balances are the words of how much an undistorted picture shows.
var balances = func() kind[float64] {
	share := number(0, 1)
	return scalarKind("number", "allowed: keep, or a number from 0 to 1", func(s string) (float64, bool) {
		if s == "keep" {
			return KeepFocalLength, true
		}
		return share.read(&node{shape: scalar, text: s})
	})
}()

// directories have no way out of the directory that they are relative to.
var directories = scalarKind("path", "allowed: a directory, relative to the state directory or absolute, without ..",
	func(s string) (string, bool) {
		for part := range strings.SplitSeq(s, "/") {
			if part == ".." {
				return "", false
			}
		}
		return path.Clean(s), s != "" && s != "." && !strings.ContainsRune(s, 0)
	})

// channels are one number for all channels, or a list with one for each.
func channels(least, most float64) kind[[3]float32] {
	number := func(n *node) (float32, bool) {
		if n.shape != scalar {
			return 0, false
		}
		v, err := strconv.ParseFloat(n.text, 64)
		return float32(v), err == nil && v >= least && v <= most
	}
	allowed := fmt.Sprintf("allowed: a number from %g to %g, or a list with one for each channel, where 1 is white", least, most)
	return kind[[3]float32]{name: "numbers", allowed: allowed, read: func(n *node) (v [3]float32, ok bool) {
		items := n.items
		if n.shape != sequence {
			items = []*node{n}
		}
		if len(items) == 1 {
			v[0], ok = number(items[0])
			return [3]float32{v[0], v[0], v[0]}, ok
		}
		if len(items) != len(v) {
			return v, false
		}
		for i, item := range items {
			if v[i], ok = number(item); !ok {
				return v, false
			}
		}
		return v, true
	}}
}
