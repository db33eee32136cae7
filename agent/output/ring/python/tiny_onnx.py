"""Writes to sys.argv[1] a detector of red squares of 8x8 in tensors of 3x64x64, as
ONNX by hand, for the test of detect.py: the mean of each such square, red less green
less blue, is the score of a row."""

import struct
import sys


def varint(v):
    out = b""
    while v > 127:
        out, v = out + bytes([v & 127 | 128]), v >> 7
    return out + bytes([v])


def field(number, value):
    """A field of a protobuf: an integer, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, dims, form, values):
    kind = {"f": 1, "q": 7}[form]  # FLOAT, INT64
    data = struct.pack(f"<{len(values)}{form}", *values)
    return b"".join(field(1, d) for d in dims) + field(2, kind) + field(8, name) + field(9, data)


def value(name, dims):
    shape = b"".join(field(1, field(1, d)) for d in dims)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def node(kind, inputs, output, **attributes):
    out = b"".join(field(1, i) for i in inputs) + field(2, output) + field(3, output) + field(4, kind)
    for name, v in attributes.items():
        many = b"".join(field(8, i) for i in v) if isinstance(v, list) else field(3, v)
        out += field(5, field(1, name) + many + field(20, 7 if isinstance(v, list) else 2))
    return out


N = 64 // 8
boxes = [v for y in range(N) for x in range(N) for v in (8 * x + 4, 8 * y + 4, 8, 8)]
nodes = [
    node("AveragePool", ["image"], "means", kernel_shape=[8, 8], strides=[8, 8]),
    node("Conv", ["means", "red"], "map", kernel_shape=[1, 1]),
    node("Reshape", ["map", "rows"], "scores"),
    node("Concat", ["boxes", "scores"], "found", axis=2),
]
tensors = [
    tensor("red", [1, 3, 1, 1], "f", [1, -1, -1]),
    tensor("rows", [3], "q", [1, N * N, 1]),
    tensor("boxes", [1, N * N, 4], "f", boxes),
]
graph = b"".join(field(1, n) for n in nodes) + field(2, "red squares") + b"".join(field(5, t) for t in tensors)
graph += field(11, value("image", [1, 3, 64, 64])) + field(12, value("found", [1, N * N, 5]))
with open(sys.argv[1], "wb") as f:
    f.write(field(1, 7) + field(8, field(2, 11)) + field(7, graph))
