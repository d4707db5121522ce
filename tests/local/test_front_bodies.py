"""Bodies on their way in: what they cost, however they come, and whatever the disk does."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import tracemalloc
from pathlib import Path

import pytest

from dicomorph.model.errors import StorageFullError
from local.front import bodies
from local.front.bodies import Body, BodyStore
from local.front.chunks import ChunkDecoder
from local.front.connection import Connection, Phase
from tests.support.growth import grows_with_its_size
from tests.support.open_files import open_files


def receive(store: BodyStore, sent: bytes, length: int | None) -> Body:
    ours, theirs = socket.socketpair()
    with theirs, contextlib.closing(Connection(ours, "")) as connection:
        sender = threading.Thread(target=theirs.sendall, args=(sent,))
        sender.start()
        connection.enter(Phase.BODY)
        connection.be_patient(5)
        body = Body(store, length, lambda _: None)
        try:
            assert body.read(connection)
        except BaseException:
            body.close()
            ours.close()
            raise
        finally:
            sender.join(10)
    return body


def in_chunks(data: bytes, size: int) -> bytes:
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 1000, 65_536, 262_144, 10_000_000])
@pytest.mark.parametrize("total", [0, 1, 131_072, 1 << 20, (1 << 20) + 1, 1_300_000])
def test_a_body_in_chunks_of_any_size_is_the_body(tmp_path: Path, size: int, total: int) -> None:
    if size < 1000 and total > 131_072:
        size *= 100
    data = os.urandom(total)
    store = BodyStore(tmp_path)
    body = receive(store, in_chunks(data, size), None)
    assert (body.path is not None) == (total > 1 << 20)
    assert (body.path.read_bytes() if body.path else body.data) == data
    assert body.size == total
    body.close()
    assert store.reserve(bodies._MEMORY), "the memory was not given back"
    assert not list(tmp_path.iterdir())


def decoded(coded: bytes) -> tuple[bytes, bytes]:
    found, rest = ChunkDecoder().feed(coded)
    return b"".join(found), rest


def test_tiny_chunks_cost_no_more_than_they_are() -> None:
    assert decoded(in_chunks(b"x" * 100_000, 1)) == (b"x" * 100_000, b"")
    assert grows_with_its_size(decoded, lambda size: in_chunks(b"x" * size, 1), size=100_000)


def test_a_body_in_tiny_chunks_takes_no_more_memory_than_others(tmp_path: Path) -> None:
    coded = in_chunks(bytes(range(256)) * 250, 2)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        body = receive(BodyStore(tmp_path), coded, None)
        assert tracemalloc.get_traced_memory()[0] - before < 200_000
        assert body.size == 64_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("fails", ["close", "unlink"])
def test_a_disk_that_fails_at_the_end_costs_neither_memory_nor_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    store, before = BodyStore(tmp_path), open_files()
    with monkeypatch.context() as patch:
        if fails == "close":
            close = os.close

            def fail_to_close(descriptor: int) -> None:
                close(descriptor)
                raise OSError(28, "No space left on device")

            patch.setattr("local.front.bodies.os.close", fail_to_close)
            with pytest.raises(StorageFullError):
                receive(store, b"x" * 2_000_000, 2_000_000)
        else:
            body = receive(store, b"x" * 2_000_000, 2_000_000)
            patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(OSError(30, "Read-only")))
            body.close()
    assert open_files() <= before
    assert store.reserve(bodies._MEMORY)
