"""Reserving an address, and listening on it."""

from __future__ import annotations

import socket
from typing import Final

_BACKLOG: Final = 1024
_STALLED_MILLISECONDS: Final = 60_000


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
        # Connections inherit these: an answer goes out at once, to a client that takes it or is dropped.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MILLISECONDS)
        listener.bind(address)
    except OSError as error:
        raise CannotListenError(f"Cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def listen(listener: socket.socket) -> None:
    """Let clients connect.

    Raises
    ------
    CannotListenError
        If another process, which may bind the same port, listens on it.
    """
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        raise CannotListenError(f"Cannot listen: {error.strerror}") from error
