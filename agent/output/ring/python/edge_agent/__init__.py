"""Frames of an edge camera agent, of the same machine: the standard library and numpy.

    import edge_agent

    for frame in edge_agent.frames("front", "model"):  # always the newest one
        boxes = infer(frame.data)              # numpy, in the agent's memory: no copy
        if not frame.valid():                  # it took too long: written over meanwhile
            continue
        X, Y = frame.to_camera(x, y)           # numbers, or arrays of them

Who asks for frames, and not the other way round, takes a Ring: its newest() waits
for nothing, its next() for a frame that was not returned before, or for a time.
All of them connect again by themselves when the agent hung up.

Instead of a camera's name, a directory may stand that has its sockets, and the path
of a socket instead of both names. Names are looked up below the directory that the
environment names in EDGE_AGENT_RUN, else below /run/agent.

The agent's PROTOCOL.md says what is read here.
"""

import os
import time

from .link import Frame, Link, Overtaken

__all__ = ["Away", "Frame", "Overtaken", "Ring", "frames", "path"]

PAUSES = 0.1, 5  # s, between tries to connect: the first and the longest
HANDSHAKE = 5  # s, for the agent to describe its ring


class Away(ConnectionError):
    """No agent serves the ring at the moment. The next call tries again."""


def frames(camera, output=None):
    """Yields frames for ever, and waits for an agent that is not there."""
    with Ring(camera, output, later=True) as ring:
        yield from ring


def path(camera, output=None):
    """Where the agent has the socket of a camera's output."""
    if output is None:
        return os.fspath(camera)
    run = os.environ.get("EDGE_AGENT_RUN") or "/run/agent"
    return os.path.join(run, camera, output + ".sock")


class Ring:
    """The frames of one output, for one thread. Unless later is set, an agent that
    is not there is an error: Away says what is wrong with the path."""

    def __init__(self, camera, output=None, later=False):
        self.path, self.link, self.why = path(camera, output), None, None
        self.pause, self.retry = PAUSES[0], 0
        reached = self._reach()
        while self.link and not reached:
            self._wait(None)
            reached = self._reach()
        if not reached and not later:
            raise self._away()

    def newest(self):
        """The newest frame that there is, also one that was returned before or is
        from before the connection; None when nothing was published yet. It waits for
        nothing: Away is raised while no agent is there."""
        for _ in range(2):  # for the agent that follows one which hung up
            if not self._reach():
                break
            try:
                return self._take(again=True)
            except ConnectionError as error:
                self._fail(error)
        raise self._away()

    def next(self, timeout=None):
        """Waits for a frame that is newer than the one returned before, and than the
        connection, and gives the newest. After timeout seconds it gives None, or
        raises Away when no agent is there; without one it waits for ever."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            reached = self._reach()
            if reached:
                try:
                    frame = self._take(again=False)
                except ConnectionError as error:
                    self._fail(error)
                    continue
                if frame:
                    return frame
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                if reached:
                    return None
                raise self._away()
            self._wait(left)

    def __iter__(self):
        while True:
            yield self.next()

    @property
    def description(self):
        """What the agent says of the ring; None while it is away."""
        return self.link.description if self.link else None

    def close(self):
        if self.link:
            self.link.close()
        self.link = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _take(self, again):
        frame = self.link.take(again)
        if frame:
            self.pause = 0
        return frame

    def _reach(self):
        """Whether the ring is known; it waits for nothing."""
        if not self.link:
            if time.monotonic() < self.retry:
                return False
            try:
                self.link = Link(self.path)
            except OSError as error:
                self._fail(error)
                return False
            self.limit = time.monotonic() + HANDSHAKE
            self.why = "no description"
        if self.link.description:
            return True
        try:
            if self.link.describe():
                return True
            if time.monotonic() > self.limit:
                raise TimeoutError("no description")
        except OSError as error:
            self._fail(error)
        return False

    def _fail(self, why):
        """The pause grows until a frame comes, or an agent that hangs up at once
        would be asked without end."""
        self.close()
        self.why, self.retry = why, time.monotonic() + self.pause
        self.pause = min(max(2 * self.pause, PAUSES[0]), PAUSES[1])

    def _wait(self, seconds):
        """For the socket, or the next try, or the seconds to pass."""
        until = self.retry
        if self.link:
            until = float("inf") if self.link.description else self.limit
        left = max(until - time.monotonic(), 0)
        left = left if seconds is None else min(left, seconds)
        if not self.link:
            time.sleep(left)
            return
        self.link.poll.poll(None if left == float("inf") else left * 1000 + 1)

    def _away(self):
        return Away(f"{self.path}: agent is away: {self.why}")
