"""JSON text of a data set, most of which may lie in a file: it is many times as long as the data set."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import TypeAlias, cast

from dicomorph.dicom.stream.edit_script import EditScript, Part
from dicomorph.dicom.stream.mapped_source import MappedSource
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import BufferSource, Source
from dicomorph.model.resources import Json

_INDENT = "   "
_Pieces: TypeAlias = "list[str | tuple[int, int]]"


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the place of values whose text was written to a file.

    Parameters
    ----------
    extents : tuple[tuple[int, int], ...]
        Where the text lies.
    is_members : bool
        Whether it is that of members of an object, each with its name, and not of values.
    """

    extents: tuple[tuple[int, int], ...]
    is_members: bool = False


Shown: TypeAlias = "dict[str, ShownValue]"
ShownValue: TypeAlias = "Json | Written | list[ShownValue] | Shown"


def json_text(value: Json, level: int) -> str:
    """Return the text of a value that stands on a line of some indentation, as `JsonText` has it."""
    return "".join(cast("list[str]", _pieces_of(cast("ShownValue", value), level)))


class JsonText:
    """The text of one value, as `json.dumps` has it with sorted keys and three spaces a level.

    Values that are complete can be written before there is the rest; they are replaced by what says
    where they lie.

    Parameters
    ----------
    scratch : FileScratch
        Makes the file.
    """

    def __init__(self, scratch: FileScratch) -> None:
        self._scratch = scratch
        self._descriptor: int | None = None
        self._size = 0

    @property
    def is_used(self) -> bool:
        """Whether anything was written."""
        return self._descriptor is not None

    def write_items(self, items: list[ShownValue], level: int) -> None:
        """Write the elements of an array.

        Parameters
        ----------
        items : list[ShownValue]
            The elements so far, in place of which one stands then.
        level : int
            Of their indentation.
        """
        earlier, rest = _split(items)
        pieces: _Pieces = []
        for item in rest:
            if pieces or earlier:
                pieces.append(_comma(level))
            _append(pieces, item, level)
        items[:] = [Written((*earlier, *self._write(pieces)))]

    def write_members(self, members: Shown, level: int, *, ascending: bool) -> None:
        """Write the newest members of an object.

        Parameters
        ----------
        members : Shown
            The members so far, of which those that were not written yet are replaced.
        level : int
            Of their indentation.
        ascending : bool
            Whether they come in the order of their names, and each once: one stands for all then.
        """
        names = []
        last: Written | None = None
        for name in reversed(members):
            found = members[name]
            if isinstance(found, Written):
                last = found
                first = name
                break
            names.append(name)
        names.reverse()
        if not ascending:
            for name in names:
                members[name] = Written(tuple(self._write(_pieces_of(members[name], level))))
            return
        pieces: _Pieces = []
        for name in names:
            if pieces or last:
                pieces.append(_comma(level))
            pieces.append(f"{encode_basestring(name)}: ")
            _append(pieces, members.pop(name), level)
        if last is None:
            first, last = names[0], Written(())
        members[first] = Written((*last.extents, *self._write(pieces)), is_members=True)

    def finish(self, value: ShownValue) -> tuple[Source, EditScript]:
        """Return the whole text with a line break behind it, as a script and what its ranges are of.

        Nothing can be written afterwards; whoever closes the source removes the file.
        """
        parts: list[Part] = [
            piece if isinstance(piece, tuple) else piece.encode("utf-8", "surrogatepass")
            for piece in _joined([*_pieces_of(value, 0), "\n"])
        ]
        if self._descriptor is None:
            return BufferSource(b""), EditScript.of(parts)
        descriptor, self._descriptor = self._descriptor, None
        return MappedSource(descriptor, self._scratch), EditScript.of(parts)

    def close(self) -> None:
        """Remove the file of a text that nobody wants any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, pieces: _Pieces) -> Sequence[tuple[int, int]]:
        """Write what is not written yet; return where all of it lies."""
        if self._descriptor is None:
            self._descriptor = self._scratch.open_file()
        texts, extents = [], []
        for piece in _joined(pieces):
            if isinstance(piece, tuple):
                extents.append(piece)
                continue
            text = piece.encode("utf-8", "surrogatepass")
            texts.append(text)
            extents.append((self._size, self._size + len(text)))
            self._size += len(text)
        self._scratch.write(self._descriptor, texts)
        return extents


def _split(items: list[ShownValue]) -> tuple[tuple[tuple[int, int], ...], list[ShownValue]]:
    """Return where the first elements lie, and those that are not written yet."""
    if items and isinstance(items[0], Written):
        return items[0].extents, items[1:]
    return (), items


def _joined(pieces: _Pieces) -> _Pieces:
    """Return the same pieces, those of text put together."""
    joined: _Pieces = []
    texts: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece)
            continue
        if texts:
            joined.append("".join(texts))
            texts = []
        joined.append(piece)
    if texts:
        joined.append("".join(texts))
    return joined


def _comma(level: int) -> str:
    return ",\n" + _INDENT * level


def _pieces_of(value: ShownValue, level: int) -> _Pieces:
    pieces: _Pieces = []
    _append(pieces, value, level)
    return pieces


def _append(pieces: _Pieces, value: ShownValue, level: int) -> None:
    """Append the text of a value that stands on a line of some indentation."""
    if isinstance(value, str):
        pieces.append(encode_basestring(value))
    elif isinstance(value, Written):
        pieces.extend(value.extents)
    elif isinstance(value, dict) and value:
        separator = "{\n" + _INDENT * (level + 1)
        for name in sorted(value):
            pieces.append(separator)
            member = value[name]
            if not isinstance(member, Written) or not member.is_members:
                pieces.append(f"{encode_basestring(name)}: ")
            _append(pieces, member, level + 1)
            separator = _comma(level + 1)
        pieces.append("\n" + _INDENT * level + "}")
    elif isinstance(value, list) and value:
        separator = "[\n" + _INDENT * (level + 1)
        for item in value:
            pieces.append(separator)
            _append(pieces, item, level + 1)
            separator = _comma(level + 1)
        pieces.append("\n" + _INDENT * level + "]")
    else:
        pieces.append(json.dumps(value))
