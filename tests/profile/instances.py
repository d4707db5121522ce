"""Small instances with what a case is about, and nothing else."""

from __future__ import annotations

from tests.dicom_factory import EXPLICIT, Element
from tests.profile.products import file_of, product
from tests.profile.readings import Reading

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
STUDY, SERIES, INSTANCE = "1.2.3.4", "1.2.3.4.5", "1.2.3.4.5.6"
NAME = "Zorblatt^Quentin"


def instance_of(*elements: Element, sop_class: str = CT) -> list[Element]:
    """Return the elements of an instance: those given, and what says whose it is, in their order."""
    found = {
        0x00080016: Element(0x00080016, "UI", sop_class),
        0x00080018: Element(0x00080018, "UI", INSTANCE),
        0x00100010: Element(0x00100010, "PN", NAME),
        0x00100020: Element(0x00100020, "LO", "K77431905"),
        0x00100030: Element(0x00100030, "DA", "19270314"),
        0x0020000D: Element(0x0020000D, "UI", STUDY),
        0x0020000E: Element(0x0020000E, "UI", SERIES),
        **{element.tag: element for element in elements},
    }
    return [found[tag] for tag in sorted(found)]


def changed(*elements: Element, options: tuple[str, ...] = (), sop_class: str = CT) -> Reading:
    """Return what becomes of an instance with some elements."""
    return Reading(product(file_of(instance_of(*elements, sop_class=sop_class)), *options))


def text(reading: Reading, *key: int) -> str:
    """Return a value without its padding; KeyError where there is none."""
    return reading.elements[key].value.rstrip(b" \0").decode("ascii")


def bytes_of(*elements: Element, sop_class: str = CT, syntax: str = EXPLICIT) -> bytes:
    """Return an instance with some elements as a file."""
    return file_of(instance_of(*elements, sop_class=sop_class), syntax)
