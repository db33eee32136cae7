package main

import (
	"encoding/binary"
	"log"
	"time"
)

// A setup is the packet that opens a control transfer (USB 2.0, 9.3).
type setup struct {
	kind, request        byte
	value, index, length uint16
}

func parseSetup(b []byte) setup {
	le := binary.LittleEndian
	return setup{b[0], b[1], le.Uint16(b[2:]), le.Uint16(b[4:]), le.Uint16(b[6:])}
}

// Requests, of USB 2.0 (9.4) and of the video class (A.8).
const (
	getStatus, getDescriptor, getConfiguration, getInterface   = 0, 6, 8, 10
	setCur, curValue, minValue, maxValue, resValue             = 0x01, 0x81, 0x82, 0x83, 0x84
	lengthValue, infoValue, defaultValue                       = 0x85, 0x86, 0x87
	clearFeature, setFeature, setAddress, setConfig, setIntfac = 1, 3, 5, 9, 11
)

// control answers a request on endpoint 0; ok false stalls it.
func (c *camera) control(s setup, out []byte) (in []byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	selector, entity, intf := int(s.value>>8), int(s.index>>8), int(s.index&0xff)
	switch {
	case s.kind&0x60 == 0:
		return c.standard(s)
	case c.faults.wedged:
		return nil, false
	case intf == 1 && (selector == csProbe || selector == csCommit):
		return c.negotiate(s.request, selector, out)
	case intf == 0 && entity == processingUnit && selector == csBrightness:
		return c.brightnessControl(s.request, out)
	case intf == 0 && entity == 0: // the request error code: "invalid request"
		return []byte{6}, true
	}
	return nil, false
}

func (c *camera) standard(s setup) ([]byte, bool) {
	switch s.request {
	case getStatus:
		return []byte{0, 0}, true
	case getConfiguration:
		return []byte{1}, true
	case getInterface:
		return []byte{0}, true
	case setConfig:
		if s.value > 0 { // 0 takes the configuration away
			c.faults.wedged = false
			c.tell()
		}
		return nil, true
	case clearFeature, setFeature, setAddress, setIntfac:
		return nil, true
	case getDescriptor:
		switch s.value >> 8 {
		case typeDevice:
			return deviceDescriptor(), true
		case typeConfig:
			return configDescriptor(), true
		case typeString:
			return stringDescriptor(int(s.value&0xff), c.serial)
		}
	}
	return nil, false
}

// negotiate is the exchange of UVC 1.0, 4.3.1.1: the host proposes, the camera
// answers with the nearest that it can do, and streams what was committed.
func (c *camera) negotiate(request byte, selector int, out []byte) ([]byte, bool) {
	switch request {
	case setCur:
		if len(out) < 8 {
			return nil, false
		}
		c.mode = nearest(int(out[2]), int(out[3]), int(binary.LittleEndian.Uint32(out[4:])))
		if selector == csCommit {
			log.Printf("streams %v", c.mode)
			c.committed()
		}
		return nil, true
	case curValue, minValue, maxValue, defaultValue:
		return c.mode.probe(), true
	case lengthValue:
		return join(uint16(26)), true
	case infoValue:
		return []byte{3}, true
	}
	return nil, false
}

// nearest is the mode that the camera does in place of the one asked for.
func nearest(format, frame, interval int) mode {
	m := mode{format: formatMJPG, frame: 1, interval: time.Second / time.Duration(rates[0])}
	if format == formatYUYV {
		m.format = format
	}
	if frame >= 1 && frame <= len(sizes) {
		m.frame = frame
	}
	for _, r := range rates {
		if interval >= ticks/r-1 {
			m.interval = ticks / time.Duration(r) * 100
		}
	}
	return m
}

func (m mode) probe() []byte {
	s := m.size()
	return join(uint16(1), m.format, m.frame, uint32(m.interval/100), uint16(0), uint16(0), uint16(0), uint16(0), uint16(0),
		uint32(s.width*s.height*2), uint32(maxPayload))
}

func (c *camera) brightnessControl(request byte, out []byte) ([]byte, bool) {
	values := map[byte]uint16{curValue: c.brightness, minValue: 0, maxValue: 255, resValue: 1, lengthValue: 2, defaultValue: 128}
	switch request {
	case setCur:
		if len(out) < 2 {
			return nil, false
		}
		c.brightness = binary.LittleEndian.Uint16(out)
		return nil, true
	case infoValue:
		return []byte{3}, true
	}
	v, ok := values[request]
	return join(v), ok
}
