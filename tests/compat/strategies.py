"""Data sets and requests that nobody thought of (hypothesis)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.compat.plans import Request
from tests.dicom_factory import BIG, CODECS, DEFLATED, EXPLICIT, IMPLICIT, Element, encode, part10

# Attributes that are removed, emptied, mapped or kept; sequences of both kinds; private and graphic ones.
TEXTS = {
    0x00080090: "PN",
    0x00081030: "LO",
    0x00100010: "PN",
    0x00100020: "LO",
    0x00100040: "CS",
    0x00204000: "LT",
}
UIDS = [0x00080018, 0x00081155, 0x0020000D, 0x0020000E, 0x00200052]
NUMBERS = {0x00280010: "US", 0x00181063: "DS", 0x60000010: "US"}
SEQUENCES = [0x00081140, 0x00081250, 0x00101002, 0x00400275, 0x0040A730, 0x30060010, 0x30060012, 0x00091010]
PRIVATE = {0x00090010: "LO", 0x00091001: "LO", 0x00091002: "UN"}
CHARSET, PATIENT_ID = 0x00080005, 0x00100020

LEAVES = [*TEXTS, *UIDS, *NUMBERS, *PRIVATE, CHARSET]
VALUES = st.sampled_from(["", "1.2.3", "1.2.4", "1.2.3 ", "P1", "Ä"])


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> list[Element]:
    """Draw a data set, sequences within sequences."""
    found = []
    for tag in draw(st.sets(st.sampled_from(LEAVES + (SEQUENCES if depth else [])), max_size=7)):
        if tag in SEQUENCES:
            # pydicom tells a private sequence in implicit VR by its first item.
            items = draw(st.lists(elements(depth - 1), min_size=tag >> 16 & 1, max_size=3))
            undefined = draw(st.booleans())
            unknown = tag != 0x00091010 and draw(st.integers(0, 4)) == 0
            found.append(Element(tag, "SQ", items, undefined=undefined, unknown=unknown))
        else:
            found.append(_leaf(draw, tag))
    return sorted(found, key=lambda element: element.tag)


def _leaf(draw: st.DrawFn, tag: int) -> Element:
    if tag == CHARSET:
        return Element(tag, "CS", draw(st.sampled_from(["ISO_IR 100", "ISO_IR 192"])))
    if tag in NUMBERS:
        vr = NUMBERS[tag]
        return Element(tag, vr, 7 if vr == "US" else "1.5")
    unknown = tag not in PRIVATE and draw(st.integers(0, 5)) == 0
    vr = "UI" if tag in UIDS else {**TEXTS, **PRIVATE}[tag]
    return Element(tag, vr, draw(VALUES), unknown=unknown) if vr != "UN" else Element(tag, vr, b"raw!")


def name(tag: int) -> str:
    return f"{tag >> 16:04x},{tag & 0xFFFF:04x}"


def places(body: list[Element], before: str = "") -> Iterator[str]:
    """Yield the path of each element that there is."""
    for element in body:
        yield before + name(element.tag)
        for index, item in enumerate(element.value if isinstance(element.value, list) else []):
            for at in (index, "*"):
                yield from places(item, f"{before}{name(element.tag)}[{at}].")


class Case(NamedTuple):
    """A data set and a request that is not refused for what it says."""

    body: list[Element]
    request: Request

    @property
    def codec(self) -> str:
        """Of the character set that the data set declares."""
        declared = next((element.value for element in self.body if element.tag == CHARSET), "")
        assert isinstance(declared, str)
        return CODECS[declared]

    def file(self, syntax: str) -> bytes:
        """Return the data set in a transfer syntax."""
        return part10(encode(self.body, syntax, self.codec), syntax)


def _in_utf8(body: list[Element]) -> list[Element]:
    """Return a data set that declares UTF-8, and whose patient has an umlaut."""
    others = [element for element in body if element.tag not in {CHARSET, PATIENT_ID}]
    declared = [Element(CHARSET, "CS", "ISO_IR 192"), Element(PATIENT_ID, "LO", "Ä")]
    return sorted([*others, *declared], key=lambda element: element.tag)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a data set and a request; the paths lead to what is there, or anywhere."""
    body = draw(elements())
    if draw(st.booleans()):
        body = _in_utf8(body)
    anywhere = st.builds(
        lambda parents, tag: ".".join([*parents, name(tag)]),
        st.lists(st.sampled_from([f"{name(tag)}[{at}]" for tag in SEQUENCES for at in "*07"]), max_size=2),
        st.sampled_from(LEAVES + SEQUENCES),
    )
    there = st.sampled_from(sorted({*places(body)}) or [name(LEAVES[0])])
    request = draw(requests(st.lists(there | there | anywhere, max_size=3, unique=True)))
    return Case(body, request)


SYNTAXES = st.sampled_from([EXPLICIT, EXPLICIT, IMPLICIT, IMPLICIT, BIG, DEFLATED])


@st.composite
def requests(draw: st.DrawFn, paths: st.SearchStrategy[list[str]]) -> Request:
    body: dict[str, Any] = {"Force": True, "Keep": draw(paths)}
    body["Remove"] = [path for path in draw(paths) if "." in path or not _is_identifier(path)]
    replaced = draw(paths)
    body["Replace"] = {path: _value(draw, path) for path in replaced if not _is_entered(path, replaced)}
    anonymize = draw(st.booleans())
    if anonymize:
        body["DicomVersion"] = draw(st.sampled_from(["2008", "2017c", "2021b", "2023b"]))
        body["KeepPrivateTags"] = draw(st.booleans())
    else:
        body["RemovePrivateTags"] = draw(st.booleans())
    return Request(
        body, anonymize=anonymize, level=draw(st.sampled_from(["Patient", "Study", "Series", "Instance"]))
    )


def _is_entered(path: str, paths: list[str]) -> bool:
    """Tell whether another path may lead into a nested sequence that is replaced, which is not followed."""
    return "." in path and any(f"{path.rsplit('.', 1)[-1]}[" in other for other in paths)


def _is_identifier(path: str) -> bool:
    return path in {name(tag) for tag in (0x00080018, 0x00100020, 0x0020000D, 0x0020000E)}


def _value(draw: st.DrawFn, path: str) -> Any:
    tag = int(path.rsplit(".", 1)[-1].replace(",", ""), 16)
    if tag in SEQUENCES and not tag >> 16 & 1:
        return draw(
            st.sampled_from(
                [[], [{}], [{"PatientID": "P9", "ReferencedSOPInstanceUID": "1.2.3"}, {"StudyID": "1"}]]
            )
        )
    if tag == CHARSET:
        return draw(st.sampled_from(["ISO_IR 100", "ISO_IR 192"]))
    return "12" if tag in NUMBERS else draw(st.sampled_from(["", "new", "9.9"]))
