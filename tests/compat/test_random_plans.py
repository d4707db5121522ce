"""The engine and the oracle agree on requests and data sets that nobody thought of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compat.data_sets import comparable
from tests.compat.plans import Request
from tests.compat.test_differential import difference, pair
from tests.dicom_factory import BIG, CODECS, DEFLATED, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.edits import edited, modified

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
CHARSET = 0x00080005

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


@st.composite
def cases(draw: st.DrawFn) -> tuple[bytes, Request]:
    """Draw a file and a request; what a request would be refused for is left out."""
    body = draw(elements())
    anywhere = st.builds(
        lambda parents, tag: ".".join([*parents, name(tag)]),
        st.lists(st.sampled_from([f"{name(tag)}[{at}]" for tag in SEQUENCES for at in "*07"]), max_size=2),
        st.sampled_from(LEAVES + SEQUENCES),
    )
    there = st.sampled_from(sorted({*places(body)}) or [name(LEAVES[0])])
    request = draw(requests(st.lists(there | there | anywhere, max_size=3, unique=True)))
    syntax = draw(st.sampled_from([EXPLICIT, EXPLICIT, IMPLICIT, IMPLICIT, BIG, DEFLATED]))
    declared = next((element.value for element in body if element.tag == CHARSET), "")
    assert isinstance(declared, str)
    return part10(encode(body, syntax, CODECS[declared]), syntax), request


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


def compare(data: bytes, request: Request) -> None:
    engine, oracle = pair(request)
    assert not difference(data, engine, oracle)
    output = edited(data, engine)
    again = modified(output, Keep=["SOPInstanceUID"], Force=True)
    assert comparable(again) == comparable(output), "what came out is a file like any other"


@given(cases())
def test_random_requests_do_alike(case: tuple[bytes, Request]) -> None:
    compare(*case)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@given(cases())
def test_many_random_requests_do_alike(case: tuple[bytes, Request]) -> None:
    compare(*case)
