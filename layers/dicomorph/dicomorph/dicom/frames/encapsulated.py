"""Cleaning encapsulated pixel data: comments leave the frames, sample data and frames stay (PS3.5 A.4).

A frame in which nothing changes remains a range of the file. One that is cleaned keeps its
fragments, one by one, and what follows moves up: see `offset_tables`.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from dicomorph.dicom.frames.cleaners import Cleaners
from dicomorph.dicom.frames.codestreams import NOT_PADDING, Cut, not_understood
from dicomorph.dicom.frames.fragments import ITEM_HEADER, BareValue, Fragment, Fragments, Frame
from dicomorph.dicom.frames.offset_tables import Moves, is_right, moved_basic_offset_table
from dicomorph.dicom.frames.pieces import Piece, make_even, pieces
from dicomorph.dicom.frames.video import begins_video, is_video, may_hold_user_data
from dicomorph.dicom.stream.edit_script import Part, parts_size
from dicomorph.dicom.stream.elements import ITEM, Encoding
from dicomorph.dicom.stream.windows import Window

_LATE_SIGNATURE = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]|\xff\x4f\xff\x51\x00")
_LATE = 4096  # bytes
_LENGTH_SIZE = 4  # bytes, at the end of a delimiter
_SHORT_RUN = 4096  # bytes; shorter ranges between new bytes are copied
_MANY = 1024
_BYTE_ORDERS: Final[dict[str, Literal["little", "big"]]] = {"<": "little", ">": "big"}


class Cleaned(NamedTuple):
    """What became of encapsulated pixel data.

    Parameters
    ----------
    stop : int
        Where they end in the file, behind the delimiter.
    parts : list[bytes | tuple[int, int]] or None
        What takes the place of the value with its delimiter; None if nothing changes.
    moves : Moves
        Where the fragments went.
    has_user_data : bool
        Whether it is video that may carry user data.
    """

    stop: int
    parts: list[Part] | None
    moves: Moves
    has_user_data: bool = False


def clean(window: Window, pos: int, encoding: Encoding, cleaners: Cleaners) -> Cleaned:
    """Find what must leave encapsulated pixel data when anonymizing.

    Parameters
    ----------
    window : Window
        The file.
    pos : int
        Where the value begins.
    encoding : Encoding
        Of the data set.
    cleaners : Cleaners
        For its frames.

    Raises
    ------
    BadFileFormatError
        If the fragments do not add up to the file, or a frame cannot be cleaned for certain.
    """
    return _Cleaner(window, pos, encoding, cleaners).clean()


def clean_bare(window: Window, value: Fragment, encoding: Encoding, cleaners: Cleaners) -> list[Part] | None:
    """Return what stays of a frame that is a whole value, without item and delimiter; None if it is no frame.

    Parameters
    ----------
    value : Fragment
        Where the value lies in the file.

    Raises
    ------
    BadFileFormatError
        If it cannot be cleaned for certain.
    """
    fragments = BareValue(window, value)
    cleaner = cleaners.by_beginning(fragments.head())
    if fragments.head().startswith(encoding.tag(ITEM)):
        raise not_understood("its fragments have a length as a whole")
    if cleaner is None:
        return None
    frame = Frame(fragments, cleaners.begins)
    [piece] = pieces(frame, cleaner.cuts(frame))
    if piece.is_changed and parts_size(piece.parts) & 1:
        make_even(window, piece.parts)
    return piece.parts


class _Cleaner:
    def __init__(self, window: Window, pos: int, encoding: Encoding, cleaners: Cleaners) -> None:
        self._window = window
        self._encoding = encoding
        self._fragments = Fragments(window, pos, encoding.order)
        # The Basic Offset Table; without any item there is none either.
        self._offset_table = self._fragments.peek() or Fragment(pos, pos)
        self._fragments.take()
        self._moves = Moves(self._offset_table.stop)
        self._run = self._offset_table.stop
        self._cleaners = cleaners
        self._is_opaque = False  # whether there are frames of which nothing is known
        self._has_user_data = False
        self._parts: list[Part] = []
        self._pending: list[bytes] = []  # short parts, to be joined

    def clean(self) -> Cleaned:
        """Walk through the fragments once."""
        fragments, moves, cleaners = self._fragments, self._moves, self._cleaners
        while (fragment := fragments.peek()) is not None:
            cleaner = cleaners.of(fragments.head())
            if cleaner is None:
                self._step_over(fragment)
            elif self._is_opaque:
                raise not_understood("only some of its fragments begin as frames do")
            else:
                frame = Frame(fragments, cleaners.begins)
                self._write(frame, cleaner.cuts(frame))
        table = self._right_offset_table()
        if self._run == self._offset_table.stop and table is not None and not fragments.end_value:
            return Cleaned(fragments.end, None, moves, self._has_user_data)
        self._add((self._run, fragments.end - _LENGTH_SIZE))
        self._add(bytes(_LENGTH_SIZE))  # of the delimiter
        self._flush()
        offset_table = moved_basic_offset_table(table or b"", moves, self._encoding)
        return Cleaned(fragments.end, [offset_table, *self._parts], moves, self._has_user_data)

    def _right_offset_table(self) -> bytes | None:
        """Return the value of the Basic Offset Table, None if it does not say where fragments begin."""
        size = self._offset_table.stop - self._offset_table.start
        if not size:
            return b""
        if not self._moves.has_room_for(size):
            return None
        table = self._window.read(*self._offset_table)
        return table if is_right(table, self._moves, self._encoding) else None

    def _step_over(self, fragment: Fragment) -> None:
        """Keep a fragment that no cleaner knows, and if it is video, those behind it."""
        fragments, cleaners = self._fragments, self._cleaners
        head, is_video_syntax = fragments.head(), is_video(cleaners.transfer_syntax)
        if NOT_PADDING.search(head) and (is_video_syntax or begins_video(head)):
            frame = Frame(fragments, cleaners.begins)
            self._has_user_data |= may_hold_user_data(frame, cleaners.transfer_syntax)
            frame.size()
            self._write(frame, [])
            self._is_opaque = True
            return
        self._is_opaque |= not self._is_padding(fragment)
        self._moves.keep(fragment)
        fragments.take()

    def _is_padding(self, fragment: Fragment) -> bool:
        """Tell whether a fragment that no codestream begins with is empty, more or less."""
        head = self._window.read(fragment.start, min(fragment.stop, fragment.start + _LATE))
        if NOT_PADDING.search(head) is None:
            return True
        cleaners = self._cleaners
        if cleaners.knows_all and not (self._is_opaque or cleaners.is_bare_codestream(head)):
            raise not_understood("a frame is not what its transfer syntax says")
        if not cleaners.is_bare_codestream(head) and _LATE_SIGNATURE.search(head):
            raise not_understood("something precedes a frame")
        return False

    def _write(self, frame: Frame, cuts: list[Cut]) -> None:
        """Write a frame without what is cut. Of its fragments, only the last one may be padded."""
        if not cuts:
            for _, fragment in frame.fragments():
                self._moves.keep(fragment)
            return
        held: list[Piece] = []  # a fragment that lacks a byte, and empty ones behind it
        for piece in pieces(frame, cuts):
            if held and not piece.parts:
                held.append(piece)
                if len(held) > _MANY:
                    raise not_understood("a frame has too many empty fragments")
                continue
            if held:
                held[0].parts.append(self._first_byte(piece.parts))
                self._emit(held)
                held.clear()
            if piece.is_changed and parts_size(piece.parts) & 1:
                held.append(piece)
            else:
                self._emit([piece])
        if held:
            make_even(self._window, held[0].parts)
            self._emit(held)

    def _first_byte(self, parts: list[Part]) -> bytes:
        """Take the first byte of a fragment."""
        first, rest = parts[0], parts[1:]
        if isinstance(first, bytes):
            byte, remainder = first[:1], first[1:]
            parts[:] = [remainder, *rest] if remainder else rest
            return byte
        start, stop = first
        parts[:] = [(start + 1, stop), *rest] if start + 1 < stop else rest
        return self._window.read(start, start + 1)

    def _emit(self, those: list[Piece]) -> None:
        """Write fragments; those in which nothing changes join the run."""
        for piece in those:
            fragment, parts = piece.fragment, piece.parts
            if not piece.is_changed:
                self._moves.keep(fragment)
                continue
            size = parts_size(parts)
            self._add((self._run, fragment.start - ITEM_HEADER))
            self._add(self._encoding.tag(ITEM) + size.to_bytes(4, _BYTE_ORDERS[self._encoding.order]))
            for part in parts:
                self._add(part)
            self._run = fragment.stop
            self._moves.shrink(fragment, size, piece.gone)

    def _add(self, part: Part) -> None:
        if isinstance(part, tuple):
            if part[1] - part[0] >= _SHORT_RUN:
                self._flush()
                self._parts.append(part)
                return
            part = self._window.read(*part)
        self._pending.append(part)
        if len(self._pending) >= _MANY:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            self._parts.append(b"".join(self._pending))
            self._pending.clear()
