"""Frames of an edge-agent ring: the standard library and numpy.

    for frame in frames("/run/agent/front/model.sock"):  # always the newest one
        boxes = infer(frame.data)            # in the agent's memory: no copy
        if not frame.valid():                # it took too long
            continue
        X, Y = frame.to_camera(x, y)         # numbers, or arrays of them

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
CAMERA = struct.Struct("<128xII")  # and what the first agents did not have
VERDICTS = ("frozen", "black", "blown-out", "blurred", "stale")  # bit 0 first
Record = collections.namedtuple("Record", "sequence timestamp dequeued published length verdict width height geometry camera")


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
        """Maps a point of the frame to the camera's picture, in pixels; NaN where
        the frame shows nothing that the lens lets through."""
        xx, xy, x0, yx, yy, y0 = self.geometry
        x, y = xx * x + xy * y + x0, yx * x + yy * y + y0
        lens = self.ring.lens(self.camera)
        return lens.to_camera(x, y) if lens else (x, y)

    def from_camera(self, x, y):
        """The inverse; NaN for points that the undistorted picture has nowhere."""
        lens = self.ring.lens(self.camera)
        if lens:
            x, y = lens.from_camera(x, y)
        xx, xy, x0, yx, yy, y0 = self.geometry
        x, y, d = x - x0, y - y0, xx * yy - xy * yx
        return (yy * x - xy * y) / d, (xx * y - yx * x) / d


class Ring:
    def __init__(self, path):
        self.fence = threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(path)
        text, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(4))
        if not text:
            raise ConnectionResetError(f"{path}: the agent hung up")
        d = self.description = json.loads(text)
        if d["magic"] != "edge-agent-ring" or d["version"] not in (1, 2) or "error" in d:
            raise OSError(f"{path}: {d.get('error', 'unknown protocol version')}")
        fd = array.array("i", control[0][2])[0]
        self.memory = numpy.frombuffer(mmap.mmap(fd, d["size"], prot=mmap.PROT_READ), numpy.uint8)
        socket.close(fd)
        self.last = d["newest"]
        self.lenses = {}

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
        header = self.description["header_size"]
        camera = CAMERA.unpack_from(self.memory, start) if header >= CAMERA.size else (0, 0)
        record = Record(*fields, (xx, xy, x0, yx, yy, y0), camera)
        start += header
        data = self.memory[start : start + record.length]
        if "shape" in self.description:
            data = data.view(self.description["dtype"]).reshape(self.description["shape"])
        if self.generation_of(generation) != generation:
            return None
        self.last = generation
        return Frame(self, generation, record, data)

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
        start = self.slot(generation)
        return int(self.memory[start : start + 8].view("<u8")[0])


class Lens:
    """Where a point of the undistorted picture lies in the camera's own, and the
    other way round: PROTOCOL.md has the formulas. description is that of the ring;
    width and height are the camera's. Points are numbers, or arrays of them."""

    def __init__(self, description, width, height):
        sx, sy = width / description["width"], height / description["height"]
        self.camera, self.picture = (
            (m["fx"] * sx, m["fy"] * sy, m["cx"] * sx, m["cy"] * sy)
            for m in (description["camera"], description["picture"])
        )
        self.fisheye = description["model"] == "fisheye"
        self.k, self.limit = description["coefficients"], description["limit"]
        self.tilt = numpy.eye(3) if self.fisheye else tilt(*self.k[12:])

    def to_camera(self, x, y):
        """NaN where the lens shows nothing."""
        fx, fy, cx, cy = self.picture
        x, y = (numpy.asarray(x) - cx) / fx, (numpy.asarray(y) - cy) / fy
        seen = numpy.hypot(x, y) <= self.limit
        x, y = self.bend(x, y)
        fx, fy, cx, cy = self.camera
        return numpy.where(seen, fx * x + cx, numpy.nan), numpy.where(seen, fy * y + cy, numpy.nan)

    def from_camera(self, x, y):
        """NaN for points that the undistorted picture has nowhere."""
        fx, fy, cx, cy = self.camera
        x, y = self.straighten((numpy.asarray(x) - cx) / fx, (numpy.asarray(y) - cy) / fy)
        fx, fy, cx, cy = self.picture
        return fx * x + cx, fy * y + cy

    def radius(self, r):
        """How far from the axis, in focal lengths, the lens puts what is at r."""
        k = self.k
        if self.fisheye:
            t = numpy.arctan(r)
            return t * (1 + t**2 * (k[0] + t**2 * (k[1] + t**2 * (k[2] + t**2 * k[3]))))
        above, below = (k[0], k[1], k[4]), (k[5], k[6], k[7])
        series = lambda k: 1 + r**2 * (k[0] + r**2 * (k[1] + r**2 * k[2]))
        return r * series(above) / series(below)

    def bend(self, x, y):
        """A ray of an ideal camera to where the lens puts it."""
        r = numpy.hypot(x, y)
        scale = self.radius(r) / numpy.maximum(r, 1e-300)
        scale = numpy.where(r > 0, scale, 1)
        if self.fisheye:
            return x * scale, y * scale
        p1, p2, s = self.k[2], self.k[3], self.k[8:12]
        return project(
            self.tilt,
            x * scale + 2 * p1 * x * y + p2 * (r**2 + 2 * x**2) + r**2 * (s[0] + r**2 * s[1]),
            y * scale + p1 * (r**2 + 2 * y**2) + 2 * p2 * x * y + r**2 * (s[2] + r**2 * s[3]),
        )

    def straighten(self, x, y):
        """The inverse: the radial part by bisection, then all by Newton's method."""
        u, v = project(numpy.linalg.inv(self.tilt), x, y)
        bent = numpy.maximum(numpy.hypot(u, v), 1e-300)
        low, high = numpy.zeros_like(bent), numpy.full_like(bent, self.limit)
        for _ in range(60):
            middle = (low + high) / 2
            below = self.radius(middle) < bent
            low, high = numpy.where(below, middle, low), numpy.where(below, high, middle)
        u, v, h = u * high / bent, v * high / bent, 1e-6
        for _ in range(10):
            ex, ey = numpy.subtract((x, y), self.bend(u, v))
            xx, yx = numpy.subtract(self.bend(u + h, v), self.bend(u - h, v)) / (2 * h)
            xy, yy = numpy.subtract(self.bend(u, v + h), self.bend(u, v - h)) / (2 * h)
            d = xx * yy - xy * yx
            d = numpy.where(d == 0, numpy.inf, d)
            u, v = u + (yy * ex - xy * ey) / d, v + (xx * ey - yx * ex) / d
        error = numpy.hypot(*numpy.subtract((x, y), self.bend(u, v)))
        found = (error < 1e-7) & (numpy.hypot(u, v) <= self.limit)
        return numpy.where(found, u, numpy.nan), numpy.where(found, v, numpy.nan)


def tilt(tau_x, tau_y):
    """The homography of a tilted sensor."""
    (sx, cx), (sy, cy) = ((numpy.sin(t), numpy.cos(t)) for t in (tau_x, tau_y))
    about_x = numpy.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_y = numpy.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    r = about_y @ about_x
    return numpy.array([[r[2, 2], 0, -r[0, 2]], [0, r[2, 2], -r[1, 2]], [0, 0, 1]]) @ r


def project(h, x, y):
    w = h[2, 0] * x + h[2, 1] * y + h[2, 2]
    return (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / w, (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / w


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
