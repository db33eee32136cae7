package files

import (
	"strconv"

	"github.com/edge-agent/agent/preproc"
)

// npyHeaderBytes is the length of the header of any tensor of ours. NumPy wants
// the data at a multiple of 64; the longest dictionary fits into two.
const npyHeaderBytes = 128

var npyTypes = map[preproc.DType]string{preproc.Uint8: "|u1", preproc.Float16: "<f2", preproc.Float32: "<f4", preproc.Int8: "|i1"}

// AppendNPYHeader appends what stands before the data in a NumPy file, format
// version 1.0, for a tensor of this spec and size. Source:
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
func AppendNPYHeader(b []byte, s *preproc.Spec, width, height int) []byte {
	start := len(b)
	b = append(b, "\x93NUMPY\x01\x00"...)
	b = append(b, npyHeaderBytes-10, 0) // the length of what follows, little-endian
	b = append(b, "{'descr': '"...)
	b = append(b, npyTypes[s.DType]...)
	b = append(b, "', 'fortran_order': False, 'shape': ("...)
	shape := [3]int{height, width, s.Channels()}
	if s.Layout == preproc.CHW {
		shape = [3]int{s.Channels(), height, width}
	}
	for i, n := range shape {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	b = append(b, "), }"...)
	for len(b)-start < npyHeaderBytes-1 {
		b = append(b, ' ')
	}
	return append(b, '\n')
}
