package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/edge-agent/agent/native/bench/contest"
)

// judged are the frames whose pictures are compared with the reference: one of
// each photograph.
var judged = []int{0, 25, 50, 75, 100, 119}

// A result is what came of a job.
type result struct {
	Job        string
	Set        string
	Format     string
	Output     string
	Contenders []standing
}

// A standing is what a contender took.
type standing struct {
	Name string
	// Milliseconds of CPU a frame, the median of the rounds.
	Milliseconds float64
	// Ratio to ours, the median of those of the pairs, and its quartiles.
	Ratio, Low, High float64
	// PSNR to the reference in dB, the mean over the judged frames; 0 where
	// there is no picture.
	PSNR float64
}

// oursName is the column of the preprocessor itself.
const oursName = "this agent"

// measure runs all contenders of a job that are there.
func measure(ctx context.Context, j job, o options) (result, error) {
	r := result{Job: j.name, Set: j.set, Format: j.format, Output: j.output}
	we, err := ours(ctx, j, o)
	if err != nil {
		return r, err
	}
	list := []contender{we}
	taken := []way{{name: oursName}}
	defer func() {
		for _, c := range list {
			err = errors.Join(err, c.close())
		}
	}()
	for _, w := range ways {
		if !w.jobs(j) {
			continue
		}
		c, err := start(ctx, w, j, o)
		if errors.Is(err, errAbsent) {
			fmt.Fprintf(os.Stderr, "  %s is left out: %v\n", w.name, err)
			continue
		}
		if err != nil {
			return r, err
		}
		list, taken = append(list, c), append(taken, w)
	}
	times, err := rounds(list, o)
	if err != nil {
		return r, err
	}
	recording, err := contest.OpenFrames(j.path(o.frames))
	if err != nil {
		return r, err
	}
	for i, c := range list {
		s := stand(taken[i].name, times[i])
		if taken[i].way != "limit" {
			if s.PSNR, err = quality(j, c, recording); err != nil {
				return r, fmt.Errorf("%s: %w", s.Name, err)
			}
		}
		fmt.Fprintf(os.Stderr, "  %-28s %7.2f ms  %6.2f times ours  %5.1f dB\n", s.Name, s.Milliseconds, s.Ratio, s.PSNR)
		r.Contenders = append(r.Contenders, s)
	}
	return r, err
}

// A pair is a batch of ours and one of a contender right after it.
type pair struct{ ours, theirs time.Duration }

// rounds measures each contender beside ours, in turns, and gives the pairs of
// each, a frame. Ours is its own pair.
func rounds(list []contender, o options) ([][]pair, error) {
	batches := make([]int, len(list))
	for i, c := range list {
		if _, err := c.run(2); err != nil { // tables are made, pages touched
			return nil, err
		}
		took, err := c.run(6)
		if err != nil {
			return nil, err
		}
		batches[i] = batchOf(took/6, o.batch)
	}
	pairs := make([][]pair, len(list))
	for range o.rounds {
		for i, c := range list {
			a, err := list[0].run(o.batch)
			if err != nil {
				return nil, err
			}
			a /= time.Duration(o.batch)
			b := a
			if i > 0 {
				if b, err = c.run(batches[i]); err != nil {
					return nil, err
				}
				b /= time.Duration(batches[i])
			}
			pairs[i] = append(pairs[i], pair{a, b})
		}
	}
	// All of ours count for our own time.
	for _, other := range pairs[1:] {
		for _, p := range other {
			pairs[0] = append(pairs[0], pair{p.ours, p.ours})
		}
	}
	return pairs, nil
}

// batchOf is how many frames are enough of who takes that long for one: whole
// turns of six, as there are six photographs.
func batchOf(frame time.Duration, most int) int {
	enough := int(250*time.Millisecond/max(frame, time.Microsecond)) / 6 * 6
	return min(most, max(12, enough))
}

func stand(name string, pairs []pair) standing {
	var times, ratios []float64
	for _, p := range pairs {
		times = append(times, p.theirs.Seconds()*1000)
		ratios = append(ratios, p.theirs.Seconds()/p.ours.Seconds())
	}
	return standing{
		Name: name, Milliseconds: quantile(times, 0.5),
		Ratio: quantile(ratios, 0.5), Low: quantile(ratios, 0.25), High: quantile(ratios, 0.75),
	}
}

// quantile interpolates between the values around it.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	i := int(math.Floor(at))
	j := min(i+1, len(sorted)-1)
	return sorted[i] + (at-float64(i))*(sorted[j]-sorted[i])
}

// quality compares some frames of a contender with the reference.
func quality(j job, c contender, recording contest.Frames) (float64, error) {
	sum := 0.0
	for _, i := range judged {
		want, err := referenceOf(j, i, recording.At(i))
		if err != nil {
			return 0, err
		}
		out, err := c.frame(i)
		if err != nil {
			return 0, err
		}
		got, err := understand(j, out)
		if err != nil {
			return 0, err
		}
		sum += psnr(got, want)
	}
	return sum / float64(len(judged)), nil
}

// references are kept for the next contender of the same frames.
var references = map[string]picture{}

func referenceOf(j job, i int, frame []byte) (picture, error) {
	key := fmt.Sprint(j.set, j.file, j.output == "undistorted", i)
	if p, ok := references[key]; ok {
		return p, nil
	}
	p, err := reference(j, frame)
	references[key] = p
	return p, err
}
