"""Processes that end, and disks that are full, before one of the writes of a job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from dicomorph.model.errors import StorageFullError
from tests.support.index_roles import around
from tests.workflows.embedded import Server


class CrashError(BaseException):
    """The process is gone; nobody may catch it."""


FuseT = TypeVar("FuseT", bound="Fuse")


@dataclass
class Fuse:
    """Ends the process before one of its writes. A crash after a write is one before the next."""

    burns_at: int = 0
    writes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    counts_reads: bool = False  # as writes

    def write(self) -> None:
        """Count a write that is about to happen."""
        with self.lock:
            self.writes += 1
            if self.writes == self.burns_at:
                raise CrashError

    def wrap(self, server: Server) -> Server:
        """Return a server whose ports go through the fuse."""
        backend = server.backend
        ports: Any = {
            name: around(getattr(backend, name), lambda port: _Fused(port, self))
            for name in ("objects", "index", "jobs")
        }
        targets: Any = {
            name: replace(target, store=_Fused(target.store, self))
            for name, target in backend.targets.items()
        }
        return Server(replace(backend, targets=targets, **ports))


def at_each_write(make: Callable[[int], FuseT]) -> Iterator[FuseT]:
    """Yield fuses that burn one write later each time, until one of them has burnt at none."""
    fuse = make(1)
    yield fuse
    while fuse.writes >= fuse.burns_at:
        fuse = make(fuse.burns_at + 1)
        yield fuse


@dataclass
class FullDisk(Fuse):
    """Has no space for one of the writes, and some more after it."""

    refused: int = 1

    def write(self) -> None:
        """Count a write, and refuse it if there is no space for it."""
        with self.lock:
            self.writes += 1
            if self.burns_at <= self.writes < self.burns_at + self.refused:
                raise StorageFullError


_WRITES = frozenset(
    {
        "create",
        "put",
        "put_answer",
        "put_edited",
        "put_script",
        "remove",
        "discard",
        "name",
        "drop",
        "add",
        "remove_instances",
        "refresh",
        "update",
        "delete",
    }
)


class _Fused:
    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in _WRITES and not self._fuse.counts_reads:
            return found

        def write(*args: Any, **options: Any) -> Any:
            self._fuse.write()
            return found(*args, **options)

        return write


_AWS_WRITES = frozenset(
    {
        "CompleteMultipartUpload",
        "DeleteItem",
        "DeleteObjects",
        "PutItem",
        "PutObject",
        "TransactWriteItems",
        "UpdateItem",
    }
)


def burn(fuse: Fuse, *clients: Any) -> None:
    """Let the writing calls of clients go through a fuse."""

    def before_call(model: Any, **_: Any) -> None:
        if model.name in _AWS_WRITES:
            fuse.write()

    for client in clients:
        client.meta.events.register_first("before-call", before_call)
