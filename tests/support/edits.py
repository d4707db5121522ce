"""Applying one request to one file with the engine, and sources that behave like remote ones."""

from __future__ import annotations

from typing import Any

from dicomorph.deid.compilation import compile_plan
from dicomorph.deid.requests.modification import parse_modification
from dicomorph.dicom.engine.edit_plan import EditPlan
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream.source import Buffer, BufferSource, MemoryScratch, Scratch
from dicomorph.model.resources import Level
from dicomorph.model.settings import Settings

KEY = b"0123456789abcdef"
NAME = "Anonymized1"
SETTINGS = Settings(default_dicom_version="2023b")  # Orthanc's newest, unless a request says otherwise


def plan(
    body: dict[str, Any],
    *,
    anonymize: bool = True,
    level: Level = Level.INSTANCE,
    settings: Settings = SETTINGS,
) -> EditPlan:
    """Return the plan of a request."""
    modification = parse_modification(body, is_anonymization=anonymize, level=level, settings=settings)
    return compile_plan(modification, name=NAME, settings=settings)


def rewriter(
    body: dict[str, Any],
    *,
    anonymize: bool = True,
    level: Level = Level.INSTANCE,
    settings: Settings = SETTINGS,
) -> Rewriter:
    """Return the engine for a request, with a cold memory."""
    found = plan(body, anonymize=anonymize, level=level, settings=settings)
    mapper = IdentityMapper(KEY, one_namespace=found.one_namespace)
    return Rewriter(found, mapper, default_encoding=settings.default_encoding)


def edited(data: bytes, engine: Rewriter) -> bytes:
    """Return the output of the engine for a file."""
    source = BufferSource(data)
    script = engine.rewrite(source)
    output = script.join(source)
    assert len(output) == script.size
    return output


def anonymized(data: bytes, **body: Any) -> bytes:
    """Return a file anonymized by a request."""
    return edited(data, rewriter(body))


def modified(data: bytes, *, level: Level = Level.INSTANCE, **body: Any) -> bytes:
    """Return a file modified by a request."""
    return edited(data, rewriter(body, anonymize=False, level=level))


class WindowedSource:
    """A source that answers with exactly what it is asked for, or a little more, as a remote one.

    Parameters
    ----------
    data : bytes
        The file.
    surplus : int
        How many bytes more a window has.
    """

    fragments: tuple[int, int] | None = None

    def __init__(self, data: bytes, surplus: int = 0) -> None:
        self._data = data
        self._surplus = surplus
        self.size = len(data)
        self.largest = self.shown = 0
        self.scratch: Scratch = MemoryScratch()

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        """Return what was asked for."""
        self.largest = max(self.largest, min(length, self.size))
        found = self._data[start : start + length + self._surplus]
        self.shown += len(found)
        return found, start

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range."""
        return self._data[start:stop]

    def close(self) -> None:
        """Do nothing."""
