package v4l2

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unsafe"
)

// A Control is a value for a control of the camera.
type Control struct {
	// Name is the name as v4l2-ctl prints it: exposure_dynamic_framerate.
	Name string
	// Value is a number; a menu's entry by its index; 0 or 1 of a boolean;
	// anything to press a button.
	Value int64
}

// A ControlInfo describes a control of a camera.
type ControlInfo struct {
	Name     string      `json:"name"`
	Type     ControlType `json:"type"`
	Min      int64       `json:"min"`
	Max      int64       `json:"max"`
	Step     uint64      `json:"step"`
	Default  int64       `json:"default"`
	Value    int64       `json:"value"`
	Menu     []MenuEntry `json:"menu,omitempty"`
	ReadOnly bool        `json:"read_only,omitempty"`
	// Inactive controls have no effect for now, because of another control:
	// an exposure time while exposure is automatic.
	Inactive bool `json:"inactive,omitempty"`

	id uint32
}

// A MenuEntry is one choice of a menu.
type MenuEntry struct {
	Index int64  `json:"index"`
	Name  string `json:"name"`
}

// A ControlType is a value of enum v4l2_ctrl_type.
type ControlType uint32

// The types of control that can be set.
const (
	ControlInteger     ControlType = 1
	ControlBoolean     ControlType = 2
	ControlMenu        ControlType = 3
	ControlButton      ControlType = 4
	ControlInteger64   ControlType = 5
	ControlBitmask     ControlType = 8
	ControlIntegerMenu ControlType = 9
)

// controlTypeNames are v4l2-ctl's words.
var controlTypeNames = map[ControlType]string{
	ControlInteger: "int", ControlBoolean: "bool", ControlMenu: "menu", ControlButton: "button",
	ControlInteger64: "int64", ControlBitmask: "bitmask", ControlIntegerMenu: "intmenu",
}

func (t ControlType) String() string {
	if s := controlTypeNames[t]; s != "" {
		return s
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// MarshalText makes the type a word in JSON.
func (t ControlType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

const (
	ctrlFlagDisabled  = 0x0001
	ctrlFlagReadOnly  = 0x0004
	ctrlFlagInactive  = 0x0010
	ctrlFlagWriteOnly = 0x0040
	ctrlFlagNextCtrl  = 0x80000000
)

// enumControls lists the controls that have a plain value.
func enumControls(d device) ([]ControlInfo, error) {
	var list []ControlInfo
	id := uint32(0)
	err := enumerate(func(uint32) error {
		q := &queryExtCtrl{id: id | ctrlFlagNextCtrl}
		if err := d.ioctl(vidiocQueryExtCtrl, unsafe.Pointer(q)); err != nil {
			return err
		}
		id = q.id
		if controlTypeNames[ControlType(q.typ)] == "" || q.flags&ctrlFlagDisabled != 0 || q.nrOfDims > 0 {
			return nil
		}
		list = append(list, q.info(d))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("enumerate controls: %w", err)
	}
	return list, nil
}

// info reads the value and the menu too. What the device refuses stays zero:
// a description is better than none.
func (q *queryExtCtrl) info(d device) ControlInfo {
	c := ControlInfo{
		Name: controlName(text(q.name[:])), Type: ControlType(q.typ),
		Min: q.minimum, Max: q.maximum, Step: q.step, Default: q.defaultValue,
		ReadOnly: q.flags&ctrlFlagReadOnly != 0, Inactive: q.flags&ctrlFlagInactive != 0,
		id: q.id,
	}
	if q.flags&ctrlFlagWriteOnly == 0 && c.Type != ControlButton {
		c.Value, _ = c.get(d)
	}
	if c.Type == ControlMenu || c.Type == ControlIntegerMenu {
		c.readMenu(d)
	}
	return c
}

func (c *ControlInfo) readMenu(d device) {
	for i := max(c.Min, 0); i <= min(c.Max, enumeration); i++ {
		m := &querymenu{id: c.id, index: uint32(i)}
		if d.ioctl(vidiocQuerymenu, unsafe.Pointer(m)) != nil {
			continue // menus have gaps
		}
		e := MenuEntry{Index: i, Name: text(m.name[:])}
		if c.Type == ControlIntegerMenu {
			e.Name = fmt.Sprint(*(*int32)(unsafe.Pointer(&m.name))) // the low half of an int64
		}
		c.Menu = append(c.Menu, e)
	}
}

// controlName makes a name of words what v4l2-ctl makes of it: small letters
// and digits, everything between them one underscore.
func controlName(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	return strings.ToLower(strings.Join(words, "_"))
}

func (c *ControlInfo) get(d device) (int64, error) {
	e := &extControl{id: c.id}
	if err := d.ioctl(vidiocGExtCtrls, unsafe.Pointer(&extControls{count: 1, controls: e})); err != nil {
		return 0, explain(err)
	}
	if c.Type == ControlInteger64 {
		return int64(e.value[0]) | int64(e.value[1])<<32, nil
	}
	if c.Type == ControlBitmask {
		return int64(e.value[0]), nil
	}
	return int64(int32(e.value[0])), nil
}

func (c *ControlInfo) set(d device, value int64) error {
	e := &extControl{id: c.id, value: [2]uint32{uint32(value), 0}}
	if c.Type == ControlInteger64 {
		e.value[1] = uint32(value >> 32)
	}
	return explain(d.ioctl(vidiocSExtCtrls, unsafe.Pointer(&extControls{count: 1, controls: e})))
}

// inactiveNow asks again: setting another control may have changed it.
func (c *ControlInfo) inactiveNow(d device) bool {
	q := &queryExtCtrl{id: c.id}
	err := d.ioctl(vidiocQueryExtCtrl, unsafe.Pointer(q))
	return err == nil && q.flags&ctrlFlagInactive != 0
}

// check says what is wrong with a value before the driver has to.
func (c *ControlInfo) check(value int64) error {
	switch {
	case c.ReadOnly:
		return errors.New("is read-only")
	case c.Type == ControlButton:
		return nil
	case c.Type == ControlBitmask && (value < 0 || value > math.MaxUint32 || value&^c.Max != 0):
		return fmt.Errorf("is %#x; allowed are the bits %#x", value, c.Max)
	case c.Type == ControlBitmask:
		return nil
	case value < c.Min || value > c.Max:
		return fmt.Errorf("is %d; allowed is %d to %d", value, c.Min, c.Max)
	case c.Menu != nil && !slices.ContainsFunc(c.Menu, func(e MenuEntry) bool { return e.Index == value }):
		return fmt.Errorf("is %d; allowed are %s", value, c.choices())
	}
	return nil
}

func (c *ControlInfo) choices() string {
	var s []string
	for _, e := range c.Menu {
		s = append(s, fmt.Sprintf("%d (%s)", e.Index, e.Name))
	}
	return strings.Join(s, ", ")
}

// setControls sets what was asked for. A name that the camera does not have
// and a value that is not allowed are errors, all of them reported together,
// before anything is set. Controls that are inactive come last, because those
// before may wake them (a manual exposure mode its exposure time); one that
// the driver refuses because it is inactive is a note and no error: the camera
// works without.
func setControls(d device, wanted []Control) (notes []string, err error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	known, err := enumControls(d)
	if err != nil {
		return nil, err
	}
	infos, err := matchControls(known, wanted)
	if err != nil {
		return nil, err
	}
	for _, inactive := range []bool{false, true} {
		for i, w := range wanted {
			if infos[i].Inactive != inactive {
				continue
			}
			err := infos[i].set(d, w.Value)
			if err != nil && !infos[i].inactiveNow(d) {
				return nil, fmt.Errorf("set control %s to %d: %w", w.Name, w.Value, err)
			}
			if err != nil {
				notes = append(notes, fmt.Sprintf("control %s is inactive and was not set to %d: %v", w.Name, w.Value, err))
			}
		}
	}
	return notes, nil
}

// matchControls finds the description of each wanted control.
func matchControls(known []ControlInfo, wanted []Control) ([]*ControlInfo, error) {
	var names []string
	for _, k := range known {
		names = append(names, k.Name)
	}
	infos := make([]*ControlInfo, len(wanted))
	var faults []error
	for i, w := range wanted {
		at := slices.Index(names, w.Name)
		if at < 0 {
			faults = append(faults, fmt.Errorf("control %s: no such control; the camera has %s", w.Name, strings.Join(names, ", ")))
			continue
		}
		infos[i] = &known[at]
		if err := infos[i].check(w.Value); err != nil {
			faults = append(faults, fmt.Errorf("control %s: %w", w.Name, err))
		}
	}
	return infos, errors.Join(faults...)
}
