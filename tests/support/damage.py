"""Damaging what is stored, behind the back of the stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from dicomorph.aws.objects.store import S3Store
from dicomorph.embedded.objects.store import FileStore
from dicomorph.model.resources import Level, ObjectRef
from dicomorph.services.backend import Backend

Damage = Callable[[bytes], bytes | None]
"""Returns what a file becomes, None if it goes."""


def flipped(position: float) -> Damage:
    """Return the damage of one bit, at a position from 0 to 1."""

    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[int(position * (len(data) - 1))] ^= 0x04
        return bytes(changed)

    return flip


OF_SIZE: Final[dict[str, Damage]] = {
    "truncated": lambda data: data[:-1],
    "truncated in its header": lambda data: data[:200],
    "empty": lambda _: b"",
    "longer": lambda data: data + b"\0",
}
MISSING: Final[Damage] = lambda _: None  # noqa: E731 - as the others


def stored_object(backend: Backend, instance: str) -> ObjectRef:
    """Return where the file of an instance lies."""
    held = backend.index.catalogue.get(Level.INSTANCE, instance)
    assert held is not None
    assert held.object is not None
    return held.object


def damage(backend: Backend, instance: str, how: Damage) -> None:
    """Damage the file of an instance; on S3, nothing is left of the version that its entry names."""
    ref = stored_object(backend, instance)
    source = backend.objects.open(ref)
    data = how(source.read(0, ref.size))
    source.close()
    if isinstance(backend.objects, S3Store):
        client, place = backend.objects._client, {"Bucket": backend.objects._bucket, "Key": ref.key}
        client.delete_object(**place, VersionId=ref.version)  # type: ignore[arg-type]
        if data is not None:
            client.put_object(**place, Body=data)  # type: ignore[arg-type]
        return
    assert isinstance(backend.objects, FileStore)
    path = Path(backend.objects._objects, ref.key)
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


def stored_bytes(backend: Backend, instance: str) -> bytes:
    """Return the file of an instance."""
    ref = stored_object(backend, instance)
    source = backend.objects.open(ref)
    try:
        return source.read(0, ref.size)
    finally:
        source.close()
