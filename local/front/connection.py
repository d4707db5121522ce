"""One connection: what came and was not read yet, what is due, and how long it has stood still."""

from __future__ import annotations

import enum
import errno
import math
import os
import select
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from local.front.errors import ServerBusyError
from local.front.heads import HeadReader

if TYPE_CHECKING:
    from local.application import Asked
    from local.front.bodies import Body
    from local.front.memory import Memory
    from local.front.outgoing import Outgoing

PATIENCE: Final = 0.1
"""Seconds that a thread stays with a client that has just been answered."""

TLS_PIECE: Final = 64 << 10
"""Bytes that are sent at once over TLS, where those that a slow client has taken count only together."""

_PIECE: Final = 64 << 10
_ORDINARY_HEAD: Final = 4 << 10
_TIMES_IN_MEMORY: Final = 4  # that a head is there: as it came, as fields, and twice in an event
_TURN: Final = 4 << 20  # bytes; then those who wait for a thread have one
_FAREWELL_SECONDS: Final = 30.0  # in all, for a client that sends on what nobody reads
_WAITING: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)
_BROKEN: Final = select.POLLHUP | select.POLLERR
_HUNG_UP: Final = getattr(select, "POLLRDHUP", 0) | _BROKEN
MORE: Final = getattr(socket, "MSG_MORE", 0)


class Phase(enum.Enum):
    """What a connection is about."""

    HANDSHAKE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    CALL = enum.auto()
    ANSWER = enum.auto()
    FAREWELL = enum.auto()
    """It was answered for the last time; what still comes is not read."""


class Connection:
    """A client's connection; one thread at a time has it.

    Parameters
    ----------
    address : str
        Of the client.
    """

    def __init__(self, sock: socket.socket, address: str) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.address = address
        self.is_tls = isinstance(sock, ssl.SSLSocket)
        self.phase = Phase.HANDSHAKE if self.is_tls else Phase.HEAD
        self.since = time.monotonic()
        self.deadline = math.inf
        self.reader = HeadReader()
        self.asked: Asked | None = None
        self.body: Body | None = None
        self.outgoing: Outgoing | None = None
        self.is_last = False
        """Whether the answer under way is the last one on this connection."""
        self.waits = False
        """Whether the request under way is one that may wait for a job."""
        self.is_new = True
        """Whether it has never been answered."""
        self.wants = selectors.EVENT_READ
        self._ahead = b""
        self._is_wanted: Callable[[], bool] = _never
        self._turn = 0
        self._head_memory: Memory | None = None
        self._head_size = 0

    def enter(self, phase: Phase) -> None:
        """Begin something, for which time is measured anew."""
        self.phase = phase
        self.since = time.monotonic()

    def keep_head(self, memory: Memory) -> None:
        """Take memory for a long head, until the request is forgotten.

        Raises
        ------
        ServerBusyError
            If too many have one.
        """
        size = _TIMES_IN_MEMORY * self.reader.size if self.reader.size > _ORDINARY_HEAD else 0
        if size <= self._head_size:
            return
        if not memory.reserve(size - self._head_size):
            raise ServerBusyError("Too many requests with long heads")
        self._head_memory, self._head_size = memory, size

    def be_patient(self, seconds: float) -> None:
        """Let reading and writing wait for so long, 0 for not at all."""
        self.sock.settimeout(seconds)

    def take_turn(self, is_wanted: Callable[[], bool] | None = None) -> None:
        """Begin to serve it: after some megabytes, pretend that the client waits if others do.

        Parameters
        ----------
        is_wanted : Callable[[], bool], optional
            Tells whether others wait for the thread that serves it.
        """
        self._is_wanted = is_wanted or _never
        self._turn = 0

    def receive(self, size: int = _PIECE) -> bytes | None:
        """Return what came; None if nothing did, for which the thread should not wait any longer.

        Raises
        ------
        ConnectionError
            If the client went away.
        """
        if self._ahead:
            piece, self._ahead = self._ahead[:size], self._ahead[size:]
            return piece
        if self._is_turn_over():
            return None
        try:
            piece = self.sock.recv(size)
        except _WAITING as error:
            self._wait_for(error, selectors.EVENT_READ)
            return None
        if not piece:
            raise ConnectionResetError
        self._turn += len(piece)
        if self.phase in (Phase.BODY, Phase.FAREWELL):
            self.since = time.monotonic()
        return piece

    def give_back(self, piece: bytes) -> None:
        """Put aside what came and belongs to the next request."""
        self._ahead = piece + self._ahead if self._ahead else piece

    @property
    def has_more(self) -> bool:
        """Whether something came that was not read yet."""
        return bool(self._ahead)

    def send(self, data: bytes | memoryview, *, is_end: bool) -> int | None:
        """Send what the client takes; return its size, or None if that is nothing."""
        if self._is_turn_over():
            return None
        if self.is_tls:
            data = data[:TLS_PIECE]
        try:
            sent = self.sock.send(data) if is_end or self.is_tls else self.sock.send(data, MORE)
        except _WAITING as error:
            self._wait_for(error, selectors.EVENT_WRITE)
            return None
        self._turn += sent
        self.since = time.monotonic()
        return sent

    def send_file(self, file: int, start: int, size: int) -> int | None:
        """Send a part of a file by the kernel, as `send`; 0 at the end of the file."""
        if self.is_tls:
            return self.send(piece, is_end=True) if (piece := os.pread(file, size, start)) else 0
        if self._is_turn_over():
            return None
        try:
            sent = os.sendfile(self.fd, file, start, size)
        except BlockingIOError:
            if self._becomes_writable():
                return self.send_file(file, start, size)
            self.wants = selectors.EVENT_WRITE
            return None
        self._turn += sent
        self.since = time.monotonic()
        return sent

    def shake_hands(self) -> bool:
        """Go on with the handshake of TLS; tell whether it is done."""
        try:
            self.sock.do_handshake()  # type: ignore[attr-defined]  # of an SSLSocket
        except _WAITING as error:
            self._wait_for(error, selectors.EVENT_READ)
            return False
        return True

    def is_gone(self) -> bool:
        """Tell whether the client has closed its side, without reading."""
        return self._is(_HUNG_UP)

    def has_arrived(self) -> bool:
        """Tell whether the client has sent something that was not read yet."""
        return self._is(select.POLLIN) and not self.is_gone()

    def hang_up(self) -> None:
        """Say that nothing more is sent."""
        self.deadline = time.monotonic() + _FAREWELL_SECONDS
        if isinstance(self.sock, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                self.sock.settimeout(0)
                self.sock = self.sock.unwrap()
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End it, with what it holds."""
        self.forget_request()
        with suppress(OSError):
            self.sock.close()

    def forget_request(self) -> None:
        """Let go of a request and its answer."""
        if self.body is not None:
            self.body.close()
        if self.outgoing is not None:
            self.outgoing.close()
        self.asked = self.body = self.outgoing = None
        self.forget_head()

    def forget_head(self) -> None:
        """Let go of what came of a head."""
        self.reader = HeadReader()
        if self._head_memory is not None:
            self._head_memory.release(self._head_size)
            self._head_memory, self._head_size = None, 0

    def _is_turn_over(self) -> bool:
        if self._turn < _TURN or not self._is_wanted():
            return False
        self.wants = selectors.EVENT_READ | selectors.EVENT_WRITE  # whatever is ready, at once
        return True

    def _becomes_writable(self) -> bool:
        return self._is(select.POLLOUT, within=self.sock.gettimeout() or 0)

    def _is(self, event: int, *, within: float = 0) -> bool:
        poll = select.poll()
        poll.register(self.fd, event)
        return any(found & (event | _BROKEN) for _, found in poll.poll(1000 * within))

    def _wait_for(self, error: OSError, event: int) -> None:
        if error.errno == errno.ETIMEDOUT:  # the system's word: the client answers no more
            raise ConnectionResetError from error
        if isinstance(error, ssl.SSLWantWriteError):
            event = selectors.EVENT_WRITE
        elif isinstance(error, ssl.SSLWantReadError):
            event = selectors.EVENT_READ
        self.wants = event


def _never() -> bool:
    return False
