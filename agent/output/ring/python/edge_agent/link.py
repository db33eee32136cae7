"""One connection to an agent, and the frames that it has. PROTOCOL.md says what is read."""

import array
import collections
import json
import mmap
import os
import select
import socket
import struct
import threading
import time

import numpy

from .lens import Lens

MAGIC = "edge-agent-ring"
SLOT = struct.Struct("<16xQqqqQIII4x8x6d")  # a slot header, from sequence on
CAMERA = struct.Struct("<128xII")  # and what the first agents did not have
LEAST = 128  # bytes of their slot headers and messages
VERDICTS = ("frozen", "black", "blown-out", "blurred", "stale")  # bit 0 first
DTYPES = ("uint8", "int8", "float16", "float32")
Record = collections.namedtuple("Record", "sequence timestamp dequeued published length verdict width height geometry camera")


class Overtaken(Exception):
    """The agent wrote over the frame while it was in use."""


class Frame:
    """data is the tensor, or the bytes of the file, read-only in the agent's memory.
    timestamp (of capture), dequeued and published are nanoseconds of
    time.CLOCK_MONOTONIC; verdict is 0 for a good frame; camera is the width and
    height of the camera's picture. skipped is how many frames were published
    between this one and the one before it that was returned."""

    def __init__(self, link, generation, skipped, record, data):
        self.link, self.generation, self.skipped, self.data = link, generation, skipped, data
        self.__dict__.update(record._asdict())

    @property
    def description(self):
        """That of the ring; another one after the agent changed the output."""
        return self.link.description

    @property
    def age(self):
        """Seconds since capture."""
        return (time.clock_gettime_ns(time.CLOCK_MONOTONIC) - self.timestamp) / 1e9

    def valid(self):
        """Ask it after the work: was data this frame's own to the end?"""
        return self.link.generation_of(self.generation) == self.generation

    def copy(self):
        """data in memory of one's own, for as long as one likes, or Overtaken."""
        data = self.data.copy()
        if not self.valid():
            raise Overtaken(f"frame {self.sequence}")
        return data

    def verdicts(self):
        """The names of what speaks against the frame; empty for a good one."""
        bits = (bit for bit in range(32) if self.verdict >> bit & 1)
        return [VERDICTS[bit] if bit < len(VERDICTS) else f"bit-{bit}" for bit in bits]

    def to_camera(self, x, y):
        """Maps a point of the frame to the camera's picture, in pixels; NaN where
        the frame shows nothing that the lens lets through."""
        xx, xy, x0, yx, yy, y0 = self.geometry
        x, y = xx * x + xy * y + x0, yx * x + yy * y + y0
        lens = self.link.lens(self.camera)
        return lens.to_camera(x, y) if lens else (x, y)

    def from_camera(self, x, y):
        """The inverse; NaN for points that the undistorted picture has nowhere."""
        lens = self.link.lens(self.camera)
        if lens:
            x, y = lens.from_camera(x, y)
        xx, xy, x0, yx, yy, y0 = self.geometry
        x, y, d = x - x0, y - y0, xx * yy - xy * yx or float("nan")
        return (yy * x - xy * y) / d, (xx * y - yx * x) / d


class Link:
    """Waits for nothing. Frames outlive it: the memory is theirs, too."""

    def __init__(self, path):
        self.description, self.lenses, self.fence = None, {}, threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        self.poll = select.poll()
        self.poll.register(self.socket, select.POLLIN)
        try:
            self.socket.connect(path)
        except BaseException:
            self.socket.close()
            raise

    def close(self):
        self.socket.close()

    def describe(self):
        """Reads the first message; False when it is not there yet."""
        try:
            text, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return False
        descriptors = array.array("i")
        for _, _, data in control:
            descriptors.frombytes(data[: len(data) // 4 * 4])
        try:
            if not text:
                raise ConnectionResetError("the agent hung up")
            description = json.loads(text)
            check(description, os.fstat(descriptors[0]).st_size if descriptors else 0)
            memory = mmap.mmap(descriptors[0], description["size"], prot=mmap.PROT_READ)
        except (ValueError, KeyError, TypeError) as error:
            raise OSError(f"read description: {error!r}") from error
        finally:
            for fd in descriptors:
                os.close(fd)
        self.memory = numpy.frombuffer(memory, numpy.uint8)
        self.words = self.memory[: self.memory.size // 8 * 8].view("<u8")
        self.last, self.description = description["newest"], description
        return True

    def take(self, again):
        """The newest frame or None; unless again, only one that was not returned
        before. What the messages say is not looked at: the ring may be newer still.
        But all are read, so that the agent sees room."""
        try:
            while self.socket.recv(4096):
                pass
            hung_up = True
        except BlockingIOError:
            hung_up = False
        for _ in range(16):  # overtaken means that there is a newer one
            generation = int(self.words[1])
            if generation == 0 or generation <= self.last and (hung_up or not again):
                break
            frame = self.frame(generation)
            if frame:
                self.last = generation
                return frame
        if hung_up:  # a frame that was published just before came first
            raise ConnectionResetError("the agent hung up")
        return None

    def frame(self, generation):
        """None when it was overtaken."""
        if self.generation_of(generation) != generation:
            return None
        start, d = self.slot(generation), self.description
        *fields, xx, xy, x0, yx, yy, y0 = SLOT.unpack_from(self.memory, start)
        camera = CAMERA.unpack_from(self.memory, start) if d["header_size"] >= CAMERA.size else (0, 0)
        record = Record(*fields, (xx, xy, x0, yx, yy, y0), camera)
        if self.generation_of(generation) != generation or record.length > d["data_size"]:
            return None
        data = self.memory[start + d["header_size"] :][: record.length]
        if "shape" in d:
            data = data.view(d["dtype"]).reshape(d["shape"])
        skipped = max((generation - self.last) // 2 - 1, 0)
        return Frame(self, generation, skipped, record, data)

    def lens(self, camera):
        """The ring's lens for pictures of that size, or None."""
        if "lens" not in self.description:
            return None
        if camera not in self.lenses:
            self.lenses = {camera: Lens(self.description["lens"], *camera)}
        return self.lenses[camera]

    def slot(self, generation):
        d = self.description
        return d["first_slot"] + (generation // 2 - 1) % d["slots"] * d["slot_size"]

    def generation_of(self, generation):
        """What the slot of that frame holds now, after all loads before."""
        for _ in range(2):  # release, then acquire: a fence, which arm64 needs
            with self.fence:
                pass
        return int(self.words[self.slot(generation) // 8])


def check(d, size):
    """Raises OSError when it is no ring that can be read here, and nothing in it may
    point outside of the size bytes of shared memory."""
    if d["magic"] != MAGIC:
        raise OSError("not an edge-agent ring")
    if "error" in d:
        raise ConnectionRefusedError(d["error"])
    if d["version"] not in (1, 2):
        raise OSError(f"version {d['version']}: this reader knows versions 1 and 2")
    first, step, header, data = (d[key] for key in ("first_slot", "slot_size", "header_size", "data_size"))
    for key in ("size", "slots", "first_slot", "slot_size", "header_size", "data_size"):
        if type(d[key]) is not int or d[key] <= 0:
            raise OSError(f"{key} {d[key]!r}: sizes must be positive")
    if first < LEAST or header < LEAST or first % 8 or step % 8 or header % 8:
        raise OSError(f"header of {header} bytes, slots of {step} at {first}: not aligned")
    if data > step - header or d["slots"] > (d["size"] - first) // step or d["size"] > size:
        raise OSError(f"{d['slots']} slots of {step} bytes do not fit into {size}")
    if type(d["newest"]) is not int:
        raise OSError("newest is no number")
    if "shape" in d and d["dtype"] not in DTYPES:
        raise OSError(f"dtype {d['dtype']!r}: this reader knows {', '.join(DTYPES)}")
