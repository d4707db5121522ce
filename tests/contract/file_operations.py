"""What a store of files can be asked for, and which files it then has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.embedded.objects.store import FileStore
from dicomorph.model.resources import ObjectRef

MIB = 1 << 20
KEY = "instances/ab/abcd/1.dcm"
OTHER = "instances/ab/abcd/2.dcm"
PINNED = ObjectRef("instances/cd/old/1.dcm", "", 5 * MIB)
DATA = bytes(range(256)) * (5 * MIB // 256)
SCRIPT = EditScript.of([b"header", (100, 5 * MIB), b"tail"])


def every_file(root: Path) -> set[str]:
    """Return the files of a store, objects and others."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


OPERATIONS: dict[str, Callable[[FileStore, ObjectRef, str], object]] = {
    "put": lambda store, _, __: store.put(OTHER, DATA),
    "put elsewhere": lambda store, _, __: store.put("jobs/1/request.json", DATA),
    "put again": lambda store, ref, _: store.put(ref.key, DATA),
    "put_file": lambda store, _, file: store.put_file(OTHER, file),
    "put_edited": lambda store, ref, _: store.put_edited(OTHER, ref, SCRIPT),
    "discard": lambda store, ref, _: store.discard([ref], pinned=False),
    "discard pinned": lambda store, ref, _: store.discard([ref], pinned=True),
    "discard what was pinned": lambda store, _, __: store.discard([PINNED], pinned=False),
}
