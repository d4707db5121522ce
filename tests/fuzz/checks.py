"""What must hold for any input: an error of ours, or a whole and clean output; in time, in memory."""

from __future__ import annotations

import re
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.frames.image_pixel import IMAGE_PIXEL
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import Level
from tests.compat.data_sets import File, Tree, read_file
from tests.compat.oracle import Oracle
from tests.compat.oracle_rules import Fate, Path, matches
from tests.compat.oracle_values import PIXEL_DATA
from tests.compat.plans import Request
from tests.fuzz.recoding import faults_of_recoding
from tests.support.edits import KEY, NAME, WindowedSource, plan

SECONDS_PER_BYTE = 1 / 1e6
SECONDS_AT_MOST = 0.1  # for a file of any size: collecting garbage, compiling the request
_TRACED, _WINDOWED, _RECODED = 4, 2, 4  # one input of so many
_WORTH_A_SECOND_LOOK = 0.003  # seconds, in which others may have been at work
MEMORY_RATIO = 10
MEMORY_AT_ALL = 2 << 20
_MAPPED = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(2\.25\.\d+)?(\\(2\.25\.\d+)?)*")
_REGISTERED = b"1.2.840.10008."  # the root of the UIDs of DICOM itself (PS3.6 annex A), which tell nobody
_TELLING = 6  # bytes; shorter values occur by chance
_VARIED = 4  # different bytes, as padding and zeros have not

Leaf: TypeAlias = tuple[Path, int, bytes, Fate]


@dataclass
class Verdict:
    """What became of one input."""

    refused: bool = False
    seconds: float = 0.0
    peak: int = 0
    faults: list[str] = field(default_factory=list)


class Judge:
    """One request, and what the engine learnt from the inputs before."""

    def __init__(self, request: Request) -> None:
        self._plan = plan(request.body, anonymize=request.anonymize, level=Level(request.level))
        self._warm = self._engine()
        self._oracle = Oracle(
            request.body,
            anonymize=request.anonymize,
            level=request.level,
            name=NAME,
            mapper=IdentityMapper(KEY),
        )
        self._given = set(_texts([request.body.get("Replace", {}), self._oracle.request.marks]))
        # Pixels that the request describes anew need not be those that the image says it has then.
        self._redescribes = not IMAGE_PIXEL.isdisjoint(self._plan.replace)

    def _engine(self) -> Rewriter:
        return Rewriter(self._plan, IdentityMapper(KEY), default_encoding="Latin1")

    def judge(self, data: bytes, *, number: int = 0) -> Verdict:
        """Edit a file, and look at what came out; some, by their number, in more ways than others."""
        verdict = Verdict()
        started = time.perf_counter()
        output = _outcome(self._engine(), data)
        verdict.seconds = time.perf_counter() - started
        if verdict.seconds > _WORTH_A_SECOND_LOOK + len(data) * SECONDS_PER_BYTE / 10:
            verdict.seconds = self._work(data)
        if number % _TRACED == 0:
            verdict.peak = self._peak(data)
        if isinstance(output, Exception):
            verdict.refused = isinstance(output, DicomorphError)
            if not verdict.refused:
                verdict.faults.append(f"crash: {output!r}")
        else:
            verdict.faults += self._faults(data, output)
        if verdict.seconds > SECONDS_AT_MOST + len(data) * SECONDS_PER_BYTE:
            verdict.faults.append(f"slow: {verdict.seconds:.2f} s for {len(data)} bytes")
        if verdict.peak > MEMORY_AT_ALL + MEMORY_RATIO * len(data):
            verdict.faults.append(f"memory: {verdict.peak} bytes for {len(data)}")
        if not _alike(output, _outcome(self._warm, data)):
            verdict.faults.append("what was seen before changes the result")
        if number % _WINDOWED == 0 and not _alike(output, _windowed(self._engine(), data, number % 3)):
            verdict.faults.append("the size of the window changes the result")
        if number % _RECODED == 0:
            verdict.faults += _recoding(data, number // _RECODED)
        return verdict

    def _work(self, data: bytes) -> float:
        """Return the seconds of an edit during which this thread was at work, the least of three."""

        def once() -> float:
            engine, started = self._engine(), time.thread_time()
            _outcome(engine, data)
            return time.thread_time() - started

        return min(once(), once(), once())

    def _peak(self, data: bytes) -> int:
        """Return how much memory an edit takes in addition to the input."""
        tracemalloc.start()
        try:
            _outcome(self._engine(), data)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def _faults(self, data: bytes, output: bytes) -> Iterator[str]:
        again = _outcome(self._engine(), output)
        if isinstance(again, Exception) and not self._redescribes:
            yield f"the output is refused: {again!r}"
        edited, original = _parsed(output), _parsed(data)
        if edited is None:
            if original is not None:
                yield "pydicom reads the input, but not the output"
            return
        kept = list[bytes]()
        for path, tag, value, fate in self._leaves(edited.tree):
            if fate is Fate.KEPT:
                kept.append(value)
            elif fate is not Fate.MAPPED or not self._is_mapped(value):
                yield f"left: {fate.name} {tag:08x} in {path}"
        touched = self._leaves(original.tree, written=Fate.GONE) if original is not None else ()
        removed = [value.strip(b" \0") for _, _, value, fate in touched if fate is not Fate.KEPT]
        left = survivors(set(removed) - self._given, output, kept)
        # What the request leaves alone is not opened, and may say the same in a way that pydicom cannot read.
        if any(output.count(value) > data.count(value) - removed.count(value) for value in left):
            yield "a removed value is in the output, in no element that is kept"

    def _is_mapped(self, value: bytes) -> bool:
        """Tell a new identifier: by its form, or because the request gives it."""
        stripped = value.strip(b" \0")
        return bool(_MAPPED.fullmatch(stripped)) or set(stripped.split(b"\\")) <= self._given

    def _leaves(
        self, tree: Tree, path: Path = (), above: Fate = Fate.KEPT, *, written: Fate | None = None
    ) -> Iterator[Leaf]:
        """Yield the values with what the rules say of them, or of a sequence around them.

        Parameters
        ----------
        written : Fate, optional
            Of elements that the request gives a value; they are left out if it is None.
        """
        for tag, node in tree.items():
            fate = self._oracle.rules.fate(path, tag) if above is Fate.KEPT else above
            if self._is_written(path, tag):
                if written is None:
                    continue
                fate = written
            if node.items is None and node.value and tag & 0xFFFF:
                yield path, tag, node.value, fate
            for index, item in enumerate(node.items or []):
                yield from self._leaves(item, (*path, (tag, index)), fate, written=written)

    def _is_written(self, path: Path, tag: int) -> bool:
        request = self._oracle.request
        if path:
            return any(matches(pattern, path, tag) for pattern in request.replace_paths)
        return tag in request.replace or tag in request.marks


def _texts(value: Any) -> Iterator[bytes]:
    """Yield the strings of a request."""
    if isinstance(value, str):
        yield value.encode()
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def survivors(removed: set[bytes], output: bytes, kept: list[bytes]) -> list[bytes]:
    """Return the values that the output has outside the elements that are kept."""
    found = [value for value in removed if _is_telling(value)]
    found = [value for value in found if value in output]
    if found:  # rarely: only then is it worth to take out what may be there
        for value in sorted(kept, key=len, reverse=True):
            output = output.replace(value, b"\n")
    return [value for value in found if value in output]


def _is_telling(value: bytes) -> bool:
    return len(value) >= _TELLING and len(set(value)) >= _VARIED and not value.startswith(_REGISTERED)


def _outcome(engine: Rewriter, data: bytes) -> bytes | Exception:
    source = BufferSource(data)
    try:
        script = engine.rewrite(source)
        output = script.join(source)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        return error
    return output if len(output) == script.size else AssertionError("the script does not know its size")


def _windowed(engine: Rewriter, data: bytes, surplus: int) -> bytes | Exception:
    source, before = WindowedSource(data, surplus), windows.WINDOW
    windows.WINDOW = 64
    try:
        return engine.rewrite(source).join(source)
    except Exception as error:  # noqa: BLE001 - as above
        return error
    finally:
        windows.WINDOW = before


def _recoding(data: bytes, number: int) -> list[str]:
    try:
        return faults_of_recoding(data, number)
    except Exception as error:  # noqa: BLE001 - as above
        return [f"crash while recoding: {error!r}"]


def _alike(one: bytes | Exception, other: bytes | Exception) -> bool:
    if isinstance(one, Exception) and isinstance(other, Exception):
        return isinstance(other, DicomorphError) or type(one) is type(other)
    return one == other


def _parsed(data: bytes) -> File | None:
    """Return a file as pydicom reads it, None if it cannot or would have to guess."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = read_file(data)
    except Exception:  # noqa: BLE001 - whatever pydicom raises for a broken file
        return None
    return None if _is_guessed(file.tree) or _is_read_otherwise(data, file) else file


def _is_read_otherwise(data: bytes, file: File) -> bool:
    """Tell whether pydicom takes implicit VR for what the engine reads as explicit, or the reverse."""
    try:
        return open_dataset(BufferSource(data)).encoding.explicit is file.reads_implicit
    except DicomorphError:
        return False


def _is_guessed(tree: Tree) -> bool:
    """Tell whether pydicom had to guess where an undefined length ends, or a VR that is none."""
    return any(
        node.unnamed
        or (
            any(map(_is_guessed, node.items))
            if node.items is not None
            else node.undefined and tag != PIXEL_DATA
        )
        for tag, node in tree.items()
    )
