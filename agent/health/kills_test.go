package health

import (
	"maps"
	"testing"
)

func TestKillsForMemoryAreCounted(t *testing.T) {
	const group = "sys/fs/cgroup/system.slice/agent.service/memory.events"
	files := maps.Clone(board)
	files[group] = "low 0\nhigh 0\nmax 41\noom 3\noom_kill 2\noom_group_kill 1\n"
	k, err := system(t, files).KilledForMemory()
	if err != nil || k.Count != 2 || k.Group == 0 {
		t.Errorf("%+v, %v", k, err)
	}
	if again, err := system(t, files).KilledForMemory(); err != nil || again.Group == k.Group {
		t.Errorf("another control group has the number of the first: %+v, %v", again, err)
	}
}

func TestNoKillsWhereMemoryIsNotCounted(t *testing.T) {
	if k, err := system(t, board).KilledForMemory(); err != nil || k != (Kills{}) {
		t.Errorf("%+v, %v", k, err)
	}
}
