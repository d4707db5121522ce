"""What the newest profile makes of files, with each option, as requests ask for it."""

from __future__ import annotations

from functools import cache
from typing import Any

from dicomorph.dicom.engine.rewriter import Rewriter
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.profile.facts import OPTIONS
from tests.profile.objects import SOP_CLASS_UID, SOP_INSTANCE_UID
from tests.profile.readings import Reading
from tests.support.edits import edited, rewriter

EDITION = "2026d"
ENCODINGS = (EXPLICIT, IMPLICIT, BIG)
CHOICES: tuple[tuple[str, ...], ...] = ((), *((option,) for option in OPTIONS))
"""The profile alone, and with each option alone."""


@cache
def engine(*options: str, edition: str = EDITION) -> Rewriter:
    """Return the engine for an edition with options; the key is always the same."""
    body: dict[str, Any] = {"DicomVersion": edition}
    if options:
        body["Profile"] = {"Options": list(options)}
    return rewriter(body)


def product(data: bytes, *options: str, edition: str = EDITION) -> bytes:
    """Return what becomes of a file."""
    return edited(data, engine(*options, edition=edition))


def file_of(elements: list[Element], syntax: str = EXPLICIT) -> bytes:
    """Return a file of elements, which are put in order; their SOP class is that of the file, too."""
    elements = sorted(elements, key=lambda element: element.tag)
    found = {element.tag: str(element.value) for element in elements}
    return part10(
        encode(elements, syntax), syntax, instance=found[SOP_INSTANCE_UID], sop_class=found[SOP_CLASS_UID]
    )


def reading_of(elements: list[Element], *options: str, syntax: str = EXPLICIT) -> Reading:
    """Return what becomes of a file of elements, read."""
    return Reading(product(file_of(elements, syntax), *options))
