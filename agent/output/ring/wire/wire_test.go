package wire

import (
	"encoding/json"
	"testing"
)

func TestRecordSurvivesTheWire(t *testing.T) {
	want := Record{
		Sequence: 1 << 63, Timestamp: -1, Dequeued: 2, Published: 3, Length: 4, Verdict: 5, Width: 6, Height: 7,
		Slot: 8, Missed: 9, Geometry: [6]float64{1, 2, 3, 4, 5, 6},
	}
	b := make([]byte, MessageSize)
	PutMessage(b, 42, &want)
	PutMissed(b, 10)
	want.Missed = 10
	var got Record
	if gen, ok := ParseMessage(b, &got); !ok || gen != 42 || got != want {
		t.Errorf("%d, %v: %+v", gen, ok, got)
	}
	b[6]++
	if _, ok := ParseMessage(b, &got); ok {
		t.Error("a message of another type announces a frame")
	}
	if _, ok := ParseMessage(b[:MessageSize-1], &got); ok {
		t.Error("a short message announces a frame")
	}
}

func TestGenerationsGoRoundTheSlots(t *testing.T) {
	for n := uint64(1); n < 20; n++ {
		if slot := SlotOf(Generation(n), 4); slot != int(n-1)%4 {
			t.Errorf("frame %d is in slot %d", n, slot)
		}
	}
}

// Whatever an agent claims: what passes Check keeps a reader inside the memory.
func FuzzDescription(f *testing.F) {
	f.Add(`{"magic":"edge-agent-ring","version":1,"size":12288,"slots":2,"first_slot":4096,"slot_size":4096,
		"header_size":128,"data_size":3968,"message_size":128}`, int64(12288), uint64(2))
	f.Add(`{"magic":"edge-agent-ring","version":1,"error":"full"}`, int64(0), uint64(0))
	f.Fuzz(func(t *testing.T, text string, size int64, generation uint64) {
		var d Description
		if json.Unmarshal([]byte(text), &d) != nil || d.Check(size) != nil {
			return
		}
		slot := SlotOf(generation, d.Slots)
		start := d.FirstSlot + slot*d.SlotSize
		end := start + d.HeaderSize + d.DataSize
		if slot < 0 || start < 0 || start%8 != 0 || d.HeaderSize%8 != 0 || end <= start || int64(end) > size {
			t.Errorf("slot %d is %d to %d of %d bytes: %+v", slot, start, end, size, d)
		}
	})
}
