package main

import (
	"fmt"
	"strings"
)

// An account is what the agent says at its end of one camera.
type account struct {
	captured, kernelLost, published uint64
	inFlight                        int64
	dropped                         map[string]uint64
}

func parseAccount(e entry) account {
	a := account{e.number("CAPTURED"), e.number("KERNEL_LOST"), e.number("PUBLISHED"), int64(e.number("IN_FLIGHT")), map[string]uint64{}}
	for field := range e.fields {
		if reason, ok := strings.CutPrefix(field, "DROPPED_"); ok {
			a.dropped[strings.ToLower(strings.ReplaceAll(reason, "_", "-"))] = e.number(field)
		}
	}
	return a
}

// off is how many captured frames no column has. At the end nothing is in flight.
func (a account) off() int64 {
	off := int64(a.captured) - int64(a.published)
	for _, n := range a.dropped {
		off -= int64(n)
	}
	return off
}

// gone is how many frames were lost before they were captured, or dropped.
func (a account) gone() uint64 {
	n := a.kernelLost
	for _, dropped := range a.dropped {
		n += dropped
	}
	return n
}

func (a *account) add(b account) {
	a.captured += b.captured
	a.kernelLost += b.kernelLost
	a.published += b.published
	a.inFlight += b.inFlight
	for reason, n := range b.dropped {
		a.dropped[reason] += n
	}
}

// accounts are the sums for each camera over the processes of the row, and how
// many there are for each.
func (b *bench) accounts() (sums map[string]account, n int) {
	sums = map[string]account{}
	for _, e := range b.record.all(b.began, event("accounting")) {
		a := parseAccount(e)
		if sum, ok := sums[e.fields["CAMERA"]]; ok {
			a.add(sum)
		}
		sums[e.fields["CAMERA"]] = a
		n++
	}
	return sums, n
}

// settle fills in what the accounts and the consumers' frames tell of the row.
func (r *result) settle(b *bench) error {
	sums, n := b.accounts()
	faulty, healthy := sums[faultyCamera], sums[healthyCamera]
	r.Accounts = n
	r.Lost = b.record.lost(faultyCamera, b.struck, b.over)
	r.OtherLost = b.record.lost(healthyCamera, b.struck, b.over)
	r.Off = faulty.off() + healthy.off()
	starts := len(b.record.all(b.began, event("agent started")))
	if r.Killed = starts - n/2; n == 0 || r.Killed < 0 || n%2 != 0 {
		return fmt.Errorf("%d accounts of two cameras after %d starts", n, starts)
	}
	for name, a := range sums {
		if n := b.record.backwards(name, b.began); n > 0 {
			return fmt.Errorf("the sequence of camera %s went back %d times", name, n)
		}
		if r.Killed == 0 {
			if err := b.agrees(name, a); err != nil {
				return err
			}
		}
	}
	if b.row.check != nil {
		return b.row.check(r.Times, sums)
	}
	return nil
}

// agrees compares the account of a camera with what its consumer saw, which
// came later: it cannot have seen more, nor missed more.
func (b *bench) agrees(camera string, a account) error {
	if got := b.record.published(camera, b.began); got > a.published {
		return fmt.Errorf("camera %s published %d frames by its account, and %d by its consumer", camera, a.published, got)
	}
	if missed := b.record.lost(camera, b.began, monotonic()); missed > a.gone() {
		return fmt.Errorf("camera %s lost %d frames by its account, and %d by its consumer", camera, a.gone(), missed)
	}
	return nil
}
