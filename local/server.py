"""Listening, serving and ending: waitress, with a graceful end."""

from __future__ import annotations

import logging
import select
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from waitress.server import TcpWSGIServer, create_server  # type: ignore[import-untyped]

from local.discretion import keep_discretion

THREADS = 96
"""A synchronous job holds one for its whole duration, so there are many; idle ones cost little."""

DRAIN_SECONDS = 10.0
_MIB = 1 << 20

_STALLED_MILLISECONDS = 60_000


class CannotListenError(Exception):
    """The address cannot be bound; the message says why, in one line."""


def bind(host: str, port: int) -> socket.socket:
    """Reserve an address without accepting connections yet.

    Raises
    ------
    CannotListenError
        If it is in use, or none of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        # A restart must not wait for the connections of the last run to time out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Connections inherit it: a client that stops taking its answer does not hold a thread for ever.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MILLISECONDS)
        listener.bind(address)
    except OSError as error:
        raise CannotListenError(f"Cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def serve(application: Callable[..., Any], listener: socket.socket, *, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests that are under way.

    Parameters
    ----------
    ready : Callable
        Called once connections are accepted.

    Raises
    ------
    CannotListenError
        If the address was taken meanwhile.
    """
    try:
        server = _create_server(application, listener)
    except OSError as error:  # another process may bind the same port, but only one listens on it
        raise CannotListenError(f"Cannot listen: {error.strerror}") from error
    stopping = _Stop(server)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopping)
    ready()
    while not stopping.asked:
        _turn(server, seconds=1.0)
    _drain(server)


class _Stop:
    """A signal handler that remembers; a second signal ends the process at once."""

    def __init__(self, server: TcpWSGIServer) -> None:
        self._server = server
        self.asked = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.asked = True
        self._server.pull_trigger()  # wakes the loop
        signal.signal(number, signal.SIG_DFL)


def _create_server(application: Callable[..., Any], listener: socket.socket) -> TcpWSGIServer:
    # That a request waits for a thread for a moment is no complaint; threads start on demand.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    keep_discretion()
    server: TcpWSGIServer = create_server(
        application,
        sockets=[listener],
        threads=THREADS,
        ident="Dicomorph",
        backlog=1024,
        connection_limit=1000,
        # A client that sends or takes nothing for this long is dropped.
        channel_timeout=60,
        cleanup_interval=15,
        max_request_header_size=64 << 10,
        # Uploads have no limit but the disk; beyond this size they go there.
        max_request_body_size=1 << 50,
        inbuf_overflow=5 * _MIB,
        outbuf_overflow=16 * _MIB,
        outbuf_high_watermark=4 * _MIB,
        recv_bytes=_MIB,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=True,
    )
    return server


def _drain(server: TcpWSGIServer) -> None:
    """Finish what has been asked for, for a limited time, while nothing new comes in."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while select.select([server.socket], [], [], 0)[0] and time.monotonic() < deadline:
        _turn(server, seconds=0)  # accepts what already connected, which would be reset otherwise
    server.del_channel()
    server.socket.close()
    _turn(server, seconds=0.05)  # reads what was just accepted
    while _is_busy(server) and time.monotonic() < deadline:
        _turn(server, seconds=0.05)
    server.task_dispatcher.shutdown(timeout=1)


def _turn(server: TcpWSGIServer, *, seconds: float) -> None:
    server.asyncore.loop(timeout=seconds, map=server._map, use_poll=True, count=1)  # noqa: SLF001 - not public


def _is_busy(server: TcpWSGIServer) -> bool:
    return any(
        channel.request is not None or channel.requests or channel.total_outbufs_len
        for channel in list(server.active_channels.values())
    )
