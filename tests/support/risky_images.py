"""Images whose pixels may show who the patient is, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.dicom_factory import EXPLICIT, Element, Fragments, Items, encode, part10, uid

STORAGE = "1.2.840.10008.5.1.4.1.1."
CT, US, SC, SLIDE = (STORAGE + number for number in ("2", "6.1", "7", "77.1.6"))
HEAD_OF_SCT = [Element(0x00080100, "SH", "69536005"), Element(0x00080102, "SH", "SCT")]
JPIP = "1.2.840.10008.1.2.4.94"
_PIXELS = 0x7FE00010


@dataclass(frozen=True)
class Image:
    """An image by its SOP class and what it says beside; `extra` elements take the place of usual ones."""

    sop_class: str = CT
    extra: list[Element] = field(default_factory=list)
    syntax: str = EXPLICIT
    modality: str = "OT"
    has_pixels: bool = True

    def file(self, *, patient: int = 1, instance: int = 1) -> bytes:
        """Return it as a file of a patient with one study and one series."""
        elements = [
            Element(0x00080016, "UI", self.sop_class),
            Element(0x00080018, "UI", uid(patient, 1, 1, instance)),
            Element(0x00080060, "CS", self.modality),
            Element(0x00100010, "PN", "Doe^Jane"),
            Element(0x00100020, "LO", f"P{patient}"),
            Element(0x0020000D, "UI", uid(patient, 1)),
            Element(0x0020000E, "UI", uid(patient, 1, 1)),
            *_pixels(self),
        ]
        found = {one.tag: one for one in [*elements, *self.extra]}
        return part10(encode([found[tag] for tag in sorted(found)], self.syntax), self.syntax)


def _pixels(image: Image) -> list[Element]:
    if not image.has_pixels:
        return []
    numbers = [(0x00280002, 1), (0x00280010, 1), (0x00280011, 2), (0x00280100, 8)]
    described = [Element(tag, "US", value) for tag, value in numbers]
    described.append(Element(0x00280004, "CS", "MONOCHROME2"))
    if image.syntax.startswith("1.2.840.10008.1.2.4."):
        return [*described, Element(_PIXELS, "OB", Fragments((bytes(4),)), undefined=True)]
    return [*described, Element(_PIXELS, "OW" if image.syntax.endswith(".1.2") else "OB", b"\1\2")]


def text(tag: int, value: str, vr: str = "CS") -> Element:
    """Return an element of text."""
    return Element(tag, vr, value)


def image_type(value: str) -> Element:
    """Return an ImageType."""
    return text(0x00080008, value)


def burned_in(value: str) -> Element:
    """Return a BurnedInAnnotation."""
    return text(0x00280301, value)


def label_in_image(value: str) -> Element:
    """Return a SpecimenLabelInImage."""
    return text(0x00480010, value)


def body_part(value: str) -> Element:
    """Return a BodyPartExamined."""
    return text(0x00180015, value)


def thickness(value: str) -> Element:
    """Return a SliceThickness."""
    return text(0x00180050, value, "DS")


def region(codes: list[Element]) -> Element:
    """Return an AnatomicRegionSequence."""
    return Element(0x00082218, "SQ", [codes])


def groups(tag: int, *items: Element, undefined: bool = False) -> Element:
    """Return functional groups with one item."""
    found: Items = [list(items)]
    return Element(tag, "SQ", found, undefined=undefined)
