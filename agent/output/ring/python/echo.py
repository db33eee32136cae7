"""Prints what a ring at sys.argv[1] delivers, a JSON line a frame, after one for each
connection: for the test."""

import json
import math
import sys

import edge_agent_ring


def plain(*numbers):
    """For JSON, which has no NaN."""
    return [None if math.isnan(v) else float(v) for v in numbers]


ring = None
for f in edge_agent_ring.frames(sys.argv[1]):
    if f.ring is not ring:
        ring = f.ring
        print(json.dumps(ring.description), flush=True)
    fields = {k: getattr(f, k) for k in edge_agent_ring.Record._fields}
    fields.update(
        first=float(f.data.flat[0]),
        last=float(f.data.flat[-1]),
        sum=float(f.data.sum(dtype="float64")),
        shape=f.data.shape,
        dtype=str(f.data.dtype),
        writeable=f.data.flags.writeable,
        point=plain(*f.to_camera(10, 20)),
        back=plain(*f.from_camera(*f.to_camera(10, 20))),
        corner=plain(*f.to_camera(f.width, f.height)),
        verdicts=" ".join(f.verdicts()),
        valid=f.valid(),
    )
    print(json.dumps(fields), flush=True)
