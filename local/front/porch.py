"""The thread that watches all connections that wait for their client, and lets in new ones."""

from __future__ import annotations

import heapq
import os
import selectors
import socket
import ssl
import time
from collections import deque
from contextlib import suppress
from typing import Final

from local.front.connection import Connection, Phase

_HEAD_SECONDS: Final = 20.0
_IDLE_SECONDS: Final = 60.0
_STALLED_SECONDS: Final = 60.0
_FAREWELL_SECONDS: Final = 2.0
# Until a connection may have to make room for another one: whoever has just connected, or has an
# answer, may be about to ask.
_IDLE_ENOUGH: Final = 0.25
_CANDIDATES: Final = 8
_STILL_SECONDS: Final = 5.0  # amid a request
_SWEEP_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 0.05
_ACCEPTED_AT_ONCE: Final = 64
_WITHOUT_CALL: Final = (Phase.HANDSHAKE, Phase.HEAD, Phase.FAREWELL)


class Porch:
    """Connections that nobody serves at the moment; one thread calls all but `park` and `wake`.

    Parameters
    ----------
    listener : socket.socket
        Listens already.
    tls : ssl.SSLContext, optional
        With which each connection begins.
    most : int
        Connections at once. One more takes the place of the one that has been idle for longest, for
        a moment at least, or has stood still amid a request; else it waits until another one ends.
    """

    def __init__(self, listener: socket.socket, *, tls: ssl.SSLContext | None, most: int) -> None:
        self._listener = listener
        self._tls = tls
        self._most = most
        self._parking: deque[Connection] = deque()
        self._watched: dict[Connection, int] = {}
        self.connections: set[Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._wake_from, self._wake_to = os.pipe()
        for end in (self._wake_from, self._wake_to):
            os.set_blocking(end, False)
        self._selector.register(self._wake_from, selectors.EVENT_READ)
        self._is_open = False
        self._closed_until = 0.0
        self._next_sweep = 0.0
        listener.settimeout(0)
        self._open_door()

    def wake(self) -> None:
        """End the current wait."""
        with suppress(OSError):  # it is full, so it wakes; or nobody is there any more
            os.write(self._wake_to, b"\0")

    def park(self, connection: Connection) -> None:
        """Take over a connection, from any thread."""
        self._parking.append(connection)
        self.wake()

    def shut(self) -> None:
        """Let none in any more."""
        self._close_door()
        self._closed_until = 0.0
        self._listener.close()

    def look(self, seconds: float) -> list[Connection]:
        """Wait for clients; return the connections whose client did something."""
        stirred: list[Connection] = []
        if self._closed_until:
            seconds = min(seconds, _PAUSE_SECONDS)
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj == self._wake_from:
                with suppress(BlockingIOError):
                    os.read(self._wake_from, 4096)
            else:
                stirred.append(key.data)
        while self._parking:
            self._watch(self._parking.popleft())
        return [one for one in stirred if one in self._watched]  # some had to make room just now

    def release(self, connection: Connection) -> None:
        """Watch a connection no longer: a thread takes it."""
        if self._watched.pop(connection, 0):
            self._selector.unregister(connection.fd)

    def keep(self, connection: Connection) -> None:
        """Watch a connection on, for what it wants now."""
        self._watch(connection)

    def end(self, connection: Connection) -> None:
        """Close a connection that no thread has, or that this thread has."""
        self.release(connection)
        self.forget(connection)

    def forget(self, connection: Connection) -> None:
        """Close a connection that is not watched, from any thread."""
        self.connections.discard(connection)
        connection.close()

    def overdue(self) -> list[Connection]:
        """Return the watched connections that have stood still for too long, now and then."""
        now = time.monotonic()
        if not self._is_open and self._closed_until and now >= self._closed_until:
            self._closed_until = 0.0
            self._open_door()
        if now < self._next_sweep:
            return []
        self._next_sweep = now + _SWEEP_SECONDS
        return [one for one in self._watched if now > min(one.since + _seconds(one), one.deadline)]

    def idle(self, *, since: float) -> list[Connection]:
        """Return the watched connections on which no request is under way, or has begun lately."""
        return [
            one
            for one in self._watched
            if one.phase is Phase.FAREWELL
            or (one.phase is Phase.HEAD and not one.reader.has_begun)
            or (one.phase in (Phase.HANDSHAKE, Phase.HEAD) and one.since < since)
        ]

    @property
    def has_callers(self) -> bool:
        """Whether somebody wants to be let in."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            return bool(selector.select(0))

    def close(self) -> None:
        """Close what no thread has."""
        for connection in list(self._watched):
            self.end(connection)
        self._selector.close()
        os.close(self._wake_from)

    def _open_door(self) -> None:
        if not self._is_open:
            self._selector.register(self._listener, selectors.EVENT_READ)
            self._is_open = True

    def _close_door(self) -> None:
        if self._is_open:
            self._selector.unregister(self._listener)
            self._is_open = False

    def _watch(self, connection: Connection) -> None:
        wanted = self._watched.get(connection)
        if wanted == connection.wants:
            return
        change = self._selector.modify if wanted else self._selector.register
        try:
            change(connection.fd, connection.wants, connection)
        except (OSError, ValueError, KeyError):  # the system watches no more of them, or it is closed
            self._watched.pop(connection, None)
            self.forget(connection)
        else:
            self._watched[connection] = connection.wants

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            if len(self.connections) >= self._most and not self._make_room():
                self._pause()
                return
            try:
                sock, address = self._listener.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError:  # no descriptors, no memory: those who wait go on waiting
                self._pause()
                return
            self._admit(sock, str(address[0]))

    def _admit(self, sock: socket.socket, address: str) -> None:
        sock.settimeout(0)
        if self._tls is not None:
            try:
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            except (OSError, ValueError):  # it has gone already
                sock.close()
                return
        connection = Connection(sock, address)
        self.connections.add(connection)
        self._watch(connection)

    def _make_room(self) -> bool:
        now = time.monotonic()
        waiting = [
            one for one in self._watched if one.phase in _WITHOUT_CALL and one.since < now - _IDLE_ENOUGH
        ]
        waiting = waiting or [one for one in self._watched if one.since < now - _STILL_SECONDS]
        oldest = heapq.nsmallest(_CANDIDATES, waiting, key=lambda one: one.since)
        found = next((one for one in oldest if not one.has_arrived()), None)
        if found is None:
            return False
        self.end(found)
        return True

    def _pause(self) -> None:
        self._close_door()
        self._closed_until = time.monotonic() + _PAUSE_SECONDS


def _seconds(connection: Connection) -> float:
    """Return how long a connection may be as it is."""
    match connection.phase:
        case Phase.FAREWELL:
            return _FAREWELL_SECONDS
        case Phase.BODY | Phase.ANSWER:
            return _STALLED_SECONDS
        case Phase.HEAD if not connection.is_new and not connection.reader.has_begun:
            return _IDLE_SECONDS
        case _:
            return _HEAD_SECONDS
