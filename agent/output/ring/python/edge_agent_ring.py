"""Frames of an edge-agent ring: the standard library and numpy.

    for frame in frames("/run/agent/front/model.sock"):  # always the newest one
        boxes = infer(frame.data)            # in the agent's memory: no copy
        if not frame.valid():                # it took too long
            continue
        X, Y = frame.to_camera(x, y)

The agent's PROTOCOL.md says what is read here. A Ring is one connection, and ends
when the agent hangs up (StopIteration); frames() connects again.
"""

import array
import collections
import json
import mmap
import socket
import struct
import threading
import time

import numpy

SLOT = struct.Struct("<16xQqqqQIII4x8x6d")  # a slot header, from sequence on
VERDICTS = ("frozen", "black", "blown-out", "blurred", "stale")  # bit 0 first
Record = collections.namedtuple("Record", "sequence timestamp dequeued published length verdict width height geometry")


class Frame:
    """data is the tensor, or the bytes of the file; timestamps are nanoseconds
    of time.CLOCK_MONOTONIC. Good until the next one is asked for."""

    def __init__(self, ring, generation, record, data):
        self.ring, self.generation, self.data = ring, generation, data
        self.__dict__.update(record._asdict())

    def valid(self):
        """Ask it after the work: was data this frame's own to the end?"""
        return self.ring.generation_of(self.generation) == self.generation

    def verdicts(self):
        """The names of what speaks against the frame; empty for a good one."""
        bits = (bit for bit in range(32) if self.verdict >> bit & 1)
        return [VERDICTS[bit] if bit < len(VERDICTS) else f"bit-{bit}" for bit in bits]

    def to_camera(self, x, y):
        """Maps a point of the frame to the camera's picture, in pixels."""
        xx, xy, x0, yx, yy, y0 = self.geometry
        return xx * x + xy * y + x0, yx * x + yy * y + y0


class Ring:
    def __init__(self, path):
        self.fence = threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(path)
        text, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(4))
        if not text:
            raise ConnectionResetError(f"{path}: the agent hung up")
        d = self.description = json.loads(text)
        if d["magic"] != "edge-agent-ring" or d["version"] != 1 or "error" in d:
            raise OSError(f"{path}: {d.get('error', 'unknown protocol version')}")
        fd = array.array("i", control[0][2])[0]
        self.memory = numpy.frombuffer(mmap.mmap(fd, d["size"], prot=mmap.PROT_READ), numpy.uint8)
        socket.close(fd)
        self.last = d["newest"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def __iter__(self):
        return self

    def __next__(self):
        while True:
            if not self.socket.recv(4096):
                raise StopIteration
            try:  # all that is queued, so that the agent sees room
                while self.socket.recv(4096, socket.MSG_DONTWAIT):
                    pass
            except BlockingIOError:
                pass
            frame = self.newest()
            if frame:
                return frame

    def newest(self):
        """The newest frame, if it was not returned before."""
        generation = int(self.memory[8:16].view("<u8")[0])
        if generation <= self.last or self.generation_of(generation) != generation:
            return None
        start = self.slot(generation)
        *fields, xx, xy, x0, yx, yy, y0 = SLOT.unpack_from(self.memory, start)
        record = Record(*fields, (xx, xy, x0, yx, yy, y0))
        start += self.description["header_size"]
        data = self.memory[start : start + record.length]
        if "shape" in self.description:
            data = data.view(self.description["dtype"]).reshape(self.description["shape"])
        if self.generation_of(generation) != generation:
            return None
        self.last = generation
        return Frame(self, generation, record, data)

    def slot(self, generation):
        d = self.description
        return d["first_slot"] + (generation // 2 - 1) % d["slots"] * d["slot_size"]

    def generation_of(self, generation):
        """What the slot of that frame holds now, after all loads before."""
        for _ in range(2):  # release, then acquire: a fence, which arm64 needs
            with self.fence:
                pass
        start = self.slot(generation)
        return int(self.memory[start : start + 8].view("<u8")[0])


def frames(path):
    """Yields frames for ever: when the agent hangs up or is not there, it is
    tried again at once, then with pauses from 100 ms up to 5 s."""
    pause = 0
    while True:
        time.sleep(pause)
        try:
            with Ring(path) as ring:
                pause = 0
                for frame in ring:
                    yield frame
        except (ConnectionError, FileNotFoundError):
            pause = min(max(2 * pause, 0.1), 5)
