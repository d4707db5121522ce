"""What is measured: each contender gets a fresh context and then files, one after the other."""

from __future__ import annotations

import importlib.util
import mmap
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.embedded.objects.writing import write_script
from tests.compat.oracle import Oracle
from tests.support.edits import KEY, NAME, rewriter


@dataclass(frozen=True)
class File:
    """An original, in memory and on disk."""

    data: bytes
    path: Path
    target: Path


Work: TypeAlias = Callable[[File], object]
Contender: TypeAlias = Callable[[], Work]  # a fresh context each time it is called


def script() -> Work:
    engine = rewriter({})
    return lambda file: engine.rewrite(BufferSource(file.data))


def output() -> Work:
    engine = rewriter({})

    def edit(file: File) -> bytes:
        source = BufferSource(file.data)
        return engine.rewrite(source).join(source)

    return edit


def joining() -> Contender:
    """Return what copies by the ranges of scripts, each of which is worked out once."""
    scripts: dict[Path, EditScript] = {}

    def copy(file: File) -> bytes:
        source = BufferSource(file.data)
        found = scripts.get(file.path)
        if found is None:
            found = scripts[file.path] = rewriter({}).rewrite(source)
        return found.join(source)

    return lambda: copy


def memory_copy() -> Work:
    return lambda file: bytes(memoryview(file.data))


def written() -> Work:
    """Edit a file into another, as the embedded server does."""
    engine = rewriter({})

    def edit(file: File) -> None:
        with file.path.open("rb") as original, file.target.open("wb") as target:
            with mmap.mmap(original.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                made = engine.rewrite(BufferSource(mapped))
            write_script(target.fileno(), original.fileno(), made)

    return edit


def file_copy() -> Work:
    return lambda file: shutil.copyfile(file.path, file.target)


def oracle() -> Work:
    slow = Oracle({}, anonymize=True, level="Patient", name=NAME, mapper=IdentityMapper(KEY))
    return lambda file: slow.apply(file.data)


def baseline(where: str) -> Contender:
    """Return another implementation: ``PATH.py[:FUNCTION[:CONTEXT]]``.

    The function gets the bytes of a file and returns the edited ones; if CONTEXT is named, it is
    called without arguments for a context, which the function gets too.
    """
    path, function, context, *_ = (*where.split(":"), "", "")
    spec = importlib.util.spec_from_file_location("baseline", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).parent))  # it may have neighbours
    spec.loader.exec_module(module)
    edit = getattr(module, function or "anonymize")
    if not context:
        return lambda: lambda file: edit(file.data)

    def fresh() -> Work:
        made = getattr(module, context)()
        return lambda file: edit(file.data, made)

    return fresh
