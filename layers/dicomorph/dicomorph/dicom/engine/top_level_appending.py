"""Elements at the top level of a data set to which something is added (`Action.APPEND`)."""

from __future__ import annotations

from typing import Any

from dicomorph.dicom.engine.appending import joins, lacking_items, lacking_values, outlives
from dicomorph.dicom.engine.item_edits import NO_SEQUENCE
from dicomorph.dicom.engine.top_level_items import TopLevelItems
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.stream.elements import DELIMITER_BYTES, UNDEFINED_LENGTH, Encoding, encoding_inside

_LONGEST_TEXT = 0xFFFE  # bytes of a value with a 16-bit length
_OF_ITEMS = (b"", b"SQ", b"UN")


class TopLevelAppending(TopLevelItems):
    """What the walk over the top level does where the plan has something to add."""

    def _append(self, key: Any, tag: int, vr: bytes, pos: int, value: int, length: int) -> int:
        """Write an element with what the plan adds to it; return where the next one begins.

        What the file has is lost where it cannot be read: text as long as no value is, what is no
        sequence.
        """
        stop = self._stop(tag, vr, value, length)
        self._copy_run(pos)
        self._run = stop
        if vr_of(tag) == "SQ":
            last = stop - DELIMITER_BYTES if length == UNDEFINED_LENGTH else stop
            self._out.append(self._with_items(key, tag, vr, value, last))
            return stop
        is_text = length <= _LONGEST_TEXT and vr != b"SQ"
        self._out.append(self._with_values(tag, self._window.read(value, stop) if is_text else b""))
        return stop

    def _with_values(self, tag: int, raw: bytes) -> bytes:
        writing = self._encoded.writing
        new = self._rewriting.plan.appended[tag]
        existing = writing.decoding.decode(raw).strip(" \0")
        kept = raw.rstrip(b" \0")
        whole = self._rewriting.element(writing, tag, new, tag)
        if not existing or not isinstance(new, str):
            return whole
        vr = vr_of(tag).encode("ascii")
        if not joins(tag):
            stays = outlives(tag, existing, new)
            return self._encoding.element(tag, vr, _even(existing.encode("ascii"))) if stays else whole
        lacking = lacking_values(existing, new)
        header, _ = self._encoding.length_field(vr)
        more = self._rewriting.element(writing, tag, lacking, tag)[header:].rstrip(b" ")
        found = _even(kept + b"\\" + more if more else kept)
        return self._encoding.element(tag, vr, found) if len(found) <= _LONGEST_TEXT else whole

    def _with_items(self, key: Any, tag: int, vr: bytes, value: int, last: int) -> bytes:
        buffer, base = self._window.of(value, last)
        inner = encoding_inside(vr, self._encoding, buffer, value - base, last - base)
        items = b""
        if vr in _OF_ITEMS:
            try:
                items = self._ruled(key, vr, buffer[value - base : last - base])
                items += lacking_items(items, self._new_items(tag, inner), inner)
            except NO_SEQUENCE:
                if vr != b"UN":
                    raise
                items = b""
        if items:
            return self._encoding.header(tag, vr, len(items)) + items
        return self._rewriting.element(self._encoded.writing, tag, self._rewriting.plan.appended[tag], tag)

    def _new_items(self, tag: int, encoding: Encoding) -> bytes:
        """Return the items of the plan, as they are written in an encoding."""
        writing = self._encoded.writing._replace(encoding=encoding)
        header, _ = encoding.length_field(b"SQ")
        return self._rewriting.element(writing, tag, self._rewriting.plan.appended[tag], tag)[header:]


def _even(value: bytes) -> bytes:
    return value + b" " if len(value) & 1 else value
