"""Whether a file that is not edited refers to what gets new identifiers elsewhere."""

from __future__ import annotations

from dicomorph.dicom.engine.holding_items import holds_items
from dicomorph.dicom.engine.reference_editor import ReferenceEditor
from dicomorph.dicom.engine.reference_tree import (
    ORIGINAL_ATTRIBUTES_SEQUENCE,
    SINGLE_REFERENCES,
    may_hold_items,
)
from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.stream.elements import DELIMITER_BYTES, Element, Encoding, encoding_inside
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.scan import scan
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.stream.windows import Window

_NOT_FOLLOWED = frozenset((PIXEL_DATA, ORIGINAL_ATTRIBUTES_SEQUENCE))


def would_change(source: Source, editor: ReferenceEditor) -> bool:
    """Tell whether any reference in a file would become another one.

    Raises
    ------
    BadFileFormatError
        If the file is broken before the pixel data.
    """
    data = open_dataset(source)
    window = Window(data.source, data.start)
    for found in scan(data):
        if found.tag in SINGLE_REFERENCES:
            whole = window.read(found.start, found.stop)
            if editor.element(data.encoding, found.tag, found.vr)(whole) != whole:
                return True
        elif found.tag not in _NOT_FOLLOWED and _changes(data.encoding, found, window, editor):
            return True
    return False


def _changes(encoding: Encoding, found: Element, window: Window, editor: ReferenceEditor) -> bool:
    """Tell it of a top-level element, if it is a sequence."""
    if not found.undefined and not _is_sequence(encoding, found, window):
        return False
    buffer, base = window.of(found.value, found.stop)
    start, last = found.value - base, found.stop - base - (DELIMITER_BYTES if found.undefined else 0)
    inner = encoding_inside(found.vr, encoding, buffer, start, last)
    return editor.items(found.tag, buffer, start, last, inner) is not None


def _is_sequence(encoding: Encoding, found: Element, window: Window) -> bool:
    if not may_hold_items(found.tag, found.vr):
        return False
    beginning = window.read(found.value, min(found.value + 4, found.stop))
    return found.vr == b"SQ" or holds_items(found.tag, found.vr, beginning, encoding.order)
