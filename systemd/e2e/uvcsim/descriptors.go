package main

import (
	"encoding/binary"
	"unicode/utf16"
)

// The camera's modes. Formats and frames count from 1 in UVC.
const (
	formatMJPG = 1
	formatYUYV = 2
)

type size struct{ width, height int }

var (
	sizes = []size{{320, 180}, {640, 360}, {640, 480}, {1280, 720}}
	rates = []int{30, 15, 10, 5}
)

const (
	// ticks is how many of UVC's units of time, 100 ns, a second has.
	ticks = 10_000_000
	// maxPayload is the largest transfer: uvcvideo gives bulk endpoints URBs
	// of at most 32 packets of 512 bytes.
	maxPayload = 32 * 512
	// Entities of the video function.
	cameraTerminal, processingUnit, outputTerminal = 1, 2, 3
	// Selectors.
	csProbe, csCommit, csBrightness = 1, 2, 2
)

// desc makes a descriptor of its fields and sets its length byte.
func desc(fields ...any) []byte {
	b := join(fields...)
	return append([]byte{byte(len(b) + 1)}, b...)
}

// join puts ints as bytes, uint16 and uint32 in little endian, and slices after one another.
func join(fields ...any) []byte {
	var b []byte
	for _, f := range fields {
		switch v := f.(type) {
		case int:
			b = append(b, byte(v))
		case uint16:
			b = binary.LittleEndian.AppendUint16(b, v)
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, v)
		case []byte:
			b = append(b, v...)
		}
	}
	return b
}

// Descriptor types and subtypes of USB 2.0 and of the video class 1.0.
const (
	typeDevice, typeConfig, typeString, typeInterface, typeEndpoint = 1, 2, 3, 4, 5
	typeAssociation, typeClassInterface                             = 0x0B, 0x24
	classVideo, subControl, subStreaming, subCollection             = 0x0E, 1, 2, 3
)

func deviceDescriptor() []byte {
	const miscClass, commonClass, association = 0xEF, 2, 1
	return desc(typeDevice, uint16(0x0200), miscClass, commonClass, association, 64,
		uint16(0x1d6b), uint16(0x0102), uint16(0x0100), stringVendor, stringProduct, stringSerial, 1)
}

func configDescriptor() []byte {
	body := join(
		desc(typeAssociation, 0, 2, classVideo, subCollection, 0, stringProduct),
		desc(typeInterface, 0, 0, 0, classVideo, subControl, 0, stringProduct), controlInterface(),
		desc(typeInterface, 1, 0, 1, classVideo, subStreaming, 0, 0), streamingInterface(),
		desc(typeEndpoint, 0x81, 2 /* bulk */, uint16(512), 0),
	)
	return join(desc(typeConfig, uint16(9+len(body)), 2, 1, 0, 0x80, 250), body)
}

func controlInterface() []byte {
	entities := join(
		desc(typeClassInterface, 2, cameraTerminal, uint16(0x0201), 0, 0, uint16(0), uint16(0), uint16(0), 3, 0, 0, 0),
		desc(typeClassInterface, 5, processingUnit, cameraTerminal, uint16(0), 2, 1 /* brightness */, 0, 0),
		desc(typeClassInterface, 3, outputTerminal, uint16(0x0101), 0, processingUnit, 0),
	)
	return join(desc(typeClassInterface, 1, uint16(0x0100), uint16(13+len(entities)), uint32(48_000_000), 1, 1), entities)
}

func streamingInterface() []byte {
	// YUY2 as a GUID.
	yuy2 := []byte{'Y', 'U', 'Y', '2', 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71}
	// Primaries of sRGB, transfer of BT.709, matrix of BT.601.
	colors := desc(typeClassInterface, 0x0D, 1, 1, 4)
	formats := join(
		desc(typeClassInterface, 6, formatMJPG, len(sizes), 0, 1, 0, 0, 0, 0), frameDescriptors(7), colors,
		desc(typeClassInterface, 4, formatYUYV, len(sizes), yuy2, 16, 1, 0, 0, 0, 0), frameDescriptors(5), colors,
	)
	return join(desc(typeClassInterface, 1, 2, uint16(15+len(formats)), 0x81, 0, outputTerminal, 0, 0, 0, 1, 0, 0), formats)
}

func frameDescriptors(subtype int) []byte {
	var b []byte
	for i, s := range sizes {
		bits, bytes := uint32(s.width*s.height*16), uint32(s.width*s.height*2)
		fields := join(typeClassInterface, subtype, i+1, 0, uint16(s.width), uint16(s.height),
			bits*uint32(rates[len(rates)-1]), bits*uint32(rates[0]), bytes, uint32(ticks/rates[0]), len(rates))
		for _, r := range rates {
			fields = join(fields, uint32(ticks/r))
		}
		b = append(b, desc(fields)...)
	}
	return b
}

// Indices of the string descriptors.
const (
	stringLanguages = iota
	stringVendor
	stringProduct
	stringSerial
)

func stringDescriptor(index int, serial string) ([]byte, bool) {
	texts := map[int]string{stringVendor: "Edge", stringProduct: "Simulated Camera", stringSerial: serial}
	if index == stringLanguages {
		return desc(typeString, uint16(0x0409)), true
	}
	b := []byte{typeString}
	for _, u := range utf16.Encode([]rune(texts[index])) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return desc(b), texts[index] != ""
}
