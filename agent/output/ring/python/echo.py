"""Does what the test says, line by line, with the ring at sys.argv[1], and prints a
line of JSON for each: next, next SECONDS, newest, valid, describe. c/echo.c does the
same."""

import json
import math
import sys
import zlib

import edge_agent


def plain(*numbers):
    """For JSON, which has no NaN."""
    return [None if math.isnan(v) else float(v) for v in numbers]


def told(f):
    names = "sequence timestamp dequeued published skipped length verdict width height geometry camera"
    fields = {name: getattr(f, name) for name in names.split()}
    fields.update(
        status="frame",
        crc=zlib.crc32(f.data),
        ends=plain(f.data.flat[0], f.data.flat[-1]),
        shape=f.data.shape,
        dtype=str(f.data.dtype),
        writeable=f.data.flags.writeable,
        point=plain(*f.to_camera(10, 20)),
        back=plain(*f.from_camera(*f.to_camera(10, 20))),
        corner=plain(*f.to_camera(f.width, f.height)),
        verdicts=" ".join(f.verdicts()),
        old=f.age > 0,
        valid=f.valid(),
    )
    return fields


def copied(f):
    try:
        f.copy()
        return True
    except edge_agent.Overtaken:
        return False


def answer(ring, frame, command, *seconds):
    if command == "describe":
        return None, ring.description or {}
    if command == "valid":
        return frame, {"valid": frame.valid(), "copied": copied(frame)}
    try:
        found = ring.newest() if command == "newest" else ring.next(*map(float, seconds))
    except edge_agent.Away as away:
        return None, {"status": "away", "why": str(away)}
    return found, told(found) if found else {"status": "none"}


frame = None
with edge_agent.Ring(sys.argv[1], later=True) as ring:
    for line in sys.stdin:
        frame, said = answer(ring, frame, *line.split())
        print(json.dumps(said), flush=True)
